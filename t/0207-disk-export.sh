#!/bin/sh
# bng-disk export: what is imported again is the same; an overlay's upper
# directory becomes a layer.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

clean() { e2fsck -fn "$1"; }
cat >seen <<'END'
#!/bin/sh
cd "$1" || exit
find . -path ./lost+found -prune -o -print0 | sort -z >"$T/names"
xargs -0 stat -c '%N|%f|%u|%g|%t,%T|%y|%h|%s' <"$T/names" |
	sed -E '/\|4[0-9a-f]{3}\|/s/\|[0-9]+\|[0-9]+$//'
find . -type f -size -99M -print0 | sort -z | xargs -0 sha256sum
xargs -0 getfattr -h -d -m - -e hex <"$T/names" 2>&1
END
chmod +x seen
as_mounted() {
	mkdir -p mnt && unshare -m sh -c 'mount -o loop,ro "$1" mnt &&
		./seen mnt' sh "$1"
}
# A file system that Linux has filled, with one of everything.
kernel_made() {
	bng-disk format -s 200M k.ext4 && mkdir -p mnt &&
	unshare -m sh -c 'mount -o loop k.ext4 mnt && cd mnt &&
		mkdir -p a/b sticky && chmod 1777 sticky && echo x >a/f &&
		ln a/f a/b/hard && ln a/f zhard && ln -s f a/fast &&
		ln -s "$(printf %0400d 0)" slow && mkfifo pipe && : >empty &&
		truncate -s 100M holes && echo end >>holes &&
		echo mid | dd of=holes bs=1 seek=50000001 conv=notrunc &&
		truncate -s 5T huge && fallocate -l 1M reserved &&
		head -c 5000000 /dev/urandom >random &&
		mknod chr c 1 3 && mknod wide b 300 70000 &&
		chown 100000:200000 random && chown 4294967294:7 empty &&
		setfattr -n user.text -v bar a/f && setfattr -n user.big \
			-v "$(printf %02000d 0)" random &&
		setfattr -n trusted.x -v 1 a &&
		setfacl -m u:1000:rwx,g:daemon:r a/f && setfacl -d -m u:5:r a &&
		n=$(printf %0250d 0) && mkdir -p "$n/$n/$n" &&
		: >"$n/$n/$n/$n" &&
		mkdir many && cd many && seq 2000 | xargs touch && cd .. &&
		touch -d "1969-01-01 00:00:01.123456789 UTC" empty &&
		touch -d "2100-05-05 01:02:03.987654321 UTC" random &&
		touch -d "2020-02-02 02:02:02.020202020 UTC" a/b a .'
}

need LOOP 'a file system with one of everything is made' kernel_made
need LOOP 'import of its export is the same tree' '
	bng-disk export k.ext4 >one.tar && bng-disk import -s 200M i.ext4 \
		<one.tar && clean i.ext4 && as_mounted k.ext4 >want &&
	as_mounted i.ext4 >got && same want got'
need LOOP 'and its export the same stream' '
	bng-disk export i.ext4 >two.tar && same one.tar two.tar'
need LOOP 'holes stay holes' '
	[ "$(stat -c %s one.tar)" -lt 20000000 ] &&
	debugfs -R "stat /huge" i.ext4 2>&1 | grep -q "Blockcount: 0$"'
need LOOP 'tar reads it, and finds nothing to say against it' '
	tar -tvf one.tar >list 2>err && [ ! -s err ] &&
	grep -q "^hrw.* zhard link to a/" list &&
	grep -q " 5497558138880 .*huge" list'
need LOOP 'a directory of it is exported as a tree of its own' '
	bng-disk export -d /a k.ext4 >a.tar && tar -tf a.tar >list &&
	printf "%s\n" ./ b/ b/hard f fast >want && sort list >got &&
	sort want | same - got'
need LOOP 'what is not there, or no directory, is told' '
	says 1 "there is no" bng-disk export -d none k.ext4 &&
	says 111 "not a directory" bng-disk export -d empty k.ext4 &&
	says 100 "needs one image" bng-disk export'
need LOOP 'who does not read it is told of' '
	says 111 "cannot write to standard output" \
		sh -c "bng-disk export k.ext4 >/dev/full"'
need LOOP 'a directory that is in itself ends' '
	cp --sparse=always k.ext4 loop.ext4 &&
	debugfs -w -R "link a a/b/again" loop.ext4 &&
	says 111 "in two places" bng-disk export loop.ext4 >/dev/null'

overlay() {
	mkdir base && (cd base && mkdir -p keep gone/deep wiped repl &&
		echo 1 >keep/f && echo 2 >gone/deep/f && echo 3 >wiped/old &&
		echo 4 >repl/f && echo 5 >change && echo 6 >only) &&
	tar --format=pax -C base -cf base.tar . &&
	bng-disk format -s 64M up.ext4 && unshare -m sh -c '
		mount -o loop up.ext4 mnt && mkdir mnt/upper mnt/work &&
		mkdir merged && mount -t overlay -o \
			lowerdir=base,upperdir=mnt/upper,workdir=mnt/work \
			none merged && cd merged &&
		rm -r gone only wiped && mkdir wiped && echo n >wiped/n &&
		rm -r repl && echo file >repl && echo more >>change &&
		mkdir fresh && setfattr -n user.a -v b fresh && cd .. &&
		./seen merged >merged.seen && umount merged mnt'
}
need LOOP 'an overlay is changed in every way' overlay
need LOOP 'its upper directory is a layer that makes what was seen' '
	bng-disk export -w -d upper up.ext4 >up.tar &&
	bng-disk layers -s 64M l.ext4 tar:base.tar up.tar && clean l.ext4 &&
	as_mounted l.ext4 >got && same merged.seen got'
need LOOP 'umoci makes the same of it' '
	umoci init --layout oci && umoci new --image oci:a &&
	umoci raw add-layer --image oci:a base.tar &&
	umoci raw add-layer --image oci:a up.tar &&
	umoci unpack --image oci:a bundle && ./seen bundle/rootfs >got &&
	same merged.seen got'

done_testing
