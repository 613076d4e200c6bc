#!/bin/sh
# kernel import: files that one has become a kernel, or are refused
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1
real=$BANGER_KERNEL_PATH/debian
unset BANGER_KERNEL_PATH
TMPDIR=$T/tmp
export TMPDIR
mkdir "$TMPDIR"
kernels=$BANGER_STATE/kernels
version=9.9.9-test
builtin='virtio_blk virtio_console virtio-mmio virtio_mmio.device EXT4-fs
	overlayfs:'

# elf TO [STRING...]: what looks like a kernel: a PVH note, its version, and
# the strings that drivers which are built in leave in one.
elf() {
	_elf=$1
	shift
	{
		printf '.section .note.Xen,"a",@note\n.long 4, 4, 18\n'
		printf '.asciz "Xen"\n.long 0x1000000\n'
		printf '.text\n.globl _start\n_start: ret\n.data\n'
		printf '.asciz "%s"\n' "Linux version $version (t@invalid)" "$@"
	} >k.s
	mkdir -p "${_elf%/*}" &&
		${CC:-cc} -nostdlib -static -no-pie -o "$_elf" k.s
}
le32() {
	for shift in 0 8 16 24; do
		printf "\\$(printf %03o $(($1 >> shift & 255)))"
	done
}
# bzimage ELF TO COMPRESSOR...
bzimage() {
	_bz_elf=$1 _bz=$2
	shift 2
	"$@" -c "$_bz_elf" >payload &&
	{ [ "$1" = gzip ] || le32 "$(stat -c %s "$_bz_elf")" >>payload; } &&
	{
		head -c 497 /dev/zero && printf '\001' &&
		head -c 12 /dev/zero &&
		printf '\125\252\0\0HdrS\017\002' && head -c 64 /dev/zero &&
		le32 0 && le32 "$(stat -c %s payload)" &&
		head -c 432 /dev/zero && cat payload
	} >"$_bz"
}
nothing_left() {
	ls -A "$kernels" "$TMPDIR"
	[ -z "$(ls -A "$TMPDIR")" ] &&
		[ -z "$(find "$kernels" -name '.[nd]*')" ]
}
field() { bng-store field "$kernels/$1/manifest.json" "$2"; }
refused() {
	_refused=$1
	shift
	says 1 "$_refused" banger kernel import -q "$@" &&
		[ ! -e "$kernels/$1" ] && nothing_left
}
# A directory: a kernel with nothing built in, and a real one's modules.
elf dir/vmlinux EXT4-fs
mkdir dir/modules
cp -r "$real/early" dir/modules/$version
rm dir/modules/$version/modules.dep
# Nothing below any of them may be touched.
looks() { find "$@" -printf '%p %s %T@\n' | sort; }

ok 'what is missing is a usage error, and a bad name is refused' '
	says 2 "is required" banger kernel import &&
	says 2 "is required" banger kernel import new &&
	says 2 "neither q35 nor microvm" \
		banger kernel import --machine pc new dir &&
	says 1 "cannot use" banger kernel import a/b dir &&
	says 1 "more than 128 characters" \
		banger kernel import "$(printf %0129d 0)" dir'
ok 'so is what is no kernel, or not there' '
	mkdir empty && echo text >empty/readme &&
	refused "there is no vmlinux" new empty &&
	refused "cannot be read" new "$T/none" &&
	mkdir text && echo text >text/vmlinuz &&
	refused "not a bzImage" new text &&
	refused "is no package" new /etc/passwd'
ok 'a kernel for another processor is refused' '
	mkdir arm && cp dir/vmlinux arm/vmlinux &&
	printf "\267\000" |
		dd of=arm/vmlinux bs=1 seek=18 conv=notrunc 2>/dev/null &&
	refused "not for x86-64" new arm'
ok 'so is one without the entry that VMMs use, and one that is not Linux' '
	mkdir nopvh && cp "$(command -v busybox)" nopvh/vmlinux &&
	refused "no PVH entry" new nopvh &&
	sed "s/Linux version/Minix version/" k.s >m.s && mkdir minix &&
	${CC:-cc} -nostdlib -static -no-pie -o minix/vmlinux m.s &&
	refused "does not say that it is Linux" new minix'
ok 'one without virtio is refused, and what it lacks is named' '
	elf bare/vmlinux virtio_blk EXT4-fs &&
	refused "lacks overlay virtio_console virtio_pci" new bare'
ok 'one with all of it built in needs no modules, and is for microvm' '
	elf all/vmlinux $builtin &&
	banger kernel import all all &&
	same all/vmlinux "$kernels/all/vmlinux" &&
	[ "$(field all machine)" = microvm ] &&
	[ "$(field all version)" = $version ] &&
	[ ! -e "$kernels/all/modules.ext4" ] && [ ! -e "$kernels/all/early" ] &&
	! grep -q "\.ko" "$kernels/all/initrd" &&
	[ "$(stat -c %s "$kernels/all/initrd")" -gt 50000 ] && nothing_left'
ok 'others may read all of it, as a shared one needs' '
	[ -z "$(find "$kernels/all" "$kernels/all/initrd" ! -perm -a=r)" ] &&
	[ "$(stat -c %a "$kernels/all" "$kernels/all/vmlinux" |
		tr "\n" " ")" = "755 644 " ]'
ok 'its initrd is made again when the agent is another one' '
	cp "$BUILD/agent" agent && printf "another one" >>agent &&
	sed -e "s|@BIN@|$BUILD|" -e "s|@SHARE@|$TOP|" \
		-e "s|@AGENT@|$T/agent|" "$TOP/sh/banger" >front &&
	sh front kernel pull all &&
	grep -q "another one" "$kernels/all/initrd"'
ok 'a bzImage of any compression is unpacked' '
	mkdir bz && for z in gzip xz zstd "lz4 -l"; do
		bzimage all/vmlinux bz/vmlinuz $z &&
		banger kernel import -q --force bz bz &&
		same all/vmlinux "$kernels/bz/vmlinux" || exit
	done'
ok 'modules are indexed and become a disk, the few that boot are kept' '
	looks dir >before && banger kernel import mod dir &&
	looks dir >after && same before after &&
	same dir/vmlinux "$kernels/mod/vmlinux" &&
	[ "$(field mod machine)" = q35 ] &&
	bng-disk list "$kernels/mod/modules.ext4" /$version |
		grep -x "/$version/modules.dep.bin" &&
	grep -q virtio_pci.ko "$kernels/mod/initrd" &&
	[ -f "$kernels/mod/early/modules.dep" ] && nothing_left'
ok 'modules for another version are refused, and two of a thing' '
	mkdir other && cp dir/vmlinux other &&
	mkdir other/modules && cp -r dir/modules/$version other/modules/1.2.3 &&
	refused "its modules are for 1.2.3" new other &&
	cp -r dir/modules/$version other/modules &&
	refused "two directories of modules" new other &&
	mkdir -p two/boot && : >two/boot/vmlinuz-1 && : >two/boot/vmlinuz-2 &&
	refused "two kernels: '\''boot/vmlinuz-1'\''" new two'
ok 'what is there stays, unless by force' '
	stat -c %i "$kernels/all" >before &&
	says 1 "there is one" banger kernel import all dir &&
	grep -q -e "--force" .err && stat -c %i "$kernels/all" >after &&
	same before after && [ "$(field all machine)" = microvm ] &&
	banger kernel import -q --force all dir &&
	[ "$(field all machine)" = q35 ] &&
	banger kernel import -q --force --machine microvm all dir &&
	[ "$(field all machine)" = microvm ]'

# deb NAME DIR: a package of what is below DIR.
deb() {
	mkdir -p "$2/DEBIAN" && printf "%s\n" "Package: $1" "Version: 1" \
		"Architecture: amd64" "Maintainer: t <t@invalid>" \
		"Description: for a test" >"$2/DEBIAN/control" &&
	dpkg-deb --root-owner-group -Zgzip -b "$2" "$1.deb"
}
ok 'a package is unpacked, or two that belong together' '
	mkdir -p image/boot kmods/lib/modules &&
	bzimage dir/vmlinux image/boot/vmlinuz-$version gzip &&
	cp -r dir/modules/$version kmods/lib/modules &&
	deb image image && deb kmods kmods &&
	refused "name both" new image.deb &&
	banger kernel import pair image.deb kmods.deb &&
	same dir/vmlinux "$kernels/pair/vmlinux" &&
	[ -s "$kernels/pair/modules.ext4" ] &&
	[ "$(field pair source)" = "import:image.deb" ] && nothing_left'
ok 'a broken package is one line, and nothing stays' '
	head -c 4000 kmods.deb >cut.deb &&
	refused "cannot be unpacked" new cut.deb'
ok 'listed, shown and removed like any other' '
	banger kernel list | grep "^pair .*$version" &&
	banger kernel show pair | grep "import:image.deb" &&
	banger kernel rm pair && [ ! -e "$kernels/pair" ]'

done_testing
