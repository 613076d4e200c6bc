#!/bin/sh
# The files that Firecracker is given: cut off, gone, or more than there is.
. "${0%/*}/box.sh"
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

kernel=kernels/debian/vmlinux image=images/tiny/rootfs.ext4
mkdir images kernels
cp -r --sparse=always "$BANGER_IMAGE_PATH/tiny" images
cp -r --sparse=always "$BANGER_KERNEL_PATH/debian" kernels
cp "$kernel" vmlinux
export BANGER_IMAGE_PATH="$T/images" BANGER_KERNEL_PATH="$T/kernels"
banger vm create -q --no-start --vmm firecracker --image tiny --vcpu 1 \
	--memory 128M --disk-size 64M a
snap=$BANGER_STATE/vms/a/snapshots/one
error() { grep -q "$1" "$BANGER_STATE/vms/a/error"; }

ok 'a kernel that is cut off' '
	truncate -s 30M "$kernel" &&
	says 1 "cannot start machine" banger vm start -q a &&
	error "[Kk]ernel"'
ok 'no kernel' '
	rm "$kernel" && says 1 "vmlinux'\'': No such file" \
		banger vm start -q a && error "vmlinux"'
ok 'an image that is cut off: the guest says what it cannot do' '
	cp vmlinux "$kernel" && cp --sparse=always "$image" rootfs &&
	truncate -s 1M "$image" &&
	says 1 "cannot mount '\''/dev/vda'\''" banger vm start -q a'
ok 'no image' '
	rm "$image" && says 1 "rootfs.ext4'\'': No such file" \
		banger vm start -q a && error rootfs.ext4'
ok 'when they are back, it starts' '
	cp --sparse=always rootfs "$image" && banger vm start -q a &&
	banger vm exec a -- true'
ok 'a snapshot that is cut off is refused, a damaged one with the reason' '
	banger vm snapshot -q a one &&
	cp "$snap/state" whole && truncate -s 100 "$snap/state" &&
	banger vm kill -q a &&
	says 1 "one'\'': it is not as long" banger vm restore -q a one &&
	tr "\000" "\001" <whole >"$snap/state" &&
	says 1 "cannot restore machine '\''a'\'': Load snapshot error: " \
		banger vm restore -q a one && error "Load snapshot error" &&
	banger vm start -q a && banger vm exec a -- true'
ok 'one that was restored boots from them when it reboots' '
	banger vm kill a && cp whole "$snap/state" &&
	banger vm restore -q a one -- touch /run/here &&
	{ banger vm exec a -- sh -c "reboot; sleep 99" || :; } &&
	banger vm exec a -- test ! -e /run/here'
ok 'and ends, with the reason, when it cannot' '
	banger vm restore -qf a one && mv "${image%/*}/manifest.json" kept &&
	{ banger vm exec a -- sh -c "reboot; sleep 99" || :; } &&
	bng-fc wait -t 99 a && error "manifest.json.: No such file" &&
	mv kept "${image%/*}/manifest.json" && banger vm start -q a &&
	banger vm delete a'
done_testing
