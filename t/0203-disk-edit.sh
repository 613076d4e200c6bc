#!/bin/sh
# bng-disk put, get, list, mkdir, rm and grow: an image that is there.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

clean() { e2fsck -fn "$1"; }
# line IMAGE PATH FIELDS: these fields of its line in list -l.
line() { bng-disk list -l "$1" "$2" | sed -n 1p | cut -f "$3"; }
# used IMAGE: free blocks and inodes, as dumpe2fs counts them.
used() { dumpe2fs -h "$1" 2>/dev/null | grep '^Free'; }

head -c 5000000 /dev/urandom >noise
bng-disk format -s 64M i.ext4
used i.ext4 >fresh

ok 'what was put is what is got' '
	bng-disk put i.ext4 /noise <noise && clean i.ext4 &&
	bng-disk get i.ext4 noise >got && same noise got'
ok 'an empty file is one' '
	bng-disk put i.ext4 empty </dev/null && clean i.ext4 &&
	[ -z "$(bng-disk get i.ext4 empty)" ]'
ok 'mode and owner are those asked for' '
	echo x | bng-disk put -m 4711 -u 70000 -g 5 i.ext4 s && clean i.ext4 &&
	[ "$(line i.ext4 s 1-5)" = "104711	1	70000	5	2" ] &&
	echo x | bng-disk put i.ext4 s &&
	[ "$(line i.ext4 s 1-5)" = "100644	1	0	0	2" ]'
ok 'a file takes the place of another, whose blocks are free again' '
	echo short | bng-disk put i.ext4 noise && clean i.ext4 &&
	[ "$(bng-disk get i.ext4 noise)" = short ] &&
	for f in noise empty s; do bng-disk rm i.ext4 $f || exit; done &&
	clean i.ext4 && used i.ext4 >now && same fresh now'
ok 'zeros become holes, in any place' '
	{ head -c 1000000 /dev/zero; echo mid
		head -c 9000001 /dev/zero; } >z &&
	bng-disk put i.ext4 z <z && clean i.ext4 &&
	bng-disk get i.ext4 z >got && same z got &&
	[ "$(debugfs -R "stat /z" i.ext4 2>/dev/null |
		sed -n "s/.*Blockcount: //p")" = 8 ] && bng-disk rm i.ext4 z'
ok 'mkdir makes one directory, with -p all' '
	bng-disk mkdir -m 1770 -u 3 -g 4 i.ext4 /d && clean i.ext4 &&
	[ "$(line i.ext4 d 1-4)" = "041770	2	3	4" ] &&
	bng-disk mkdir -p i.ext4 //a/b/c/ && bng-disk mkdir -p i.ext4 a/b &&
	clean i.ext4 && [ "$(line i.ext4 a/b/c 1)" = 040755 ] &&
	says 1 "there is no" bng-disk mkdir i.ext4 x/y &&
	says 111 "there already" bng-disk mkdir i.ext4 a'
ok 'paths lead through symbolic links' '
	ln -s ../a/b l && ln -s /d abs && ln -s /nowhere dangling &&
	tar -cf l.tar l abs dangling && bng-disk import -s 64M l.ext4 <l.tar &&
	bng-disk mkdir -p l.ext4 a/b && bng-disk mkdir l.ext4 d &&
	echo 1 | bng-disk put l.ext4 l/f &&
	echo 2 | bng-disk put l.ext4 abs/f &&
	clean l.ext4 && [ "$(bng-disk get l.ext4 a/b/f)" = 1 ] &&
	[ "$(bng-disk get l.ext4 abs/f)" = 2 ] &&
	says 111 "dangling" bng-disk mkdir -p l.ext4 dangling/x &&
	says 1 "there is no" bng-disk put l.ext4 dangling/x </dev/null'
ok 'put replaces a symbolic link itself' '
	echo 3 | bng-disk put l.ext4 abs && clean l.ext4 &&
	[ "$(line l.ext4 abs 1)" = 100644 ] &&
	[ "$(line l.ext4 d 1)" = 040755 ]'
ok 'a directory grows as names are put into it' '
	for i in $(seq 60); do
		bng-disk put i.ext4 "a/$(printf "%0200d" $i)" </dev/null || exit
	done && clean i.ext4 &&
	[ "$(bng-disk list i.ext4 a | wc -l)" = 63 ]'
ok 'rm of a directory wants -r, and takes all of it' '
	echo x | bng-disk put i.ext4 a/b/c/f &&
	says 111 "is a directory" bng-disk rm i.ext4 a &&
	bng-disk rm -r i.ext4 a && clean i.ext4 && bng-disk rm -r i.ext4 d &&
	clean i.ext4 && used i.ext4 >now && same fresh now'
ok 'rm of one of two hard links leaves the other' '
	mkdir h && echo x >h/a && ln h/a h/b && tar -cf h.tar h &&
	bng-disk import -s 64M h.ext4 <h.tar && bng-disk rm h.ext4 h/a &&
	clean h.ext4 && [ "$(bng-disk get h.ext4 h/b)" = x ] &&
	bng-disk rm -r h.ext4 h && clean h.ext4'
ok 'an indexed directory takes names and loses them' '
	mkdir big &&
	(cd big && seq -f "name-of-a-file-%04.0f" 900 | xargs touch) &&
	tar -cf big.tar big && bng-disk import -s 64M big.ext4 <big.tar &&
	for i in $(seq 100); do
		echo $i | bng-disk put big.ext4 big/another-name-$i &&
		bng-disk rm big.ext4 big/name-of-a-file-0$((i + 100)) || exit
	done && clean big.ext4 &&
	[ "$(bng-disk get big.ext4 big/another-name-7)" = 7 ] &&
	[ "$(bng-disk list big.ext4 big | wc -l)" = 901 ]'
ok 'list shows every name, sorted, one a line' '
	tab=$(printf "a\tb\nc\\\\d") && mkdir o && : >"o/$tab" && : >o/b &&
	tar -cf o.tar o && bng-disk import -s 64M o.ext4 <o.tar &&
	printf "%s\n" / /lost+found /o "/o/a\\011b\\012c\\134d" /o/b >want &&
	bng-disk list o.ext4 >got && same want got &&
	bng-disk list o.ext4 o/b >got && [ "$(cat got)" = /o/b ]'
ok 'what is not there is told from failure' '
	says 1 "there is no" bng-disk get i.ext4 none &&
	says 1 "there is no" bng-disk list i.ext4 none/none &&
	says 1 "there is no" bng-disk rm i.ext4 none &&
	says 111 "not a regular file" bng-disk get i.ext4 / &&
	says 111 "cannot open" bng-disk get none.ext4 / &&
	says 111 "cannot open" bng-disk list noise &&
	says 111 "does not end in a name" bng-disk put i.ext4 / </dev/null &&
	says 111 "does not end in a name" bng-disk rm -r i.ext4 a/.. &&
	says 111 "belongs to the file system" \
		bng-disk rm -r i.ext4 lost+found &&
	says 111 "is a directory" bng-disk put i.ext4 lost+found </dev/null &&
	says 100 "mode" bng-disk put -m 9 i.ext4 x </dev/null &&
	says 100 "needs an image" bng-disk put i.ext4 </dev/null &&
	clean i.ext4'
ok 'a full image says so and stays as it was' '
	bng-disk format -s 2M tiny.ext4 && cp tiny.ext4 before &&
	says 111 "the image is full" bng-disk put tiny.ext4 noise <noise &&
	clean tiny.ext4 && [ "$(bng-disk list tiny.ext4 | wc -l)" = 2 ]'
ok 'an image in use is left alone' '
	exec 7<>i.ext4 && bng-state lock 7 &&
	says 1 "it is in use" bng-disk put i.ext4 x </dev/null &&
	says 1 "it is in use" bng-disk grow i.ext4 1G &&
	bng-disk list i.ext4 && exec 7>&- && bng-disk put i.ext4 x </dev/null'
ok 'an image that was not unmounted is only read' '
	cp i.ext4 dirty.ext4 &&
	debugfs -w -R "feature needs_recovery" dirty.ext4 &&
	says 111 "was not unmounted" bng-disk put dirty.ext4 x </dev/null &&
	says 0 "was not unmounted" bng-disk list dirty.ext4'
ok 'what would be left inconsistent is refused' '
	mke2fs -q -t ext2 -b 4096 two.ext4 8M &&
	mke2fs -q -t ext4 -b 1024 one.ext4 8M &&
	says 111 "it is ext2" bng-disk put two.ext4 x </dev/null &&
	says 111 "1024 bytes" bng-disk put one.ext4 x </dev/null'
ok 'grow makes room and keeps what is there' '
	bng-disk put i.ext4 noise <noise && bng-disk grow i.ext4 3G &&
	clean i.ext4 && [ "$(stat -c %s i.ext4)" = 3221225472 ] &&
	bng-disk get i.ext4 noise >got && same noise got &&
	dumpe2fs -h i.ext4 2>/dev/null | grep -q "Block count: *786432" &&
	bng-disk grow i.ext4 3G && clean i.ext4'
ok 'grow makes nothing smaller, and says what it lacks' '
	says 111 "already" bng-disk grow i.ext4 1G &&
	says 111 "e2fsck:" bng-disk grow noise 1G &&
	[ "$(stat -c %s noise)" = 5000000 ]'
need LOOP 'the kernel sees what was put' '
	mkdir -p mnt && unshare -m sh -c "mount -o loop i.ext4 mnt &&
		cmp mnt/noise noise && rm mnt/x" && clean i.ext4'

# What is killed waits for the disk all the time: there it need not.
fast=$(mktemp -d -p /dev/shm bng-t.XXXXXX 2>/dev/null) &&
	at_end "rm -rf $fast" || fast=$T
# killed N COMMAND...: it dies at its N-th call, which is in $call.
killed() {
	perl -e 'print pack "IIiia64", 0, @ARGV, 1, 0, ""' "$1" >plan
	shift
	ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 \
		LD_PRELOAD=$BUILD/t/fault.so FAULT=$PWD/plan "$@"
	[ $? = 137 ] || return
	call=$(perl -e 'read STDIN, $_, 80; print unpack "x16 Z64"' <plan)
}
# whole IMAGE: e2fsck and we find the same in it, which is what is in got.
whole() {
	cp --sparse=always "$1" other.ext4 && e2fsck -fp other.ext4 &&
		clean other.ext4 && bng-disk get other.ext4 f >other &&
		bng-disk get "$1" f >got 2>err && [ ! -s err ] &&
		clean "$1" && same got other
}
ok 'put that is killed, at any call, has changed all or nothing' '
	cd "$fast" && bng-disk format -s 16M k.ext4 &&
	echo old | bng-disk put k.ext4 f &&
	echo new >new && n=0 && : >gots &&
	while cp --sparse=always k.ext4 kill.ext4 &&
		killed $((n += 1)) bng-disk put kill.ext4 f <new
	do
		case $call in pwrite* | fdatasync*) ;; *) continue ;; esac
		[ -f log.ext4 ] || [ "$call" = "${call#fdatasync}" ] ||
			cp --sparse=always kill.ext4 log.ext4
		whole kill.ext4 && cat got >>gots || exit
	done && clean kill.ext4 && [ "$(bng-disk get kill.ext4 f)" = new ] &&
	[ "$(uniq gots)" = "old
new" ]'
ok 'who plays it back and is killed has changed nothing of that' '
	cd "$fast" && n=0 &&
	while cp --sparse=always log.ext4 kill.ext4 &&
		killed $((n += 1)) bng-disk list kill.ext4
	do
		case $call in pwrite* | fdatasync*) ;; *) continue ;; esac
		whole kill.ext4 && same got new || exit
	done && [ "$n" -gt 20 ] && clean kill.ext4'
need LOOP 'a kernel plays back what we did not, and we go on from there' '
	cp --sparse=always "$fast/log.ext4" . &&
	unshare -m sh -c "mount -o loop log.ext4 mnt && cat mnt/f >got &&
		echo kernel >mnt/g" && [ "$(cat got)" = new ] &&
	clean log.ext4 &&
	echo more | bng-disk put log.ext4 f && clean log.ext4 &&
	[ "$(bng-disk get log.ext4 f)" = more ] &&
	[ "$(bng-disk get log.ext4 g)" = kernel ]'

done_testing
