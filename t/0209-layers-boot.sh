#!/bin/sh
# A machine boots from an image of two layers, and sees both.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

image=$BANGER_STATE/images/two
ok 'an image of two layers becomes a disk' '
	bng-disk export "${BANGER_IMAGE_PATH%%:*}/tiny/rootfs.ext4" >base.tar &&
	mkdir -p up/etc up/bin && echo hello >up/etc/greeting &&
	printf "#!/bin/sh\ncat /etc/greeting\n" >up/bin/greet &&
	chmod 755 up/bin/greet && : >up/bin/.wh.vi &&
	tar -C up -cf up.tar bin etc && umoci init --layout oci &&
	umoci new --image oci:a && umoci raw add-layer --image oci:a base.tar &&
	umoci raw add-layer --image oci:a up.tar && mkdir -p "$image" &&
	bng-disk layers -s 64M "$image/rootfs.ext4" oci:oci &&
	bng-store manifest "$image" name=two distro=busybox arch=x86_64 \
		kernel=debian source=test'
ok 'a machine of it runs what the upper layer brought' '
	[ "$(banger vm run -q --rm --image two -- sh -c \
		"greet && [ -x /bin/ls ] && [ ! -e /bin/vi ] &&
		echo more >>/etc/greeting && greet")" = "hello
hello
more" ]'

done_testing
