#!/bin/sh
# bng-disk format: empty ext4 images.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

# The image has no fault that e2fsck knows.
clean() { e2fsck -fn "$1"; }
# super IMAGE PATTERN: dumpe2fs says this of its superblock.
super() { dumpe2fs -h "$1" 2>/dev/null | grep -q -- "$2"; }

ok 'an image of every size passes e2fsck' '
	for s in 1M 3M 64M 300M 8G 1T; do
		bng-disk format -s $s s.ext4 && clean s.ext4 || exit
	done'
ok 'several images are made in one call' '
	bng-disk format -s 16M a.ext4 b.ext4 c.ext4 &&
	clean a.ext4 && clean b.ext4 && clean c.ext4'
ok 'the size is what was asked for, the blocks are not there' '
	bng-disk format -s 8G big.ext4 &&
	[ "$(stat -c %s big.ext4)" = 8589934592 ] &&
	[ "$(stat -c %b big.ext4)" -lt 2048 ]'
ok 'it has a journal, checksums, and nothing left to initialise' '
	super big.ext4 has_journal && super big.ext4 metadata_csum &&
	super big.ext4 64bit && super big.ext4 "Inode size:.*256" &&
	! dumpe2fs big.ext4 2>/dev/null | grep "\[.*UNINIT" |
		grep -v ITABLE_ZEROED'
ok 'one to be thrown away is not synced, and grows all the same' '
	for s in 1M 300M 8G; do
		bng-disk format -t -s $s t.ext4 && clean t.ext4 || exit
	done &&
	! super t.ext4 resize_inode && super big.ext4 resize_inode &&
	strace -f -o calls bng-disk format -t -s 8G t.ext4 &&
	! grep "fdatasync\|sync_file_range" calls &&
	strace -f -o calls bng-disk format -s 8G u.ext4 &&
	grep -q fdatasync calls && bng-disk grow t.ext4 24G &&
	clean t.ext4 && [ "$(stat -c %s t.ext4)" = 25769803776 ]'
ok 'label and UUID are taken' '
	bng-disk format -L work -U 01234567-89ab-cdef-0123-456789ABCDEF \
		-s 8M l.ext4 &&
	super l.ext4 "volume name: *work$" &&
	super l.ext4 "UUID: *01234567-89ab-cdef-0123-456789abcdef"'
ok 'two images do not share a UUID' '
	[ "$(dumpe2fs -h a.ext4 2>/dev/null | grep UUID)" != \
		"$(dumpe2fs -h b.ext4 2>/dev/null | grep UUID)" ]'
ok 'equal input makes equal images' '
	u=01234567-89ab-cdef-0123-456789abcdef &&
	export SOURCE_DATE_EPOCH=1700000000 &&
	bng-disk format -U $u -s 32M x.ext4 &&
	bng-disk format -U $u -s 32M y.ext4 && same x.ext4 y.ext4'
ok 'only the owner may read it' '[ "$(stat -c %a a.ext4)" = 600 ]'
ok 'root is a directory, lost+found is what mke2fs makes' '
	bng-disk list -l a.ext4 >list && cut -f 1-5,7 list >got &&
	printf "%s\t3\t0\t0\t4096\t/\n%s\t2\t0\t0\t16384\t/lost+found\n" \
		040755 040700 >want && same got want'
ok 'a failure leaves nothing, and the old image as it was' '
	mkdir dir && echo old >dir/i && cp dir/i before &&
	says 111 "cannot make" bng-disk format -s 2M dir/no/i &&
	(ulimit -f 4; trap "" XFSZ
		says 111 "File too large" bng-disk format -s 64M dir/i) &&
	same dir/i before && [ "$(ls -A dir)" = i ]'
ok 'wrong usage is told from failure' '
	says 100 "needs a size" bng-disk format a &&
	says 100 "needs an image" bng-disk format -s 1G &&
	says 100 "is not between" bng-disk format -s 4K a &&
	says 100 "is not a size" bng-disk format -s 1Q a &&
	says 100 "is not a UUID" bng-disk format -U 1234 -s 1G a &&
	says 100 "more than 16" bng-disk format -L 12345678901234567 -s 1G a &&
	says 100 "unknown option" bng-disk format -x a &&
	says 100 "needs a value" bng-disk format -s &&
	says 100 "unknown verb" bng-disk frmt && [ ! -e a ]'
# In a mount namespace of its own, which takes the mount along when it ends.
need LOOP 'the kernel mounts it and writes, and we read it back' '
	mkdir mnt && unshare -m sh -c "
		mount -o loop big.ext4 mnt && echo hi >mnt/f && umount mnt" &&
	clean big.ext4 && [ "$(bng-disk get big.ext4 f)" = hi ]'

done_testing
