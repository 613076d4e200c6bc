#!/bin/sh
# bng-disk import: what a tar stream holds is what the image holds.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

clean() { e2fsck -fn "$1"; }
# repeat TEXT N
repeat() { awk -v t="$1" -v n="$2" 'BEGIN { while (n-- > 0) printf "%s", t }'; }

# A tree with one of everything that needs no privilege.
tree() {
	mkdir -p n/a/b n/sticky n/setgid || return
	cd n || return
	echo x >a/f && ln a/f a/b/hard && ln -s f a/fast &&
	ln -s "$(repeat long/ 400)" slow && ln -s /etc/passwd absolute &&
	ln -s "$(repeat x 59)" l59 && ln -s "$(repeat x 60)" l60 &&
	ln -s nowhere dangling && mkfifo pipe && : >empty &&
	truncate -s 100M sparse && echo end >>sparse &&
	echo mid | dd of=sparse bs=1 seek=50000001 conv=notrunc &&
	truncate -s 5T huge && echo tail >>huge &&
	head -c 3000000 /dev/zero >zeros &&
	head -c 9999999 /dev/urandom >random &&
	echo odd >"a/new
line	and tab" && : >"$(printf 'not\377utf\303')" && : >' blanks ' &&
	: >"$(repeat n 255)" &&
	seq 500 | awk '{ printf "%d%12288s", $1, "" }' | tr ' ' '\0' >dense &&
	cp --sparse=always dense frag && rm dense &&
	d=$(repeat deep 30) && mkdir -p "$d/$d/$d/$d" &&
	echo deep >"$d/$d/$d/$d/f" &&
	chmod 1777 sticky && chmod 2755 setgid && chmod 4755 a/f &&
	chmod 0 empty &&
	touch -d '1969-01-01 00:00:01.123456789 UTC' empty &&
	touch -d '2100-05-05 01:02:03.987654321 UTC' zeros &&
	touch -h -d '2001-01-01 01:01:01.000000001 UTC' dangling &&
	touch -d '2020-02-02 02:02:02.020202020 UTC' a a/b . &&
	cd ..
}

# And what only root can make.
root_tree() {
	cd n || return
	mknod chr c 5 1 && mknod blk b 8 300 && mknod wide c 300 70000 &&
	chown 100000:200000 random && chown -h 7:8 slow &&
	chown 4294967294:65534 pipe &&
	cp /bin/true capable && setcap cap_net_raw+ep capable &&
	setfattr -n user.text -v bar a/f &&
	setfattr -n user.bytes -v 0x0001ff00 a/f &&
	setfattr -n user.big -v "$(repeat q 2000)" random &&
	setfattr -n trusted.x -v 1 a &&
	setfacl -m u:1000:rwx,g:daemon:r,m::rx a/f &&
	setfacl -m u:1234:r -m g:4000000:rw zeros && setfacl -d -m u:5:rwx a &&
	touch -d '2020-02-02 02:02:02.020202020 UTC' a . && cd ..
}

# What list -l says, but for sizes of directories and the image's lost+found.
listed() {
	bng-disk list -l "$1" | grep -av '	/lost+found$' |
		awk -F '\t' -v OFS='\t' '/^04/ { $5 = $2 = 0 } { print }'
}

# The same from find; list writes a control byte as an octal escape.
found() (
	cd "$1" && find . -printf '%y\t%#m\t%n\t%U\t%G\t%s\t%T@\t/%P\t%l\0' |
	sed -z 's/\n/\\012/g; s/line\tand/line\\011and/' | tr '\0' '\n' |
	awk -F '\t' -v OFS='\t' 'BEGIN { t["f"] = "10"; t["d"] = "04"
		t["l"] = "12"; t["p"] = "01"; t["c"] = "02"; t["b"] = "06" }
	{
		m = substr("0000" $2, length($2) + 1)
		if ($1 == "d") $6 = $3 = 0
		$7 = substr($7, 1, length($7) - 1)
		print t[$1] m, $3, $4, $5, $6, $7, $8 ($1 == "l" ? OFS $9 : "")
	}'
)

# Everything the kernel sees of a tree, in one listing.
seen() (
	cd "$1" || exit
	find . -path ./lost+found -prune -o -print0 | sort -z >"$T/names"
	xargs -0 stat -c '%N|%f|%u|%g|%t,%T|%y' <"$T/names"
	find . -path ./lost+found -prune -o ! -type d -printf '%p %n %s\n' |
		sort
	find . -type f -size -200M -print0 | sort -z | xargs -0 sha256sum
	tail -c 5 huge
	xargs -0 getfattr -h -d -m - -e hex <"$T/names" 2>&1
	xargs -0 getfacl -n -P <"$T/names" 2>&1
)

# Mounted in a namespace of its own, which takes the mount along.
seen_mounted() {
	mkdir -p mnt && cp "$TOP/t/0201-disk-import.sh" self &&
	unshare -m sh -c 'mount -o loop,ro "$1" mnt && "$2" mnt' sh "$1" \
		"$T/seen"
}

# blocks IMAGE PATH: how many blocks of 512 bytes it holds.
blocks() {
	debugfs -R "stat $2" "$1" 2>/dev/null | sed -n 's/.*Blockcount: //p'
}

# What tar leaves out without --xattrs.
no_xattrs() {
	for f; do
		grep -av '^trusted\|^user\.\|^security\|^# file: ' $f |
			grep . >"$f.less" && mv "$f.less" "$f" || return
	done
}

pack() { tar --format=pax --sparse -C n -cf "$@" .; }

tree >/dev/null 2>&1
[ "$(id -u)" != 0 ] || root_tree >/dev/null 2>&1
{
	echo '#!/bin/sh'
	sed -n '/^seen() (/,/^)/p' "$TOP/t/0201-disk-import.sh"
	echo 'seen "$1"'
} >seen
chmod +x seen

ok 'names, modes, owners, sizes, times and targets are those of the tree' '
	pack n.tar && bng-disk import n.ext4 <n.tar && clean n.ext4 &&
	listed n.ext4 | sed "s/[0-9]*,[0-9]*\t/0\t/" | sort >got &&
	found n | sort >want && same want got'
ok 'contents are those of the tree' '
	for f in random sparse zeros frag a/b/hard; do
		bng-disk get n.ext4 $f >got && same n/$f got || exit
	done'
ok 'blocks of zeros are holes' '
	[ "$(blocks n.ext4 /zeros)" = 0 ] && [ "$(blocks n.ext4 /huge)" = 8 ]'
ok 'a hard link is the same inode' '
	debugfs -R "stat /a/f" n.ext4 >one && debugfs -R "stat /a/b/hard" \
		n.ext4 >two && grep -q Inode: one && same one two'
need LOOP 'the tree as it is can be listed' './seen n >as-it-is'
for how in '' '--acls --xattrs' --xattrs '--acls --numeric-owner'; do
	name="the kernel sees the same tree ($how)"
	[ -n "$how" ] || name='the kernel sees the same tree (everything)'
	need LOOP "$name" '
		pack n.tar ${how:---acls --xattrs --xattrs-include=*} &&
		bng-disk import n.ext4 <n.tar && clean n.ext4 &&
		cp as-it-is want && seen_mounted n.ext4 >got &&
		case $how in --acls*) no_xattrs want got ;; esac &&
		same want got'
done
ok 'every compression that tar knows is taken' '
	tar -C n -cf z.tar frag slow && for z in gzip xz zstd bzip2 lz4; do
		command -v $z >/dev/null || continue
		$z -c z.tar >z && bng-disk import z.ext4 <z && clean z.ext4 &&
		bng-disk get z.ext4 frag >got && same n/frag got || exit
	done'
ok 'the formats gnu, oldgnu, ustar and v7 are taken' '
	mkdir plain && cp n/random plain && ln -s random plain/link &&
	repeat x 90 >"plain/$(repeat x 90)" &&
	for f in gnu oldgnu ustar v7; do
		tar --format=$f -C plain -cf f.tar . &&
		bng-disk import f.ext4 <f.tar && clean f.ext4 &&
		bng-disk get f.ext4 link >got && same n/random got || exit
	done'
ok 'gnu sparse files of all versions are taken' '
	for v in 0.0 0.1 1.0; do
		tar --format=pax --sparse --sparse-version=$v -C n \
			-cf s.tar sparse &&
		bng-disk import s.ext4 <s.tar && clean s.ext4 &&
		bng-disk get s.ext4 sparse >got && same n/sparse got || exit
	done &&
	tar --format=gnu --sparse -C n -cf s.tar sparse frag &&
	bng-disk import s.ext4 <s.tar && clean s.ext4 &&
	bng-disk get s.ext4 frag >got && same n/frag got'
# The host may be slow with a long directory, so this tar is made by hand.
# Each header is one line of fields; '@' stands for NUL.
ok 'a directory of 100,000 names is indexed and quick' '
	awk "function sum(s, i, n) {
			for (i = 1; i <= length(s); i++)
				n += ord[substr(s, i, 1)]
			return n
		}
		BEGIN {
			for (i = 32; i < 127; i++) ord[sprintf(\"%c\", i)] = i
			ord[\"@\"] = 0
			for (i = 0; i < 1024; i++) nul = nul \"@\"
			a = \"0000644@0000000@0000000@00000000000@00000000000@\"
			z = \"ustar@00\" substr(nul, 1, 247)
			fixed = sum(a) + sum(z) + 8 * 32 + 48
			for (i = 0; i < 100000; i++) {
				n = sprintf(\"many/%090d\", i)
				printf \"%s%s%s%06o@ 0%s%s\", n,
					substr(nul, 1, 100 - length(n)), a,
					fixed + sum(n), substr(nul, 1, 100), z
			}
			print nul
		}" | tr @ "\0" >many.tar &&
	timeout 300 bng-disk import many.ext4 <many.tar && clean many.ext4 &&
	debugfs -R "htree_dump /many" many.ext4 2>&1 |
		grep -q "Indirect levels: 1" &&
	[ "$(bng-disk list many.ext4 many | wc -l)" = 100001 ]'
need LOOP 'the kernel finds each name in it and may remove it' '
	mkdir -p mnt &&
	bng-disk list many.ext4 many | sed "1d; s,.*/,," >names &&
	unshare -m sh -c "mount -o loop many.ext4 mnt && cd mnt/many &&
		xargs ls >/dev/null <../../names &&
		grep 7$ ../../names | xargs rm && cd ../.. && umount mnt" &&
	clean many.ext4 &&
	[ "$(bng-disk list many.ext4 many | wc -l)" = 90001 ]'
ok 'equal streams make equal images' '
	export SOURCE_DATE_EPOCH=1700000000 &&
	for i in 1 2; do
		bng-disk import -U 01234567-89ab-cdef-0123-456789abcdef -s 99M \
			same$i.ext4 <z.tar || exit
	done && same same1.ext4 same2.ext4'
ok 'label, UUID and size are taken' '
	bng-disk import -L root -s 300M l.ext4 <n.tar &&
	dumpe2fs -h l.ext4 2>/dev/null | grep -q "volume name: *root$" &&
	[ "$(stat -c %s l.ext4)" = 314572800 ]'
ok 'the writer of a padded stream meets no closed pipe' '
	mkfifo p && { bng-disk import p.ext4 <p & } &&
	(cat n.tar; head -c 10000000 /dev/zero) >p && wait $! && clean p.ext4'

done_testing
