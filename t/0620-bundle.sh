#!/bin/sh
# Bundles and catalogs: made the same each time, and refused when anything in
# them is not as it was signed.
. "$(dirname "$0")/lib.sh"

# A small image with content at both ends, and a kernel of small files.
mkdir -p img kern/early/kernel/fs pub cat
umask 022
bng-disk format -s 16M img/rootfs.ext4
seq 1 60000 | bng-disk put img/rootfs.ext4 /numbers
echo '{"name":"web","distro":"Odd\u001b","arch":"x86_64","kernel":"vanilla",
	"created":7,"source":"recipe:web"}' >img/manifest.json
head -c 700000 "$BUILD/bng-disk" >kern/vmlinux
echo mod >kern/early/kernel/fs/a.ko
echo 'a:' >kern/early/modules.dep
echo "the agent here" >kern/initrd
echo "which agent" >kern/agent
echo first >kern/initrd.first
cp img/rootfs.ext4 kern/modules.ext4
echo '{"name":"vanilla","arch":"x86_64","version":"6.1.0","machine":"q35",
	"created":8,"source":"package:x"}' >kern/manifest.json
bng-bundle key signer >signer.text
bng-bundle key other >other.text
me=$(cat signer.text)
export me

value() { sed -n "s/^$1	//p" "$2"; }

# offer FILE [KIND NAME]: a signed catalog in cat/ whose one bundle is FILE.
offer() {
	jq -n --arg file "${1##*/}" --arg kind "${2:-image}" \
		--arg name "${3:-web}" --arg sum "$(sha256sum <"$1" |
		cut -c1-64)" --argjson size "$(wc -c <"$1")" \
		--argjson unpacked "${unpacked:-16777371}" \
		"{ format: 1, serial: ${serial:-5}, entries: [ { kind: \$kind,
		name: \$name, arch: \"x86_64\", kernel: \"vanilla\",
		file: \$file, size: \$size, sha256: \$sum,
		unpacked: \$unpacked } ] }" >cat/catalog.json &&
		bng-bundle sign -k signer cat/catalog.json
}
# into BUNDLE [KIND NAME]: opened as the catalog in $catalog says.
catalog=$T/pub/catalog.json
into() {
	rm -rf out
	mkdir out
	bng-bundle open -k "$me" "$catalog" "${2:-image}" "${3:-web}" out <"$1"
}
nothing() {
	find out -mindepth 1
	[ -z "$(ls -A out)" ]
}
# refused TEXT BUNDLE [KIND NAME]: with that sentence, and nothing stays.
refused() {
	_text=$1
	shift
	says 1 "$_text" into "$@" && nothing
}

ok 'the same image is the same bundle, whoever packs it and when' '
	bng-bundle make img pub >made && cp -r --sparse=never img img2 &&
	touch -d 2001-01-01 img2/rootfs.ext4 && chmod 600 img2/rootfs.ext4 &&
	mkdir pub2 && (umask 077 && bng-bundle make img2 pub2) >made2 &&
	[ "$(value sha256 made)" = "$(value sha256 made2)" ] &&
	same "$(value file made)" "$(value file made2)" &&
	bng-bundle make -l 1 img pub2 >made3 &&
	[ "$(value sha256 made)" != "$(value sha256 made3)" ]'
bundle=$(value file made)
ok 'it is named by its digest, and its zeros cost nothing' '
	sum=$(sha256sum <"$bundle" | cut -c1-16) &&
	[ "$bundle" = "pub/web-x86_64-$sum.tar.zst" ] &&
	[ "$(stat -c %a "$bundle")" = 644 ] &&
	[ "$(wc -c <"$bundle")" -lt 200000 ] &&
	[ "$(wc -c <"$bundle")" = "$(value size made)" ]'
ok 'tar and zstd read it: two files, of root, of the day 0' '
	TZ=UTC tar --zstd --numeric-owner -tvf "$bundle" | tr -s " " >listed &&
	printf "%s\n" "-rw-r--r-- 0/0 $(jq -c . img/manifest.json |
		tr -d "\n" | wc -c) 1970-01-01 00:00 manifest.json" \
		"-rw-r--r-- 0/0 16777216 1970-01-01 00:00 rootfs.ext4" >want &&
	same listed want && tar --zstd -xOf "$bundle" rootfs.ext4 |
		same - img/rootfs.ext4'
ok 'what is no image and no kernel is not packed' '
	mkdir none && fails 111 bng-bundle make none pub &&
	echo "{\"name\":\"x\",\"arch\":\"x86_64\"}" >none/manifest.json &&
	says 111 "neither an image nor a kernel" bng-bundle make none pub &&
	echo "{\"name\":\"../x\",\"arch\":\"x\"}" >none/manifest.json &&
	says 111 "has no name" bng-bundle make none pub &&
	[ "$(ls -A pub | wc -l)" = 1 ]'

ok 'it is added to the catalog, which is signed' '
	bng-bundle add -k signer -d "a web server" "$bundle" >added &&
	[ "$(value key added)" = "$me" ] &&
	[ "$(bng-bundle verify -k "$me" pub/catalog.json)" = "$me" ] &&
	jq -e ".format == 1 and (.entries | length) == 1" pub/catalog.json &&
	jq -e ".entries[0] | .kind == \"image\" and .name == \"web\" and
		.kernel == \"vanilla\" and .created == 7 and
		.description == \"a web server\"" pub/catalog.json'
ok 'openssl finds that signature right, and we find its' '
	openssl pkeyutl -verify -pubin -inkey signer.pub -rawin \
		-in pub/catalog.json -sigfile pub/catalog.json.sig &&
	cp pub/catalog.json theirs && openssl pkeyutl -sign -inkey signer \
		-rawin -in theirs -out theirs.sig &&
	bng-bundle verify -k "$me" theirs &&
	openssl genpkey -algorithm ed25519 -out ossl && chmod 600 ossl &&
	bng-bundle sign -k ossl theirs &&
	bng-bundle verify -k "$(bng-bundle public ossl)" theirs'
ok 'it opens to what it was made of, with holes' '
	into "$bundle" && same out/rootfs.ext4 img/rootfs.ext4 &&
	[ "$(ls -A out)" = "manifest.json
rootfs.ext4" ] && [ "$(stat -c %b out/rootfs.ext4)" -lt 4000 ] &&
	[ "$(bng-store field out/manifest.json source)" = \
		"catalog:${bundle##*/}" ] &&
	[ "$(bng-store field out/manifest.json kernel)" = vanilla ]'

ok 'a kernel goes along with what its initrd is made of, and without that' '
	bng-bundle make kern pub >kmade && kbundle=$(value file kmade) &&
	bng-bundle add -k signer "$kbundle" && tar --zstd -tf "$kbundle" >has &&
	printf "%s\n" manifest.json vmlinux initrd.first modules.ext4 \
		early/kernel/fs/a.ko early/modules.dep >want &&
	same has want && into "$kbundle" kernel vanilla &&
	same out/vmlinux kern/vmlinux &&
	same out/modules.ext4 kern/modules.ext4 && [ ! -e out/initrd ] &&
	diff -r out/early kern/early'
ok 'a kernel that has its own initrd keeps it' '
	cp -r kern kern2 && rm -r kern2/early kern2/modules.ext4 \
		kern2/agent kern2/initrd.first &&
	mkdir pub3 && bng-bundle make kern2 pub3 >kmade2 &&
	tar --zstd -tf "$(value file kmade2)" >has &&
	printf "%s\n" manifest.json vmlinux initrd >want && same has want &&
	bng-bundle add -k signer "$(value file kmade2)" &&
	catalog=pub3/catalog.json into "$(value file kmade2)" kernel vanilla &&
	same out/initrd kern/initrd && [ ! -e out/early ]'
ok 'the catalog is in order, and knows one of each name' '
	jq -e "[.entries[].name] == [\"web\", \"vanilla\"]" pub/catalog.json &&
	bng-bundle make -l 1 img pub >made4 &&
	bng-bundle add -k signer "$(value file made4)" >added &&
	[ "$(value replaced added)" = "${bundle##*/}" ] &&
	[ -e "$bundle" ] && jq -e "[.entries[].name] == [\"web\", \"vanilla\"]
		and .entries[0].file == \"$(basename "$(value file made4)")\"" \
		pub/catalog.json && s=$(jq .serial pub/catalog.json) &&
	bng-bundle add -k signer "$bundle" &&
	[ "$(jq .serial pub/catalog.json)" -gt "$s" ]'
together() {
	mkdir many
	for i in 1 2 3 4 5 6; do
		echo "{\"name\":\"w$i\",\"arch\":\"x86_64\"}" \
			>none/manifest.json
		echo "$i" >none/rootfs.ext4
		bng-bundle make none many | sed -n 's/^file	//p' >>list
	done
	while read -r one; do bng-bundle add -k signer "$one" & done <list
	wait
	bng-bundle verify -k "$me" many/catalog.json &&
		[ "$(jq '.entries | length' many/catalog.json)" = 6 ]
}
ok 'six that publish at once are all in it' together

# --- what was changed ----------------------------------------------------

# flip FILE OFFSET: that byte, another one.
flip() {
	printf "\\$(printf %03o $(($(od -An -tu1 -j "$2" -N 1 "$1") ^ 1)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
# Each n-th byte of the catalog's file $1, flipped: each use of it is refused.
every_byte() {
	cp -r pub flipped
	_size=$(wc -c <"flipped/$1") _at=0 _n=0
	while [ "$_at" -lt "$_size" ]; do
		flip "flipped/$1" "$_at"
		rm -rf out && mkdir out
		says 1 "refused 'flipped/catalog.json'" bng-bundle open \
			-k "$me" flipped/catalog.json image web out \
			<"$bundle" && nothing || return
		flip "flipped/$1" "$_at"
		_at=$((_at + $2)) _n=$((_n + 1))
	done
	same "flipped/$1" "pub/$1" && rm -r flipped && [ "$_n" -ge 20 ]
}
ok 'a flipped byte anywhere in the catalog is refused' '
	every_byte catalog.json 29'
ok 'so is one in its signature' 'every_byte catalog.json.sig 3'
ok 'with a changed catalog nobody lists, finds, accepts or adds' '
	cp -r pub flipped && flip flipped/catalog.json 9 &&
	says 1 "refused '\''flipped/catalog.json'\''" bng-bundle find -k "$me" \
		flipped/catalog.json image web &&
	says 1 "refused '\''flipped/catalog.json'\''" bng-bundle list -k "$me" \
		image http://x flipped/catalog.json && mkdir -p kept &&
	says 1 "refused the catalog of '\''http://x'\''" bng-bundle accept \
		-k "$me" kept http://x flipped/catalog.json &&
	[ -z "$(ls kept)" ] && cp "$bundle" flipped &&
	says 1 "refused '\''flipped/catalog.json'\''" bng-bundle add \
		-k signer "flipped/${bundle##*/}"'
in_the_bundle() {
	_size=$(wc -c <"$bundle")
	for _at in 0 3 4 5 9 100 1000 $((_size / 3)) $((_size / 2)) \
		$((_size - 5)) $((_size - 1)); do
		cp "$bundle" bad
		flip bad "$_at"
		refused "refused the bundle '${bundle##*/}': " bad || {
			echo "at $_at"
			return 1
		}
	done
}
ok 'one in the bundle, wherever, is refused, and nothing stays' in_the_bundle
ok 'a bundle of the right form but other content is refused by its digest' '
	cp -r img img3 && echo x | bng-disk put img3/rootfs.ext4 /x &&
	bng-bundle make img3 . >made5 && refused "of the catalog" \
		"$(value file made5)"'
ok 'one that is cut short, empty or longer is refused' '
	head -c 30000 "$bundle" >bad && refused "cut short after 30000" bad &&
	head -c -1 "$bundle" >bad && refused "cut short" bad &&
	: >bad && refused "cut short after 0 bytes" bad &&
	{ cat "$bundle"; echo x; } >bad && refused "it is longer than" bad &&
	refused "refused the bundle" /dev/zero'

# --- what was never right, though signed -----------------------------------

# craft FILE TAR_ARGUMENT...: a tar of those, in craft/, compressed, offered.
mkdir craft
cp img/manifest.json img/rootfs.ext4 craft
ln -s manifest.json craft/link
ln craft/manifest.json craft/hard
mkfifo craft/fifo
mkdir craft/early craft/dir
echo x >craft/extra
craft() {
	_file=$1
	shift
	tar -C craft --owner=0 --group=0 --mtime=@0 -cf bad.tar "$@" &&
		zstd -qf bad.tar -o "$_file" && offer "$_file"
}
catalog=$T/cat/catalog.json
# crafted TEXT TAR_ARGUMENT...
crafted() {
	_crafted=$1
	shift
	craft crafted.tar.zst "$@" && refused "$_crafted" crafted.tar.zst
}
ok 'plain tar can make one that is right' '
	unpacked=$((16777216 + $(wc -c <craft/manifest.json))) &&
	craft plain.tar.zst manifest.json rootfs.ext4 && into plain.tar.zst &&
	same out/rootfs.ext4 img/rootfs.ext4'
unpacked=99999999
ok 'and without check sums, in one frame or in many' '
	tar -C craft -cf bad.tar manifest.json rootfs.ext4 &&
	unpacked=$((16777216 + $(wc -c <craft/manifest.json))) &&
	zstd -qf --no-check bad.tar -o one.tar.zst && offer one.tar.zst &&
	into one.tar.zst && same out/rootfs.ext4 img/rootfs.ext4 &&
	split -b 1000000 bad.tar piece. && for piece in $(find . -name \
		"piece.*" | sort); do zstd -qc --no-check "$piece" || exit 1
	done >many.tar.zst && offer many.tar.zst && into many.tar.zst &&
	same out/rootfs.ext4 img/rootfs.ext4'
ok 'a member too many, twice, missing or misplaced is refused by name' '
	crafted "'\''extra'\'' has no place in an image" \
		manifest.json rootfs.ext4 extra &&
	crafted "'\''extra'\'' has no place in an image" manifest.json extra &&
	crafted "'\''rootfs.ext4'\'' is there twice" manifest.json \
		rootfs.ext4 --hard-dereference rootfs.ext4 &&
	crafted "'\''manifest.json'\'' is there twice" manifest.json \
		--hard-dereference manifest.json rootfs.ext4 &&
	crafted "'\''rootfs.ext4'\'' is missing" manifest.json &&
	crafted "'\''manifest.json'\'' is not its first" rootfs.ext4 \
		manifest.json &&
	crafted "'\''manifest.json'\'' is missing" -T /dev/null &&
	crafted "'\''./manifest.json'\'' has no place" ./manifest.json \
		./rootfs.ext4 &&
	crafted "'\''/manifest.json'\'' has no place" -P --transform \
		s,^,/, manifest.json rootfs.ext4 &&
	crafted "'\''../rootfs.ext4'\'' has no place" -P --transform \
		s,^r,../r, manifest.json rootfs.ext4 &&
	crafted "'\''dir/'\'' has no place" manifest.json dir rootfs.ext4'
# Of one age, too: how well a header is compressed depends on that.
other() { head -c 99999 /dev/urandom >craft/one && touch -d @1 craft/one; }
ok 'a bundle of the same size but other content is refused by its digest' '
	other && craft one.tar.zst manifest.json \
		--transform s,one,rootfs.ext4, one && other &&
	cp cat/catalog.json keep &&
	craft two.tar.zst manifest.json --transform s,one,rootfs.ext4, one &&
	cp keep cat/catalog.json &&
	bng-bundle sign -k signer cat/catalog.json &&
	[ "$(wc -c <one.tar.zst)" = "$(wc -c <two.tar.zst)" ] &&
	refused "the SHA-256 $(sha256sum <two.tar.zst | cut -c1-64), the" \
		two.tar.zst'
ok 'what is no regular file is refused by name' '
	as() { crafted "'\''rootfs.ext4'\'' is $1, no regular" --transform \
		"flags=r;s,^$2\$,rootfs.ext4," manifest.json "$2"; } &&
	as "a symbolic link" link && as "a hard link" hard &&
	as "a fifo" fifo &&
	crafted "'\''rootfs.ext4'\'' is stored as a sparse" --format=posix \
		-S manifest.json rootfs.ext4'
ok 'a kernel is not an image, nor has it any path' '
	mkdir -p craft/early/.x craft/early/a && echo >craft/early/.x/y &&
	echo >craft/early/a/z && cp kern/vmlinux craft &&
	crafted "'\''vmlinux'\'' has no place in an image" manifest.json \
		vmlinux &&
	k() { _k=$1; shift; tar -C craft -cf bad.tar "$@" &&
		zstd -qf bad.tar -o k.tar.zst &&
		offer k.tar.zst kernel vanilla &&
		refused "$_k" k.tar.zst kernel vanilla; } &&
	k "'\''early/.x/y'\'' has no place" manifest.json vmlinux early/.x/y &&
	k "'\''early/../z'\'' has no place" -P --transform s,/a/,/../, \
		manifest.json vmlinux early/a/z &&
	k "'\''early/'\'' has no place" --no-recursion manifest.json vmlinux \
		early &&
	k "'\''rootfs.ext4'\'' has no place in a kernel" manifest.json \
		rootfs.ext4 &&
	k "'\''vmlinux'\'' is missing" manifest.json &&
	k "'\''vmlinux'\'' is missing before" manifest.json early/a/z'
ok 'none that unpacks to more or less than was said, or needs much memory' '
	unpacked=16777000 crafted "unpacks to more than" manifest.json \
		rootfs.ext4 &&
	unpacked=16999999 crafted "unpacks to less than" manifest.json \
		rootfs.ext4 &&
	tar -C craft -cf bad.tar manifest.json rootfs.ext4 &&
	zstd -qf --ultra -22 --long=27 bad.tar -o long.tar.zst &&
	offer long.tar.zst && refused "requires too much memory" long.tar.zst &&
	head -c 300000 /dev/zero >craft/big &&
	crafted "manifest.json is larger than 256 KiB" --transform \
		s,big,manifest.json, big rootfs.ext4'
ok 'a manifest that says another thing than the catalog is refused' '
	unpacked=$((16777216 + $(wc -c <craft/manifest.json))) &&
	craft m.tar.zst manifest.json rootfs.ext4 &&
	offer m.tar.zst image wep &&
	refused "says another name" m.tar.zst image wep &&
	echo nonsense >craft/bad && unpacked=$((16777216 + 9)) &&
	craft m.tar.zst --transform s,bad,manifest.json, bad rootfs.ext4 &&
	refused "is no JSON object" m.tar.zst'
ok 'something behind the end is refused' '
	unpacked=$((16777216 + $(wc -c <craft/manifest.json))) &&
	tar -C craft -cf bad.tar manifest.json rootfs.ext4 &&
	{ zstd -qc bad.tar; echo more | zstd -qc; } >two.tar.zst &&
	offer two.tar.zst && refused "something follows" two.tar.zst &&
	{ cat bad.tar; echo more; } | zstd -qc >two.tar.zst &&
	offer two.tar.zst && refused "something follows its end" two.tar.zst'

catalog=$T/pub/catalog.json
# odd JQ: the catalog changed by it, and signed again.
odd() {
	jq "$1" pub/catalog.json >cat/catalog.json &&
		bng-bundle sign -k signer cat/catalog.json &&
		says 1 "$2" bng-bundle find -k "$me" cat/catalog.json image web
}
ok 'a catalog that is signed and malformed is refused where it is wrong' '
	odd .entries "it is no JSON object" &&
	odd .format "is no JSON object" &&
	odd ".format = 2" "its format is not 1" &&
	odd "del(.serial)" "is missing" && odd "del(.entries)" "is missing" &&
	odd ".entries[0].name = \"../x\"" "in its entry 1 (../x)" &&
	odd ".entries[0].file = \"../x.tar.zst\"" "in its entry 1 (web)" &&
	odd ".entries[0].file = \"http://x/y.tar.zst\"" "is no NAME.tar" &&
	odd ".entries[1].sha256 = \"abc\"" "in its entry 2 (vanilla)" &&
	odd ".entries[0].size = -1" "is no number of bytes" &&
	odd ".entries[0].size = 1e300" "is no number of bytes" &&
	odd ".entries[0].size = \"5\"" "is no number of bytes" &&
	odd "del(.entries[0].kind)" "entry 1 has no kind" &&
	odd ".entries[0].kernel = \"/x\"" "in its entry 1 (web)"'
ok 'what a later banger will publish is passed over' '
	jq ".entries += [{kind: \"snapshot\"}] | .more = 1 |
		.entries[0].more = 1" pub/catalog.json >cat/catalog.json &&
	bng-bundle sign -k signer cat/catalog.json &&
	bng-bundle find -k "$me" cat/catalog.json image web &&
	bng-bundle list -q -k "$me" image x cat/catalog.json'

# --- keys ------------------------------------------------------------------

ok 'a key that is not trusted opens nothing; one of several is enough' '
	me=$(cat other.text) refused "by a trusted key" "$bundle" &&
	me="$(cat other.text)  signer.pub" into "$bundle" &&
	printf "# keys\n%s my own\n" "$me" >keys && me="other.pub $T/keys" \
		into "$bundle"'
ok 'no key, half a key, a private one or another kind is no key' '
	says 111 "no key is trusted" bng-bundle verify -k " " \
		pub/catalog.json &&
	says 100 "is missing" bng-bundle verify pub/catalog.json &&
	k() { says 111 "$1" bng-bundle verify -k "$2" pub/catalog.json; } &&
	k "44 characters" "${me%???}" && k "44 characters" "$me=" &&
	k "No such file" nonesuch && k "no Ed25519 public key" signer &&
	openssl genpkey -algorithm x25519 -out x && openssl pkey -in x -pubout \
		-out x.pub && chmod 600 x && k "no Ed25519 public key" x.pub &&
	says 111 "no Ed25519 private key" bng-bundle sign -k x theirs &&
	cp signer.pub shut && chmod 600 shut &&
	says 111 "no Ed25519 private key" bng-bundle sign -k shut theirs'
ok 'a key is its owner'\''s alone, and is never written over' '
	[ "$(stat -c %a signer signer.pub)" = "600
644" ] && says 1 "it is there" bng-bundle key signer &&
	rm other && says 1 "it is there" bng-bundle key other &&
	chmod 640 ossl &&
	says 111 "not its owner" bng-bundle sign -k ossl theirs'
ok 'a file without a signature, or with half a one, is refused' '
	cp pub/catalog.json alone &&
	fails 111 bng-bundle verify -k "$me" alone &&
	head -c 63 pub/catalog.json.sig >alone.sig &&
	says 1 "refused '\''alone.sig'\''" bng-bundle verify -k "$me" alone &&
	: >alone.sig &&
	says 1 "refused '\''alone.sig'\''" bng-bundle verify -k "$me" alone'
ok 'nothing that another key has signed is signed along' '
	cp -r pub mine && bng-bundle key third &&
	says 1 "not signed with this" \
		bng-bundle add -k third "mine/${bundle##*/}" &&
	same mine/catalog.json pub/catalog.json'

# --- what comes from a URL ---------------------------------------------------

ok 'an older catalog of the same URL and key is not accepted again' '
	serial=7 offer "$bundle" && kept=$(bng-bundle accept -k "$me" kept \
		http://x cat/catalog.json) && same "$kept" cat/catalog.json &&
	bng-bundle verify -k "$me" "$kept" &&
	serial=6 offer "$bundle" && says 1 "older (serial 6)" \
		bng-bundle accept -k "$me" kept http://x cat/catalog.json &&
	[ "$(jq .serial "$kept")" = 7 ] &&
	bng-bundle accept -k "$me" kept http://y cat/catalog.json &&
	bng-bundle sign -k third cat/catalog.json &&
	bng-bundle accept -k "$(bng-bundle public third)" kept http://x \
		cat/catalog.json'
ok 'the list has each name once, and what a terminal obeys is not in it' '
	bng-bundle list -r web=made -r tree=made -k "$me" image http://x \
		pub/catalog.json >out.txt && [ "$(wc -l <out.txt)" = 3 ] &&
	grep -q "^web .*http://x .*" out.txt &&
	grep -q "^tree .*recipe" out.txt &&
	fails 1 grep -q "$(printf "\033")" out.txt &&
	bng-bundle list -q kernel && says 100 "neither" bng-bundle list x'

# --- broken off --------------------------------------------------------

killed() {
	rm -rf out pipe
	mkdir out
	mkfifo pipe
	bng-bundle open -k "$me" "$catalog" image web out <pipe &
	exec 8>pipe
	head -c 60000 "$bundle" >&8
	kill -9 $!
	exec 8>&-
	fails 137 wait $!
}
ok 'killed half-way it leaves nothing' 'killed && nothing'
need strace 'on a full disk it fails, says so and leaves nothing' '
	mkdir full && says 111 "No space left" strace -qq -o trace \
		--inject=pwrite64:error=ENOSPC:when=3+ bng-bundle open \
		-k "$me" pub/catalog.json image web full <"$bundle" &&
	[ -z "$(ls -A full)" ]'
need strace 'making one on a full disk leaves nothing' '
	mkdir full2 && says 111 "No space left" strace -qq -o trace \
		--inject=write:error=ENOSPC:when=2 bng-bundle make img full2 &&
	[ -z "$(ls -A full2)" ]'

# A libzstd that was taken over, and makes a file beside the directory.
spy() {
	cat >spy.c <<-!
	#include <fcntl.h>
	#include <stddef.h>
	size_t ZSTD_decompressStream(void *z, void *o, void *i) {
		return open("$T/spied", O_CREAT | O_WRONLY, 0600), -20;
	}
	!
	cc -shared -fPIC -w -o spy.so spy.c
}
need LANDLOCK2 'while it reads, it cannot make a file elsewhere' '
	export ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" &&
	spy && says 1 "refused the bundle" env LD_PRELOAD="$T/spy.so" \
		bng-bundle add -k signer "$bundle" && rm spied &&
	says 1 "data are damaged" env LD_PRELOAD="$T/spy.so" bng-bundle open \
		-k "$me" pub/catalog.json image web full <"$bundle" &&
	[ ! -e spied ]'

done_testing
