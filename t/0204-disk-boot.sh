#!/bin/sh
# bng-disk initrd and vmlinux: what a machine boots from.
. "$(dirname "$0")/lib.sh"

# module PATH STRING...: a relocatable ELF whose .modinfo holds the strings.
module() {
	mkdir -p "${1%/*}" && _path=$1 && shift && {
		printf '.section .modinfo,"a"\n'
		printf '.asciz "%s"\n' "$@"
	} >m.s && ${CC:-cc} -c -o "$_path" m.s
}
# le32 NUMBER: four bytes, the lowest first.
le32() {
	for shift in 0 8 16 24; do
		printf "\\$(printf %03o $(($1 >> shift & 255)))"
	done
}
# bzimage PAYLOAD [VERSION]: a boot sector, one setup sector, the payload.
bzimage() {
	head -c 497 /dev/zero && printf '\001' && head -c 12 /dev/zero &&
	printf '\125\252\0\0HdrS' && printf "${2:-\\017\\002}" &&
	head -c 64 /dev/zero && le32 100 && le32 "$(stat -c %s "$1")" &&
	head -c $((1024 - 592)) /dev/zero && head -c 100 /dev/zero &&
	cat "$1" && echo trailing
}
# order [MODULE...]: the modules' names in the initrd, in order, in one line.
order() {
	bng-disk initrd -a agent -m "$M" -o rd "$@" &&
	rm -rf x && mkdir x && (cd x && cpio -idm <../rd) 2>/dev/null &&
	(cd x/modules && set +f && echo *) |
		sed 's/[0-9]*-//g; s/\.ko//g; s/^\*$//'
}

M=lib/modules/6.1.0-test
k=$M/kernel
echo agent >agent
module $k/drivers/virtio/virtio.ko 'license=GPL' 'depends=virtio_ring'
module $k/drivers/virtio/virtio_ring.ko 'depends='
module $k/drivers/virtio/virtio_pci.ko 'alias=pci:v*' \
	'depends=virtio,virtio_ring,virtio-pci-modern-dev'
module $k/drivers/virtio/virtio_pci_modern_dev.ko 'depends='
module $k/fs/ext4.ko 'softdep=pre: crc32c post: later absent' \
	'depends=jbd2,mbcache'
module $k/fs/jbd2.ko 'depends='
module $k/crypto/crc32c_generic.ko 'alias=crc32c' 'depends='
module $k/arch/x86/crypto/crc32c-intel.ko 'alias=crc32c' 'depends='
module $k/crypto/other.ko 'alias=crc32' 'depends='
module $k/lib/later.ko 'depends='
module $k/net/loop-a.ko 'softdep=pre: loop-b' 'depends='
module $k/net/loop-b.ko 'softdep=pre: loop-a' 'depends='
module $k/net/lacks.ko 'depends=missing'
echo 'kernel/fs/mbcache.ko' >$M/modules.builtin

ok 'without modules it holds the agent as /init and a console' '
	bng-disk initrd -a agent >rd && cpio -itv <rd >list 2>/dev/null &&
	grep -q "^-rwxr-xr-x .* init$" list &&
	grep -q "^crw------- .* 5, *1 .* dev/console$" list &&
	rm -rf x && mkdir x && (cd x && cpio -id init <../rd) &&
	same agent x/init'
ok 'what a module needs comes before it, once' '
	[ "$(order virtio_pci virtio)" = \
		"virtio_ring virtio virtio_pci_modern_dev virtio_pci" ]'
ok 'the order does not depend on the order of wishes' '
	[ "$(order virtio virtio_pci)" = \
		"virtio_ring virtio virtio_pci_modern_dev virtio_pci" ]'
ok 'soft dependencies come too, by alias, before and after' '
	[ "$(order ext4)" = "crc32c_generic crc32c_intel jbd2 ext4 later" ]'
ok 'a loop of soft dependencies ends' '
	[ "$(order loop_a)" = "loop_b loop_a" ]'
ok 'a hyphen is an underscore' '
	[ "$(order virtio-ring crc32c_intel)" = "virtio_ring crc32c_intel" ]'
ok 'what is built in is left out' '[ -z "$(order mbcache)" ]'
ok 'a module that is not there is an error, but with a question mark' '
	says 111 "there is no module '\''nope'\''" \
		bng-disk initrd -a agent -m $M -o no nope && [ ! -e no ] &&
	[ "$(order nope? jbd2?)" = jbd2 ]'
ok 'so is a dependency that is not there' '
	says 111 "needs '\''missing'\''" bng-disk initrd -a agent -m $M lacks'
ok 'compressed modules are stored as they were' '
	cp -r lib plain && for z in gzip:gz xz:xz zstd:zst; do
		rm -rf lib && cp -r plain lib &&
		find lib -name "*.ko" -exec ${z%:*} -q {} + &&
		find lib -name "*.ko" -exec rm {} + &&
		[ "$(order virtio)" = "virtio_ring virtio" ] &&
		find lib -name "virtio.ko.${z#*:}" | grep -q . &&
		same plain/${k#lib/}/drivers/virtio/virtio.ko \
			x/modules/001-virtio.ko || exit
	done && rm -rf lib && cp -r plain lib'
ok 'equal input makes equal bytes' '
	bng-disk initrd -a agent -m $M -o one ext4 virtio_pci &&
	touch -d 2001-01-01 agent && cp -r lib other &&
	bng-disk initrd -a agent -m other/${M#lib/} ext4 virtio_pci >two &&
	same one two'
ok 'damaged modules are refused' '
	mkdir -p bad && size=$(stat -c %s $k/fs/jbd2.ko) &&
	for n in 0 1 63 64 100 $((size - 1)); do
		head -c $n $k/fs/jbd2.ko >bad/jbd2.ko
		fails 111 bng-disk initrd -a agent -m bad -o no jbd2 || exit
	done && for n in 4 5 40 41 47 58 62; do
		cp $k/fs/jbd2.ko bad/jbd2.ko &&
		printf "\\377" | dd of=bad/jbd2.ko bs=1 seek=$n conv=notrunc &&
		fails 111 bng-disk initrd -a agent -m bad -o no jbd2 || exit
	done'
ok 'wrong usage is told from failure' '
	says 100 "needs an agent" bng-disk initrd &&
	says 100 "need their directory" bng-disk initrd -a agent virtio &&
	says 111 "cannot read '\''none'\''" bng-disk initrd -a none &&
	says 111 "cannot read '\''none'\''" \
		bng-disk initrd -a agent -m none x && mkdir none &&
	says 111 "no module in" bng-disk initrd -a agent -m none x'

{ printf '\177ELF'; head -c 3000000 /dev/urandom; } >elf
size=$(stat -c %s elf)

ok 'the kernel of a bzImage of every compression is unpacked' '
	for z in gzip xz zstd bzip2 lzma "lz4 -l"; do
		command -v ${z%% *} || continue
		$z -c elf >payload &&
		{ [ "$z" = gzip ] || le32 $size >>payload; } &&
		bzimage payload >bz && bng-disk vmlinux bz out &&
		same elf out && rm out || exit
	done'
ok 'one of another size than it promises is refused' '
	xz -c elf >payload && le32 1 >>payload && bzimage payload >bz &&
	says 111 "promises 1" bng-disk vmlinux bz out && [ ! -e out ]'
ok 'one without an ELF file in it is refused' '
	head -c 5000 /dev/zero | gzip -c >payload && bzimage payload >bz &&
	says 111 "no ELF" bng-disk vmlinux bz out && [ ! -e out ]'
ok 'one that is cut off or damaged is refused' '
	xz -c elf >payload && le32 $size >>payload && bzimage payload >bz &&
	for n in 0 1 511 513 600 1200 100000 2000000; do
		head -c $n bz >cut && fails 111 bng-disk vmlinux cut out &&
		[ ! -e out ] || exit
	done && dd if=/dev/zero of=bz bs=1 seek=50000 count=100 conv=notrunc &&
	fails 111 bng-disk vmlinux bz out && [ ! -e out ]'
ok 'an old boot protocol and other files are refused' '
	bzimage payload "\\007\\002" >bz &&
	says 111 "older than 2.08" bng-disk vmlinux bz out &&
	says 111 "not a bzImage" bng-disk vmlinux elf out &&
	says 111 "not a bzImage" bng-disk vmlinux agent out &&
	says 100 "needs a bzImage" bng-disk vmlinux bz &&
	[ ! -e out ] && [ -z "$(find . -name ".out.*")" ]'

done_testing
