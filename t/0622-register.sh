#!/bin/sh
# Files that stay where they are: an image refers to them, until it is promoted.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store
at_end 'banger vm list -rq | xargs -r banger vm kill >/dev/null'
umask 022
images=$BANGER_STATE/images
mkdir mine
cp --sparse=always "$BANGER_IMAGE_PATH/tiny/rootfs.ext4" mine/tiny.ext4
echo hello | bng-disk put mine/tiny.ext4 /hello
touch -d 2020-02-02 mine/tiny.ext4
kernels=$BANGER_STATE/kernels real=$BANGER_KERNEL_PATH/debian
version=$(bng-store field "$real/manifest.json" version)
cp -r "$real/early" "mine/$version"
# A link, so that no test changes what all share.
ln -s "$real/vmlinux" mine/vmlinux
# Of a size that the next archive in a file may not begin at.
: >blob
while [ ! -e mine/first ] || [ $(($(wc -c <mine/first) % 4)) = 0 ]; do
	echo "$(wc -c <blob) firmware" >>blob
	echo blob | cpio -o -H newc 2>/dev/null | gzip -n >mine/first
done
unset BANGER_IMAGE_PATH
sum=$(sha256sum <mine/tiny.ext4)
untouched() {
	[ "$(sha256sum <mine/tiny.ext4)" = "$sum" ] &&
		[ "$(date -r mine/tiny.ext4 +%F)" = 2020-02-02 ]
}
nothing() { [ -z "$(ls "$images" 2>/dev/null)" ]; }

# refused TEXT OPTION...: as image x, and nothing is made.
refused() {
	_refused=$1
	shift
	says 1 "$_refused" banger image register "$@" x && nothing
}
ok 'what cannot be an image is refused, and nothing is made' '
	refused "it is not there" --rootfs "$T/nonesuch" &&
	refused "is not a regular file" --rootfs "$T/mine" &&
	echo text >text && refused "text" --rootfs text &&
	head -c 70000 mine/tiny.ext4 >short && refused "short" --rootfs short &&
	refused "control characters" --rootfs "$(printf "a\033b")" &&
	refused "cannot use" --rootfs mine/tiny.ext4 --kernel ../x &&
	says 2 "needs --rootfs" banger image register x &&
	says 2 "is required" banger image register --rootfs mine/tiny.ext4 &&
	says 2 "go with --kernel-image" banger image register --rootfs \
		mine/tiny.ext4 --modules /lib x &&
	says 1 "cannot use" banger image register --rootfs x ../x'
ok 'one that is mounted, or was not unmounted, is refused' '
	cp mine/tiny.ext4 dirty && debugfs -w -R "feature needs_recovery" \
		dirty && refused "not unmounted" --rootfs dirty'
register() {
	banger image register --rootfs mine/tiny.ext4 --kernel-image \
		"${1-mine/vmlinux}" --modules "mine/$version" \
		--initrd mine/first tiny
}
ok 'a kernel that is none, or has other modules, is refused likewise' '
	mkdir -p mine/5.0 &&
	refused "is not there" --rootfs mine/tiny.ext4 --kernel-image none &&
	refused "not a bzImage" --rootfs mine/tiny.ext4 --kernel-image text &&
	refused "its modules are for 5.0" --rootfs mine/tiny.ext4 \
		--kernel-image mine/vmlinux --modules mine/5.0 &&
	refused "it lacks virtio_blk" --rootfs mine/tiny.ext4 \
		--kernel-image mine/vmlinux &&
	refused "there is one" --rootfs mine/tiny.ext4 --kernel debian \
		--kernel-image mine/vmlinux && [ -z "$(ls "$kernels")" ]'
ok 'registered it is listed as somebody else'\''s, and nothing is copied' '
	register 2>err &&
	grep -q "^image tiny is registered: $T/mine/tiny.ext4 stays" err &&
	[ "$(readlink "$images/tiny/rootfs.ext4")" = "$T/mine/tiny.ext4" ] &&
	[ "$(readlink "$kernels/tiny/vmlinux")" = "$T/mine/vmlinux" ] &&
	banger image list | grep -q "^tiny .*unmanaged:$T/mine/tiny.ext4$" &&
	banger kernel list | grep -q "^tiny .*unmanaged:$T/mine/vmlinux$" &&
	banger image show tiny | grep -q "^managed  *no" &&
	banger image show --json tiny | jq -e ".managed == false and
		.kernel == \"tiny\" and .allocated_bytes > 0" &&
	says 1 "there is one" register'
ok 'its initrd begins with the one that was given' '
	size=$(wc -c <mine/first) && head -c "$size" "$kernels/tiny/initrd" |
		cmp - mine/first && [ $((size % 4)) != 0 ]'
ok 'a machine boots from it, as any other' '
	banger vm create -q --image tiny web &&
	[ "$(banger vm exec web -- cat /hello)" = hello ] && untouched'
ok 'while it is used it is not deleted' '
	says 1 "in use by machine web" banger image delete tiny &&
	[ -L "$images/tiny/rootfs.ext4" ]'
ok 'it is published as what is in it, without the place of the file' '
	banger image publish -q tiny www >out &&
	bundle=$(find www -name "tiny-*.tar.zst") &&
	tar --zstd -xOf "$bundle" rootfs.ext4 | cmp - mine/tiny.ext4 &&
	tar --zstd -xOf "$bundle" manifest.json >said &&
	! grep -q "$T" said'
ok 'promoted it is a copy, while the machine runs on' '
	boot=$(banger vm exec web -- cat /proc/sys/kernel/random/boot_id) &&
	banger image promote -q tiny && [ ! -L "$images/tiny/rootfs.ext4" ] &&
	[ ! -L "$kernels/tiny/vmlinux" ] && [ -L mine/vmlinux ] &&
	cmp "$kernels/tiny/vmlinux" mine/vmlinux &&
	[ ! -L "$kernels/tiny/initrd.first" ] &&
	banger kernel show --json tiny | jq -e .managed &&
	cmp "$images/tiny/rootfs.ext4" mine/tiny.ext4 &&
	[ "$(stat -c %b "$images/tiny/rootfs.ext4")" -lt 16000 ] &&
	[ "$(date -r "$images/tiny/rootfs.ext4" +%F)" = 2020-02-02 ] &&
	banger image show --json tiny | jq -e ".managed == true and
		.source == \"promoted\"" && untouched &&
	[ "$(banger vm exec web -- cat /proc/sys/kernel/random/boot_id)" = \
		"$boot" ]'
ok 'a second time there is nothing to do' '
	banger image promote tiny 2>err && grep -q "is managed already" err'
ok 'what is shared, or is not, is not promoted' '
	says 1 "there is no image" banger image promote nonesuch &&
	BANGER_IMAGE_PATH=$images BANGER_STATE=$T/other \
		says 1 "it is shared" banger image promote tiny'

banger image register -q --rootfs mine/tiny.ext4 lean
ok 'deleted, the file stays' '
	banger image delete lean && [ ! -e "$images/lean" ] && untouched'
ok 'a file that is gone is said to be, by name, and the image can be deleted' '
	cp mine/tiny.ext4 gone && banger image register -q --rootfs gone gone &&
	rm gone && banger image list | grep -q "^gone .*unmanaged" &&
	says 125 "$T/gone'\'' is not there" \
		banger vm run --rm --image gone -- true &&
	says 1 "$T/gone'\'' is not there" banger image promote gone &&
	banger image delete gone && [ ! -e "$images/gone" ]'

# Copying, it stops at the fifo that stands for cp.
slow_cp() {
	mkdir -p slow
	mkfifo here
	cat >slow/cp <<-!
	#!/bin/sh
	for last; do :; done
	echo half >"\$last"
	echo >"$T/here"
	exec sleep 1000
	!
	chmod 755 slow/cp
}
# stopped SIGNAL STATUS
stopped() {
	PATH=$T/slow:$PATH banger image promote -q lean &
	_stopped=$!
	read -r _ <here
	kill "-$1" "$_stopped"
	wait "$_stopped"
	[ "$?" = "$2" ] || return
	exec 9>>"$images/.lock.lean"
	bng-state lock 9
	exec 9>&-
	[ -z "$(find "$images" -name '.[nd]*')" ] &&
		[ -L "$images/lean/rootfs.ext4" ] && untouched
}
ok 'stopped or killed half-way, it is as it was' '
	banger image register -q --rootfs mine/tiny.ext4 lean && slow_cp &&
	stopped TERM 143 && stopped KILL 137'
ok 'a file that changes while it is copied is not taken' '
	cat >slow/cp <<-! && chmod 755 slow/cp &&
	#!/bin/sh
	/bin/cp "\$@" && touch "$T/mine/tiny.ext4"
	!
	PATH=$T/slow:$PATH says 1 "was changed meanwhile" \
		banger image promote -q lean &&
	[ -L "$images/lean/rootfs.ext4" ]'

done_testing
