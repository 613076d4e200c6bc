#!/bin/sh
# bng-disk layers: what an image's layers make is what other tools make of them.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

clean() { e2fsck -fn "$1"; }

# Everything that a kernel tells of a tree, but links and sizes of directories.
cat >seen <<'END'
#!/bin/sh
cd "$1" || exit
find . -path ./lost+found -prune -o -print0 | sort -z >"$T/names"
xargs -0 stat -c '%N|%f|%u|%g|%t,%T|%y|%h|%s' <"$T/names" |
	sed -E '/\|4[0-9a-f]{3}\|/s/\|[0-9]+\|[0-9]+$//'
find . -type f -size -99M -print0 | sort -z | xargs -0 sha256sum
find . -type f -links +1 -printf '%i %p\n' | sort | awk '
	{ if (!($1 in n)) n[$1] = ++k; print n[$1], $2 }' | sort -k 2
xargs -0 getfattr -h -d -m - -e hex <"$T/names" 2>&1
END
chmod +x seen
# as_mounted IMAGE: the same, in a namespace that takes the mount along.
as_mounted() {
	mkdir -p mnt && unshare -m sh -c 'mount -o loop,ro "$1" mnt &&
		./seen mnt' sh "$1"
}

# step COMMANDS: change the bundle's tree, and make a layer of that.
step() {
	(cd bundle/rootfs && eval "$1") &&
	umoci repack --refresh-bundle --image oci:a bundle
}
image() {
	umoci init --layout oci && umoci new --image oci:a &&
	umoci unpack --image oci:a bundle &&
	step 'mkdir -p etc usr/bin usr/lib gone/deep op/x type/d meta &&
		echo 1 >etc/f && ln etc/f etc/hard && ln -s usr/lib lib &&
		echo never-to-be-seen >gone/deep/f && echo old >op/x/old &&
		echo t >usr/lib/tgt && echo d >type/d/f && echo f >type/f &&
		head -c 3000000 /dev/urandom >usr/bin/big &&
		head -c 300000 /dev/urandom >usr/bin/replaced &&
		cp /bin/true usr/bin/cap && setcap cap_net_raw+ep usr/bin/cap &&
		setfattr -n user.old -v 1 meta && chown 100000:7 meta &&
		mknod null c 1 3 && mknod pipe p && chmod 4755 usr/bin/big &&
		truncate -s 90M holes && echo end >>holes &&
		setfattr -n user.big -v "$(printf "%01500d" 0)" usr/lib/tgt' &&
	step 'rm -r gone op/x && mkdir gone && echo new >gone/new &&
		rm -r type/d && echo now a file >type/d &&
		rm type/f && mkdir type/f && echo below >type/f/x &&
		rm etc/f && echo more >>usr/bin/replaced && chmod 700 usr/lib &&
		setfattr -x user.old meta && setfattr -n user.new -v 2 meta &&
		chown 0:0 meta && ln usr/bin/big usr/bin/second &&
		rm usr/bin/cap && ln -s /nowhere usr/bin/cap' &&
	step 'rm usr/bin/big && mkdir -p op/y && echo again >etc/f &&
		rm usr/bin/cap && echo plain >usr/bin/cap &&
		d=$(printf "%090d" 0) && mkdir -p "$d/$d/$d" &&
		: >"$d/$d/$d/$d" && : >"new
line"' &&
	umoci unpack --image oci:a want && ./seen want/rootfs >want.seen
}

# stream DIR: in the order in which bng-pull writes it.
stream() (
	cd "$1" || exit
	m=$(sed 's/.*"digest":"sha256:\([0-9a-f]*\)".*/\1/' index.json)
	set +f
	# shellcheck disable=SC2046
	set -- $(grep -o 'sha256:[0-9a-f]*' "blobs/sha256/$m" | cut -d: -f2)
	config=$1 order=
	shift
	for l; do order="blobs/sha256/$l $order"; done
	# shellcheck disable=SC2086
	tar -cf - oci-layout index.json "blobs/sha256/$m" \
		"blobs/sha256/$config" $order
)

ok 'umoci makes an image of three layers' image
for how in oci:oci:a oci-archive:a.tar:a docker-archive:d.tar:a -; do
	need LOOP "$how is what umoci unpacks, to the last attribute" "
		how='$how'"' && rm -f a.tar d.tar && case $how in
		oci-a*) skopeo copy -q oci:oci:a oci-archive:a.tar:a ;;
		dock*) skopeo copy -q oci:oci:a docker-archive:d.tar:x/y:a ;;
		esac && stream oci >stream.tar &&
		bng-disk layers -s 200M i.ext4 $how <stream.tar >said &&
		clean i.ext4 && as_mounted i.ext4 >got.seen &&
		same want.seen got.seen && grep -qx "layers	3" said'
done
ok 'zstd, plain and sha512 layers are the same layers' '
	cp -r oci other && rm -rf x && mkdir x && stream oci | tar -C x -xf - &&
	bng-disk layers -s 200M -c config i.ext4 oci:oci && cd other &&
	m=$(sed "s/.*\"digest\":\"sha256:\([0-9a-f]*\)\".*/\1/" index.json) &&
	set -- $(grep -o "sha256:[0-9a-f]*" blobs/sha256/$m | cut -d: -f2) &&
	text=$(cat blobs/sha256/$m) && shift && for l; do
		gzip -dc <blobs/sha256/$l >plain
		case $l in
		$1) zstd -q plain -o new && kind=sha256 ;;
		$2) mv plain new && kind=sha512 ;;
		*) cp plain new && zstd -q new -o new2 &&
			mv new2 new && kind=sha512 ;;
		esac
		sum=$(${kind}sum new) && sum=${sum%% *} &&
		mkdir -p blobs/$kind && size=$(stat -c %s blobs/sha256/$l) &&
		text=$(printf "%s" "$text" | sed "s/sha256:$l\",\"size\":$size/\
$kind:$sum\",\"size\":$(stat -c %s new)/") &&
		mv new blobs/$kind/$sum && rm -f plain || exit
	done && printf "%s" "$text" >new && sum=$(sha256sum new) &&
	sum=${sum%% *} && mv new blobs/sha256/$sum &&
	sed "s/$m/$sum/; s/\"size\":[0-9]*/\"size\":$(stat -c %s \
		blobs/sha256/$sum)/" index.json >new && mv new index.json &&
	cd .. && bng-disk layers -s 200M j.ext4 oci:other && clean j.ext4 &&
	bng-disk list -l i.ext4 >i && bng-disk list -l j.ext4 >j && same i j'
ok 'its config is written as it is' '
	bng-disk layers -s 200M -c config i.ext4 oci:oci >said &&
	stream oci | tar -xOf - "blobs/sha256/$(sed -n \
		"s/^config	sha256://p" said)" >want.config &&
	same want.config config'
ok 'what is hidden is not in the image' '
	bng-disk layers -s 200M i.ext4 oci:oci >said && strings -n 4 i.ext4 |
		{ ! grep never-to-be-seen; } && used=$(du -k i.ext4) &&
	[ "${used%%	*}" -lt 14000 ]'
ok 'layers make the same bytes at two times, from two sources' '
	bng-disk layers -s 200M i.ext4 oci:oci >said &&
	stream oci >stream.tar &&
	find oci/blobs -type f -exec touch -d 2001-01-01 {} + &&
	bng-disk layers -s 200M j.ext4 - <stream.tar >said2 &&
	same said said2 && sha256sum <i.ext4 >one && sha256sum <j.ext4 >two &&
	same one two'

# Layers made by hand: tar NAME MEMBER..., whiteouts as plain files.
listed() { bng-disk list "$1" | grep -v '^/\(lost+found\)*$' | tr '\n' ' '; }
# makes WANT LAYER...: the names that those make.
makes() {
	_want=$1
	shift
	bng-disk layers -s 64M m.ext4 "$@" && clean m.ext4 &&
	_got=$(listed m.ext4) && [ "${_got% }" = "$_want" ] ||
	{ echo "got: $_got"; return 1; }
}
mkdir base && (cd base && mkdir -p a/b d && echo one >a/b/f && echo two >d/f &&
	ln d/f d/g && echo big >big && ln -s d link)
tar -C base -cf base.tar a d big link
# layer FILE NAME[=TEXT] ...: in that order; NAME/ is a directory, NAME>TO
# a link.
layer() {
	_tar=$1
	shift
	rm -rf work "$_tar" && mkdir work && for m; do
		(cd work && case $m in
		*/) mkdir -p "$m" ;;
		*'>'*) mkdir -p "./$(dirname "${m%>*}")" ;
			mkdir -p "./$(dirname "${m#*>}")" ;
			[ -e "${m#*>}" ] || echo x >"${m#*>}"
			ln -f "${m#*>}" "${m%>*}" ;;
		*) mkdir -p "./$(dirname "${m%%=*}")" ; rm -rf "./${m%%=*}"
			echo "${m#*=}" >"${m%%=*}" ;;
		esac && case $m in
		*'>'*) tar -cf l.tar "${m#*>}" "${m%>*}" &&
			tar --delete -f l.tar "${m#*>}" &&
			tar -Af ../"$_tar" l.tar ;;
		*) tar --no-recursion -rf ../"$_tar" "${m%%=*}" ;;
		esac) || return
	done
}

ok 'a whiteout hides a file or a whole directory of lower layers' '
	layer w.tar .wh.big .wh.a &&
	makes "/d /d/f /d/g /link" tar:base.tar tar:w.tar'
given() {
	mkfifo given && exec 4<>given 5>given 7<given 4>&- || return
	cat w.tar >&5
	exec 5>&-
	makes "/d /d/f /d/g /link" tar:base.tar tar:/dev/fd/7
}
ok 'a descriptor is read as it is, its writer being gone' 'given'
ok 'what the same layer has again stays, whichever comes first' '
	layer w.tar .wh.a a/new=1 && makes \
		"/a /a/new /big /d /d/f /d/g /link" tar:base.tar w.tar &&
	layer w.tar a/new=1 .wh.a && makes \
		"/a /a/new /big /d /d/f /d/g /link" tar:base.tar w.tar'
ok 'an opaque directory hides lower content and keeps its own' '
	layer w.tar a/ a/.wh..wh..opq a/x=1 && makes \
		"/a /a/x /big /d /d/f /d/g /link" tar:base.tar w.tar &&
	layer w.tar a/x=1 a/.wh..wh..opq && makes \
		"/a /a/x /big /d /d/f /d/g /link" tar:base.tar w.tar'
ok 'a layer in between hides what is below it, not above' '
	layer w.tar .wh.a && layer up.tar a/b/new=1 && makes \
		"/a /a/b /a/b/new /big /d /d/f /d/g /link" \
		tar:base.tar w.tar up.tar'
ok 'a whiteout of nothing, and one in no directory, are nothing' '
	layer w.tar .wh.nothing no/such/.wh.f &&
	makes "/a /a/b /a/b/f /big /d /d/f /d/g /link" tar:base.tar w.tar'
ok 'a file takes the place of a directory, and a directory of a file' '
	layer w.tar a=1 big/ big/x=1 &&
	makes "/a /big /big/x /d /d/f /d/g /link" tar:base.tar w.tar &&
	[ "$(bng-disk get m.ext4 a)" = 1 ] && layer up.tar a/ a/y=2 &&
	makes "/a /a/y /big /big/x /d /d/f /d/g /link" \
		tar:base.tar w.tar up.tar'
ok 'a hard link is to the file of its own layer or one below' '
	layer l.tar "new>d/f" && layer up.tar d/f=other &&
	makes "/a /a/b /a/b/f /big /d /d/f /d/g /link /new" \
		tar:base.tar l.tar up.tar &&
	[ "$(bng-disk get m.ext4 new)" = two ] &&
	[ "$(bng-disk get m.ext4 d/f)" = other ] &&
	[ "$(bng-disk list -l m.ext4 new | cut -f 2)" = 2 ]'
ok 'also when an upper layer takes the name away' '
	layer l.tar "new>big" && layer up.tar .wh.big .wh.d &&
	makes "/a /a/b /a/b/f /link /new" tar:base.tar l.tar up.tar &&
	[ "$(bng-disk get m.ext4 new)" = big ]'
ok 'and when the link is in the layer of the hidden file itself' '
	layer up.tar d/f=other && makes \
		"/a /a/b /a/b/f /big /d /d/f /d/g /link" tar:base.tar up.tar &&
	[ "$(bng-disk get m.ext4 d/g)" = two ] &&
	[ "$(bng-disk get m.ext4 d/f)" = other ] &&
	[ "$(bng-disk list -l m.ext4 d/g | cut -f 2)" = 1 ]'
ok 'a link without any file below it is refused, by layer and name' '
	layer l.tar "new>none" &&
	says 111 "cannot import '\''new'\'' of layer 2 ('\''l.tar'\'')" \
		bng-disk layers -s 64M m2.ext4 tar:base.tar l.tar &&
	[ ! -e m2.ext4 ]'
ok 'a directory that only an upper layer implies has the lower one'\''s mode' '
	chmod 710 base/a && tar -C base --owner=5 -cf base2.tar a d big link &&
	layer up.tar a/b/n=1 &&
	bng-disk layers -s 64M m.ext4 tar:base2.tar up.tar &&
	[ "$(bng-disk list -l m.ext4 a | sed -n 1p | cut -f 1,3)" = \
		"040710	5" ]'
ok 'files below a symbolic link of a lower layer go where that leads' '
	mkdir -p merged/usr/lib/sub && echo old >merged/usr/lib/f &&
	echo keep >merged/usr/lib/keep && echo del >merged/usr/lib/del &&
	ln -s usr/lib merged/lib && tar -C merged -cf low.tar usr lib &&
	layer up.tar lib/f=new lib/sub/x=1 lib/.wh.del &&
	makes "/lib /usr /usr/lib /usr/lib/f /usr/lib/keep /usr/lib/sub\
 /usr/lib/sub/x" tar:low.tar up.tar &&
	[ "$(bng-disk get m.ext4 lib/f)" = new ] &&
	[ "$(bng-disk get m.ext4 lib/sub/x)" = 1 ]'
ok 'plain tars, compressed or not, are layers, the lowest first' '
	layer up.tar big=new && gzip -k up.tar && xz -k up.tar &&
	for up in up.tar up.tar.gz up.tar.xz; do
		makes "/a /a/b /a/b/f /big /d /d/f /d/g /link" tar:base.tar \
			$up && [ "$(bng-disk get m.ext4 big)" = new ] || exit
	done'
ok 'plain tars make the same bytes again' '
	bng-disk layers -s 64M one.ext4 tar:base.tar up.tar &&
	touch base.tar up.tar &&
	bng-disk layers -s 64M two.ext4 tar:base.tar tar:up.tar &&
	same one.ext4 two.ext4'

done_testing
