#!/bin/sh
# bng-disk import and bad streams: refused by name, nothing left behind; what
# is merely odd has one meaning.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

clean() { e2fsck -fn "$1"; }
# refused TEXT TAR [OPTION...]: import fails with TEXT and leaves nothing.
refused() {
	_text=$1 _tar=$2
	shift 2
	mkdir -p out && says 111 "$_text" bng-disk import "$@" out/i <"$_tar" &&
	[ -z "$(ls -A out)" ]
}
# add TAR NAME FILE: append FILE under that name, whatever the name.
add() { tar -P --transform "s,.*,$2,S" -rf "$1" "$3"; }
got() { [ "$(bng-disk get "$1" "$2")" = "$3" ]; }

echo one >one
echo two >two
mkdir dir
head -c 300000 /dev/urandom >noise

ok 'an absolute name is refused, by name' '
	add abs.tar /etc/passwd one && refused "'\''/etc/passwd'\''" abs.tar'
ok 'a name with .. is refused, wherever that stands' '
	for n in ../x a/../../x a/.. ..; do
		rm -f up.tar && add up.tar $n one &&
			refused "'\''$n'\''" up.tar ||
		exit
	done && rm -f up.tar && add up.tar ..x/y..z one &&
	bng-disk import up.ext4 <up.tar && got up.ext4 ..x/y..z one'
ok 'a hard link to the outside is refused' '
	ln one hard && tar -P --transform "s,^one$,../../one,hH" \
		-cf link.tar one hard &&
	refused "has '\''..'\'' in it" link.tar'
ok 'a symbolic link on the way is followed inside the image' '
	rm -f in.tar && ln -s /outer/../../inner abs && ln -s ../../.. up &&
	add in.tar a/b/abs abs && add in.tar a/b/up up &&
	add in.tar a/b/abs/f one && add in.tar a/b/up/g two &&
	bng-disk import in.ext4 <in.tar && clean in.ext4 &&
	got in.ext4 inner/f one && got in.ext4 g two && [ ! -e /inner ]'
ok 'a loop of symbolic links is refused' '
	ln -s loop loop && add loop.tar loop loop && add loop.tar loop/f one &&
	refused "too many symbolic links" loop.tar'
ok 'a file on the way is refused' '
	add file.tar a one && add file.tar a/b one &&
	refused "is not a directory" file.tar'
ok 'the later of two members of one name counts' '
	add dup.tar f one && add dup.tar f noise && add dup.tar f two &&
	bng-disk import dup.ext4 <dup.tar && clean dup.ext4 &&
	got dup.ext4 f two'
ok 'what the earlier one held is free again' '
	for f in dup two; do
		[ $f = dup ] || { rm -f two.tar && add two.tar f two &&
			bng-disk import two.ext4 <two.tar; } || exit
		dumpe2fs -h $f.ext4 2>/dev/null | grep "^Free" >$f.free
	done && same dup.free two.free'
ok 'a type may change: what was below a directory goes with it' '
	add type.tar a/b/c/d one && add type.tar a/b/e noise &&
	ln -s /t t && add type.tar a/l t && add type.tar a two &&
	add type.tar l t && tar --transform "s,.*,l," -rf type.tar dir &&
	add type.tar l/x one &&
	bng-disk import type.ext4 <type.tar && clean type.ext4 &&
	got type.ext4 a two && got type.ext4 l/x one &&
	[ "$(bng-disk list type.ext4 | wc -l)" = 5 ]'
ok 'a directory that comes again keeps what is in it' '
	chmod 700 dir && add again.tar d/f one &&
	tar --transform "s,.*,d," -rf again.tar dir &&
	bng-disk import again.ext4 <again.tar && clean again.ext4 &&
	got again.ext4 d/f one &&
	bng-disk list -l again.ext4 d | grep -q "^040700.*/d$"'
ok 'a hard link may come before its file' '
	mkdir late && echo x >late/a && ln late/a late/b &&
	tar -cf late.tar late/a late/b && tar --delete -f late.tar late/a &&
	add late.tar late/a two &&
	bng-disk import late.ext4 <late.tar && clean late.ext4 &&
	got late.ext4 late/b two'
ok 'a hard link without its file is refused' '
	tar -cf lost.tar late/a late/b && tar --delete -f lost.tar late/a &&
	refused "which is not there" lost.tar'
ok 'links keep what they named when the name is taken' '
	tar -cf keep.tar late/a late/b && add keep.tar late/a two &&
	bng-disk import keep.ext4 <keep.tar && clean keep.ext4 &&
	got keep.ext4 late/a two && got keep.ext4 late/b x'
ok 'a hard link may take the place of the directory its file is in' '
	mkdir own && echo x >own/f && ln own/f own/g &&
	tar --transform "s,^own/g$,own,H" -cf own.tar own/f own/g &&
	bng-disk import own.ext4 <own.tar && clean own.ext4 &&
	got own.ext4 own x'
ok 'a stream that is cut off is refused, wherever that was' '
	tar -cf whole.tar one noise two && size=$(stat -c %s whole.tar) &&
	for n in 0 1 100 511 512 513 1024 1536 100000 301568 302080 302592; do
		head -c $n whole.tar >cut.tar &&
		refused "it is cut short" cut.tar || exit
	done'
ok 'so is a compressed one' '
	gzip -c whole.tar >whole.tgz && xz -c whole.tar >whole.txz &&
	head -c 200000 whole.tgz >cut.tar && refused "cannot import" cut.tar &&
	head -c 200000 whole.txz >cut.tar && refused "cannot import" cut.tar'
ok 'what is no tar is refused' '
	refused "cannot import the tar stream" noise &&
	refused "cannot import the tar stream" one'
ok 'a damaged header is refused' '
	cp whole.tar bad.tar && printf X | dd of=bad.tar bs=1 seek=1100 \
		conv=notrunc && refused "cannot import the tar stream" bad.tar'
ok 'an empty archive is an empty image' '
	tar -cf none.tar -T /dev/null && bng-disk import none.ext4 <none.tar &&
	clean none.ext4'
ok 'too much content says so' '
	head -c 5000000 /dev/urandom >more && tar -cf more.tar more &&
	refused "the image is full (4 MiB)" more.tar -s 4M'
ok 'so do too many files' '
	mkdir lots && (cd lots && seq 2000 | xargs touch) &&
	tar -cf lots.tar lots &&
	refused "all 1024 inodes are used" lots.tar -s 4M'
need LOOP 'a full disk says so' '
	mkdir -p small && unshare -m sh -c "
		mount -t tmpfs -o size=3m none small && cd small &&
		{ ! bng-disk import i <../more.tar 2>../err; } &&
		[ -z \"\$(ls -A)\" ]" && grep -q "No space left on device" err'
ok 'root and lost+found stay directories' '
	add root.tar . one && refused "only a directory" root.tar &&
	add lf.tar lost+found one && refused "only a directory" lf.tar'
ok 'a name of 256 bytes is refused' '
	add long.tar "$(printf %0256d 0)" one && refused "255 bytes" long.tar'
ok 'a killed import leaves nothing behind' '
	mkfifo p && mkdir -p out && { bng-disk import out/i <p & } &&
	exec 8>p && cat whole.tar >&8 &&
	while [ -z "$(ls -A out)" ]; do :; done && kill $! && exec 8>&- &&
	fails 143 wait $! && [ -z "$(ls -A out)" ]'

done_testing
