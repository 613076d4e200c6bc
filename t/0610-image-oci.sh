#!/bin/sh
# image pull of what is not a recipe: references, layouts, archives, tarballs
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
. "$TOP/t/registry.sh"
store || exit 1
at_end 'banger vm list -rq | xargs -r banger vm kill >/dev/null'

# A front end whose bng-pull oci does what the file `pull` says; it writes
# down what it was asked. TMPDIR is where we look.
mkdir -p fake tmp
chmod 1777 tmp
cat >fake/bng-pull <<'END'
#!/bin/sh
[ "$1" = oci ] || exec "$BUILD/bng-pull" "$@"
echo "$*" >>"$T/pulled"
. "$T/pull"
END
sed -e "s|@BIN@|$T/fake:$BUILD|" -e "s|@SHARE@|$TOP|" \
	-e "s|@AGENT@|$BUILD/agent|" "$TOP/sh/banger" >fake/banger
chmod 755 fake/bng-pull fake/banger
PATH=$T/fake:$PATH TMPDIR=$T/tmp
export PATH TMPDIR
mkfifo here
images=$BANGER_STATE/images
manifest() { bng-store field "$images/$1/manifest.json" "$2"; }
nothing_left() {
	find "$images" -name '.[nd]*' -o -name 'banger-make*' >left
	ls -A "$TMPDIR" >>left
	cat left
	[ ! -s left ]
}

# An image of two layers: busybox, and what a person puts on top of it.
mkdir -p base/bin base/etc top/etc top/app/bin
cp "$(command -v busybox)" base/bin/busybox
for link in sh cat env ls pwd id; do
	ln -s busybox "base/bin/$link"
done
printf 'NAME="Toy"\nVERSION_ID=3\nPRETTY_NAME="Toy Linux 3"\n' \
	>base/etc/os-release
echo root:x:0:0:root:/root:/bin/sh >base/etc/passwd
echo below >base/etc/motd
echo above >top/etc/motd
printf '#!/bin/sh\necho "hello from $GREETER"\n' >top/app/bin/hello
chmod 755 top/app/bin/hello
# tarball DIR: its tar, as root owns it, in DIR.tar.
tarball() {
	tar -C "$1" --owner=0 --group=0 --numeric-owner --sort=name \
		--mtime=@1 -cf "$1.tar" .
}
tarball base
tarball top
run='{"Env":["PATH=/app/bin:/bin","GREETER=an image"],"WorkingDir":"/app",
"Entrypoint":["/app/bin/hello"]}'
# layout DIR TAG TAR...: an image of these layers in that layout.
layout() {
	_layout=$1 _layout_tag=$2
	shift 2
	[ -d "$_layout" ] || oci_new "$_layout" || return
	oci_image "$_layout" "$run" amd64 gzip "$@" >desc &&
		oci_tag "$_layout" "$_layout_tag" <desc &&
		jq -r .digest desc
}
# stream DIR: what bng-pull oci writes of it, in the order of its use.
stream() {
	_stream_at=$1/blobs/sha256/
	_stream_m=$(jq -r ".manifests[0].digest[7:]" "$1/index.json") &&
		jq -r ".config, (.layers | reverse[]) | .digest[7:]" \
			"$_stream_at$_stream_m" >blobs &&
		sed "s|^|blobs/sha256/|" blobs |
		tar -C "$1" --verbatim-files-from -cf - oci-layout index.json \
			"blobs/sha256/$_stream_m" -T -
}
digest=$(layout app 1 base.tar top.tar)
stream app >app.tar
echo 'exec cat "$T/app.tar"' >pull

# --- words ------------------------------------------------------------------

# What sh/origin makes of a word: kind, what is recorded, name.
origin() (
	. "$TOP/sh/origin"
	nl='
'
	die() { echo "error $1"; exit; }
	die_usage() { die "$@"; }
	origin_of "$1"
	[ "$origin_kind" = name ] || origin_name
	echo "$origin_kind $origin${origin_name:+ $origin_name}"
)
mkdir odd:dir
cp app/oci-layout odd:dir
: >a:b.tar
: >tree.tar.zst
skopeo copy -q oci:app:1 docker-archive:save.tar:x/y:1
gzip -k app.tar top.tar
# A tree that has the same names in it is a tree.
mkdir plain plain/etc
touch plain/oci-layout plain/index.json plain/manifest.json
tar -C plain -cf plain.tar etc oci-layout index.json manifest.json
cat >words <<END
debian-minimal|name debian-minimal
golang:1.23|registry registry:docker.io/library/golang:1.23 golang-1.23
me/tool|registry registry:docker.io/me/tool:latest tool-latest
localhost:5000/a/b:x|registry registry:localhost:5000/a/b:x b-x
docker://quay.io/a/b|registry registry:quay.io/a/b:latest b-latest
oci:app|layers oci:$T/app app
oci:./app:1|layers oci:$T/app:1 app-1
oci:odd:dir:1.0|error 'odd:dir-1.0' cannot be the name of an image: \
give it another with --name
oci-archive:app.tar|layers oci-archive:$T/app.tar app
docker-archive:app.tar:me/x:2|layers docker-archive:$T/app.tar:me/x:2 app-x-2
./tree.tar.zst|layers tar:$T/tree.tar.zst tree
tree.tar.zst|layers tar:$T/tree.tar.zst tree
nothing.tar.zst|name nothing.tar.zst
./nothing.tar|error cannot find './nothing.tar'
oci:nothing|error cannot find 'nothing'
oci:|error 'oci:' names no file
oci-archive:|error 'oci-archive:' names no file
./app.tar|layers oci-archive:$T/app.tar app
save.tar|layers docker-archive:$T/save.tar save
plain.tar|layers tar:$T/plain.tar plain
app.tar.gz|error cannot tell what '$T/app.tar.gz' is: it seems to be an \
image's archive that was compressed
top.tar.gz|layers tar:$T/top.tar.gz top
oci:.|error cannot use '.': it is no OCI layout
docker-archive:app|error cannot use 'app': it is not a file
END
ok 'a word is a name, a reference or a file, and names what is made of it' '
	while IFS="|" read -r word want; do
		got=$(origin "$word")
		[ "$got" = "$want" ] || { echo "$word: $got"; exit 1; }
	done <words'
ok 'mistakes are said before anything is made, and what to write instead' '
	says 2 "capital letter" banger image pull team/Tool &&
	says 1 "it is an OCI layout" banger image pull ./app &&
	grep -qx "try: oci:./app" .err &&
	says 1 "it is a directory" banger image pull ./top &&
	says 1 "image '\''app'\''" banger image pull app &&
	grep -q "a registry'\''s has a tag: app:latest" .err &&
	says 2 "is not for an image that has a name" \
		banger image pull --size 1G debian-minimal &&
	says 2 "below the least" banger image pull --size 1M oci:app &&
	says 1 "cannot use '\''a/b'\''" banger image pull --name a/b oci:app &&
	says 1 "more than 128 characters" \
		banger image pull --name "$(printf %0129d 0)" oci:app &&
	says 1 "cannot find a kernel '\''nope'\''" \
		banger image pull --kernel nope oci:app &&
	[ ! -e "$images" ] && [ ! -e pulled ]'

# --- files ------------------------------------------------------------------

tree() {
	bng-disk list -l "$images/$1/rootfs.ext4" >"$1.list" &&
		bng-disk get "$images/$1/rootfs.ext4" /etc/motd >>"$1.list"
}
ok 'an OCI layout becomes an image, with what it says of itself' '
	banger image pull oci:app:1 2>err && cat err &&
	[ "$(manifest app-1 source)" = "oci:$T/app:1" ] &&
	[ "$(manifest app-1 digest)" = "$digest" ] &&
	[ "$(manifest app-1 distro)" = "Toy Linux 3" ] &&
	[ "$(manifest app-1 kernel)" = debian ] &&
	fails 1 bng-store field "$images/app-1/manifest.json" init &&
	grep -q "^image app-1: 2 layers, [0-9]* MiB, made in" err &&
	tree app-1 && tail -n 1 app-1.list | grep -qx above &&
	[ "$(stat -c %a "$images/app-1" "$images/app-1/rootfs.ext4" |
		tr "\n" " ")" = "755 644 " ] &&
	e2fsck -fn "$images/app-1/rootfs.ext4" && nothing_left'
ok 'so do an OCI archive, a Docker archive and a tarball: the same tree' '
	skopeo copy -q oci:app:1 docker-archive:docker.tar:me/app:1 &&
	gzip -c base.tar >base.tar.gz &&
	banger image pull --name ocia oci-archive:app.tar:1 &&
	banger image pull --name docka docker-archive:docker.tar:me/app:1 &&
	banger image pull ./base.tar.gz &&
	tree ocia && tree docka && tree base &&
	same app-1.list ocia.list && same app-1.list docka.list &&
	tail -n 1 base.list | grep -qx below &&
	[ "$(manifest base source)" = "tar:$T/base.tar.gz" ] && nothing_left'
ok 'a broken file is one line, which names the image, and nothing stays' '
	head -c 300000 app.tar >torn.tar &&
	says 1 "cannot make the image '\''torn'\''" \
		banger image pull -q oci-archive:torn.tar &&
	[ ! -e "$images/torn" ] && nothing_left'

# --- a registry -------------------------------------------------------------

ok 'what is there is not fetched, by whichever of its names' '
	banger image pull me/app:1 --name mine &&
	banger image pull quay.io/app:2 && cat pulled &&
	[ "$(wc -l <pulled)" = 2 ] &&
	[ "$(manifest mine digest)" = "$digest" ] &&
	grep -q " docker.io/me/app:1\$" pulled &&
	banger image pull quay.io/app:2 2>err && cat err &&
	grep -q "^image app-2 is there: $images/app-2" err &&
	banger image pull mine && [ "$(wc -l <pulled)" = 2 ]'
ok 'another one of the same name is refused, and how to have both is said' '
	says 1 "there is one of quay.io/app:2" banger image pull app:2 &&
	grep -qx "try: banger image pull --name OTHER app:2" .err &&
	[ "$(wc -l <pulled)" = 2 ]'
ok 'two at once fetch it once' '
	{ banger image pull once:1 & one=$!; banger image pull once:1 &&
	wait $one; } && [ "$(grep -c "/once:1" pulled)" = 1 ] && nothing_left'
ok 'a pull that fails says why itself, and nothing stays' '
	echo "head -c 300000 $T/app.tar; echo \"banger: the line is cut\" >&2
		exit 111" >pull &&
	says 1 "the line is cut" banger image pull -q bad:1 &&
	[ "$(wc -l <.err)" = 1 ] && [ ! -e "$images/bad-1" ] && nothing_left &&
	echo "cat $T/app.tar; echo \"banger: a late mistake\" >&2
		exit 1" >pull &&
	says 1 "a late mistake" banger image pull -q bad:1 &&
	[ ! -e "$images/bad-1" ] && nothing_left'
ok 'when the disk cannot be made, that is said, and the pull is ended' '
	mkdir large zeros && head -c 20M /dev/urandom >large/file &&
	head -c 80M /dev/zero >zeros/zeros && tarball large && tarball zeros &&
	layout big 1 large.tar zeros.tar && stream big >big.tar &&
	echo "cat $T/big.tar; head -c 1M /dev/zero
		exec sleep 600" >pull &&
	says 1 "cannot make the image '\''bad-1'\''" \
		banger image pull -q --size 16M --name bad-1 bad:1 &&
	[ "$(wc -l <.err)" = 2 ] && nothing_left &&
	grep -qx "try: --size with a larger one" .err &&
	says 1 "64 MiB are too much" env BANGER_IMAGE_MAX_SIZE=64 \
		banger image pull -q --name bad-1 bad:1 &&
	grep -qx "try: image_max_size in config.toml" .err && nothing_left &&
	[ ! -e "$images/bad-1" ]'

ok 'a registry wants a password: where to log in is said, and it works' '
	registry locked htpasswd && registry open &&
	push app "$(jq -r ".manifests[0].digest[7:]" app/index.json)" \
		"$open/app" 1 &&
	echo "exec \"$BUILD/bng-pull\" \$*" >pull && rm pulled &&
	says 1 "$locked" \
		banger image pull -q --name locked "$locked/app:1" &&
	grep -q "podman login $locked" .err && [ ! -e "$images/locked" ] &&
	login=$(printf "%s" "$account:$password" | base64) &&
	echo "{\"auths\":{\"$locked\":{\"auth\":\"$login\"}}}" >auth.json &&
	BANGER_REGISTRY_AUTH=$T/auth.json banger image pull --name locked \
		"$locked/app:1" &&
	[ "$(manifest locked digest)" = "$digest" ] &&
	grep -q -- "-a $T/auth.json" pulled && nothing_left'
ok 'what the settings say of registries, bng-pull is told' '
	echo "exit 111" >pull && rm pulled && fails 1 env \
		BANGER_REGISTRY_MIRRORS="a=http://b  c=https://d/e" \
		BANGER_REGISTRY_CA=/ca BANGER_REGISTRY_INSECURE="x:1 y:2" \
		banger image pull y:2/z:3 && cat pulled &&
	grep -qx "oci -p .*y:2/z:3" pulled && grep -q -- " -i " pulled &&
	grep -q -- " -M a=http://b " pulled && grep -q -- " -c /ca " pulled &&
	grep -q -- " -M c=https://d/e " pulled && rm pulled &&
	fails 1 env BANGER_REGISTRY_INSECURE="x:1 y:2" \
		banger image pull -q y:3/z:3 && ! grep -e " -i" pulled &&
	grep -q -- " -q y:3/z:3$" pulled'
ok 'what pulls keep is named, and deleted' '
	banger image cache prune -n >out && cat out &&
	grep -qx "would delete [4-9] files, [1-9] MiB" out &&
	banger image cache prune >out && grep -q "^deleted [4-9] files" out &&
	banger image cache prune -n >out && grep -q "delete 0 files" out &&
	[ -f "$images/locked/rootfs.ext4" ]'

# stopped SIGNAL front|maker STATUS: kill one of the two when half is there.
stopped() {
	echo "head -c 300000 $T/app.tar; echo >$T/here; exec sleep 600" >pull
	banger image pull -q slow:1 &
	slow=$!
	timeout 300 head -n 1 here >/dev/null || return
	read -r maker _ <"$(find "$images" -path '*/.new.slow-1.*/maker')"
	[ "$2" = maker ] || maker=$slow
	kill "-$1" "$maker"
	wait "$slow"
	[ "$?" = "$3" ] || return
	exec 9>>"$images/.lock.slow-1"
	bng-state lock 9
	exec 9>&-
}
# The same image with other bytes in it, and so narrow a line that it is found
# out by who unpacks them, while the rest is still to come.
mkdir wrong && head -c 6000000 /dev/urandom | base64 >wrong/f &&
	tarball wrong && low=$(layout narrow t wrong.tar) || exit 1
low=$(jq -r '.layers[0].digest[7:]' "narrow/blobs/sha256/${low#*:}")
cp -r narrow other
head -c 3000 /dev/urandom | dd conv=notrunc bs=1000 seek=3000 \
	of="other/blobs/sha256/$low" status=none
mkfifo ports
badregd narrow log >ports &
at_end "kill $! 2>/dev/null"
read -r port <ports
right=127.0.0.1:$port
badregd other log >ports &
at_end "kill $! 2>/dev/null"
read -r port <ports
slowproxy -b 2500000 "$port" >ports &
at_end "kill $! 2>/dev/null"
read -r port <ports
export right port
ok 'a layer with wrong bytes is named, and not gone on with' '
	echo "exec \"\$BUILD/bng-pull\" \"\$@\"" >pull &&
	says 1 "layer 1" banger image pull -q "127.0.0.1:$port/good/w:t" &&
	grep -q "again" "$T/.err" && nothing_left &&
	banger image pull -q --name w "$right/good/w:t" &&
	bng-disk get "$images/w/rootfs.ext4" /f | cmp - wrong/f'

ok 'interrupted, it leaves nothing; nor when either of the two is killed' '
	stopped TERM front 143 && nothing_left && stopped KILL front 137 &&
	nothing_left && stopped KILL maker 1 && bng-state gc &&
	echo "exec cat $T/app.tar" >pull && banger image pull slow:1 &&
	nothing_left'
ctrl_c() {
	echo "head -c 300000 $T/app.tar; echo >$T/here; exec sleep 600" >pull
	env --default-signal=INT banger image pull slow:2 2>told &
	slow=$!
	timeout 300 head -n 1 here >/dev/null && kill -INT $slow
	fails 130 wait $slow && cat told &&
	grep -qx "banger: interrupted: the same command goes on with what \
has come" told
	set -- $?
	echo "exec cat $T/app.tar" >pull
	rm -f "$images/.lock.slow-2"
	bng-state gc
	return "$1"
}
ok 'Ctrl-C is answered by a line' 'ctrl_c'
ok '--force asks again: the same stays, another one takes its place' '
	inode=$(stat -c %i "$images/app-2/rootfs.ext4") &&
	banger image pull --force quay.io/app:2 2>err && cat err &&
	grep -q "^image app-2 has not changed: $digest" err &&
	[ "$(stat -c %i "$images/app-2/rootfs.ext4")" = "$inode" ] &&
	layout new 1 base.tar && stream new >new.tar &&
	echo "exec cat $T/new.tar" >pull &&
	banger image pull --force quay.io/app:2 && tree app-2 &&
	tail -n 1 app-2.list | grep -qx below && nothing_left'
ok 'what came from another repository is not replaced, even so' '
	says 1 "it is of quay.io/app:2" \
		banger image pull -q --force other/app:2 &&
	grep -q "^try: banger image pull --name OTHER" .err && nothing_left'
ok 'shown and deleted by its reference, too, if it is of that' '
	banger image show quay.io/app:2 | grep -q "^name  *app-2$" &&
	says 1 "there is no image '\''other/app:2'\''" \
		banger image show other/app:2 &&
	says 1 "there is no image" banger image delete quay.io/app:3 &&
	[ -z "$(find "$images" -name ".lock.app*")" ]'
ok 'but not while a machine is made of it' '
	banger vm create -q --no-start --image app-2 web &&
	echo "exec cat $T/app.tar" >pull &&
	says 1 "in use by machine web" \
		banger image pull -q --force quay.io/app:2 &&
	grep -q "^try: banger vm delete web, or" .err && tree app-2 &&
	tail -n 1 app-2.list | grep -qx below && nothing_left &&
	banger vm delete web'

# --- what is inside ---------------------------------------------------------

# init_of ENTRYPOINT FILE...: what is found to be the init of an image with
# these files; LINK>TARGET is a link.
init_of() {
	rm -rf tree && mkdir tree && _init_first=$1
	shift
	for _init_file; do
		mkdir -p "tree/$(dirname "${_init_file%>*}")"
		case $_init_file in
		*'>'*) ln -s "${_init_file#*>}" "tree/${_init_file%>*}" ;;
		etc/inittab) printf '# x\n::sysinit:/sbin/openrc sysinit\n' \
			>tree/etc/inittab ;;
		*) echo "$_init_file" >"tree/$_init_file" ;;
		esac
	done
	tarball tree && rm -rf one && run='{"Entrypoint":["'$_init_first'"]}' &&
		layout one 1 tree.tar >/dev/null &&
		banger image pull -q --force --name probe oci:one:1 &&
		{ manifest probe init || :; }
}
systemd='sbin/init>../lib/systemd/systemd'
ok 'its init is found; what only looks like one is not' '
	[ "$(init_of "" lib/systemd/systemd "$systemd")" = /sbin/init ] &&
	[ "$(init_of "" usr/lib/systemd/systemd)" = \
		/usr/lib/systemd/systemd ] &&
	[ -z "$(init_of "" "$systemd")" ] &&
	[ -z "$(init_of "" init bin/sh)" ] &&
	[ "$(init_of /init init bin/s6-svscan)" = /init ] &&
	[ -z "$(init_of /usr/bin/tini usr/bin/tini)" ] &&
	set -- "sbin/init>/bin/busybox" bin/busybox etc/inittab &&
	[ -z "$(init_of "" "$@")" ] &&
	[ "$(init_of "" "$@" sbin/openrc)" = /sbin/init ]'

# --- a machine --------------------------------------------------------------

ok 'vm run --image of a reference pulls it, and runs as the image says' '
	echo "exec cat $T/app.tar" >pull && rm pulled &&
	banger vm run -q --name m --image team/greet:1 -- \
		hello >out && grep -qx "hello from an image" out &&
	grep -q "team/greet:1" pulled && [ "$(wc -l <pulled)" = 1 ] &&
	[ "$(bng-state get m image)" = greet-1 ] &&
	banger vm exec m -- pwd >out && grep -qx /app out'
done_testing
