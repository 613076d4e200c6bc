#!/bin/sh
# bng-pull oci and bng-disk layers with real registries; and a second opinion:
# what skopeo and umoci make of the same image.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/registry.sh"

# Layers that hide, replace and link what is below them. Files get their times
# by hand: umoci sees them to the nanosecond.
lowest() (
	mkdir -p a/dir a/opaque/deep a/gone a/changes a/keep a/bin && cd a &&
	echo low >dir/low && echo hidden >opaque/hidden &&
	echo deep >opaque/deep/f && echo gone >gone/f && echo w >whited &&
	echo was a file >becomes-dir && echo inside >changes/f &&
	echo old >replaced && head -c 5000000 /dev/urandom >keep/random &&
	head -c 2000000 /dev/zero >keep/zeros && ln keep/random keep/hard &&
	ln -s /etc/passwd keep/absolute && ln -s low dir/sym &&
	cp /bin/true bin/suid && chmod 4755 bin/suid && chmod 1777 keep &&
	setfattr -n user.low -v one keep/random && mkfifo keep/pipe &&
	chown 123:456 keep/zeros && mknod keep/null c 1 3 &&
	setcap cap_net_raw+ep bin/suid && : >"keep/odd name	é" &&
	i=0 && while [ $((i += 1)) -le 300 ]; do echo $i >"dir/f$i"; done
)
middle() (
	mkdir -p b/opaque b/becomes-dir b/dir b/keep && cd b &&
	: >.wh.whited && : >.wh.gone && : >opaque/.wh..wh..opq &&
	echo new >opaque/new && echo now inside >becomes-dir/f &&
	: >.wh.changes && echo new >replaced && chmod 600 replaced &&
	: >dir/.wh.f7 && cp -a ../a/keep/random keep/random &&
	ln keep/random keep/zlink && chmod 1755 keep &&
	setfattr -n trusted.overlay.odd -v x dir
)
highest() (
	mkdir -p c/opaque/deep c/keep && cd c && echo again >whited &&
	ln -s opaque changes && echo back >opaque/deep/g &&
	setfattr -n user.dir -v two keep && chown 5:6 opaque/deep
)
pack() { tar -C "$1" --format=pax --numeric-owner --xattrs \
	--xattrs-include='*' --sort=name -cf "$1.tar" .; }

# The link to the file below is all that is left of the two.
layers() {
	lowest && middle && highest &&
	find a b c -depth -exec touch -h \
		-d '2020-02-02 02:02:02.123456789 UTC' {} + &&
	pack a && pack b && pack c && tar --delete -f b.tar ./keep/random
}
[ "$(id -u)" = 0 ] || need ROOT 'layers with owners and devices are made' ||
	done_testing
layers || exit 1

# The image, for two architectures, below one index and below two.
images() {
	oci_new oci &&
	mine=$(oci_image oci '{"Env":["A=b"],"Cmd":["/bin/true"]}' amd64 gzip \
		a.tar b.tar c.tar) &&
	other=$(oci_image oci '{}' arm64 gzip a.tar) &&
	zipped=$(oci_image oci '{"Env":["A=b"]}' amd64 zstd \
		a.tar b.tar c.tar) &&
	plain=$(oci_image oci '{"Env":["A=b"]}' amd64 tar a.tar b.tar c.tar) &&
	index=$({ echo "$other" | platform arm64
		echo "$mine" | platform amd64; } | oci_index oci) &&
	nested=$({ echo "$other" | platform arm64
		echo "$index"; } | oci_index oci) &&
	foreign=$(echo "$other" | platform arm64 | oci_index oci) &&
	echo "$mine" | oci_tag oci mine
}
images || exit 1
hex=$(echo "$mine" | hex)
for name in mine other zipped plain index nested foreign; do
	eval "echo \"\$$name\"" | hex >"$name.hex"
done

registry open || exit 1
for name in mine zipped plain index nested foreign; do
	push oci "$(cat $name.hex)" "$open/open/image" $name || exit 1
done
push oci "$hex" "$open/closed/image" mine || exit 1
export open hex

# start: nothing is cached, nobody is logged in.
start() { rm -rf cache home/.docker x.tar x && mkdir -p home/.docker; }
# pull REFERENCE: the archive is x.tar, and unpacked in x.
pull() {
	rm -rf x && mkdir x && bng-pull oci "$@" >x.tar && tar -C x -xf x.tar
}
# It is an archive of the image: the manifest's digest, all of its blobs, each
# of them as it should be, and nothing else.
is_image() {
	jq -r ".manifests[].digest" x/index.json >got &&
	echo "sha256:$1" >want && same want got &&
	jq -r "(.config, .layers[]).digest" "oci/blobs/sha256/$1" |
		sed "s/sha256://" >want && echo "$1" >>want &&
	sort -u want -o want && (cd x/blobs/sha256 && set +f && sha256sum -- * |
		awk "\$1 != \$2 { print \"wrong: \" \$2; next }
			{ print \$1 }") >got && same want got
}

# login AUTHS-JSON: what docker login writes.
login() { mkdir -p home/.docker && printf '%s' "$1" >home/.docker/config.json; }
basic() { printf '%s' "$1" | base64 -w 0; }

ok 'an image is pulled; the archive is in the order that lets it be streamed' '
	start && pull "$open/open/image:mine" && is_image "$hex" &&
	{ echo oci-layout && echo index.json && echo "blobs/sha256/$hex" &&
	jq -r "(.config, (.layers | reverse[])).digest" \
		"oci/blobs/sha256/$hex" | sed "s|:|/|; s|^|blobs/|"; } >want &&
	tar -tf x.tar | grep -v "/$" >got && same want got'

ok 'it has the blobs that skopeo makes of it, and skopeo reads it' '
	skopeo --insecure-policy copy -q --src-tls-verify=false \
		"docker://$open/open/image:mine" oci-archive:theirs.tar &&
	mkdir theirs && tar -C theirs -xf theirs.tar &&
	diff -r theirs/blobs x/blobs &&
	skopeo --insecure-policy inspect oci-archive:x.tar |
		jq -e ".Digest == \"sha256:$hex\" and (.Env[0] == \"A=b\")"'

# It writes down what it was asked a moment after it has answered: by another
# name nothing was asked before.
ok 'what is cached is not asked for again' '
	push oci "$hex" "$open/open/again" mine &&
	pull "$open/open/again:mine" && is_image "$hex" &&
	asked open >was && fails 1 grep "^GET /v2/open/again/blobs/" was'

ok 'a digest counts, with a tag and without; a wrong one is not found' '
	start && pull "$open/open/image@sha256:$hex" && is_image "$hex" &&
	pull "$open/open/image:no-such@sha256:$hex" && is_image "$hex" &&
	fails 111 bng-pull oci "$open/open/image@sha256:$(printf %064d 7)" &&
	fails 111 bng-pull oci "$open/open/image:no-such" >x.tar &&
	[ ! -s x.tar ] &&
	says 111 "open/image:no-such" bng-pull oci "$open/open/image:no-such"'

ok 'of an index, and of one in another, the image for this machine is taken' '
	start && pull "$open/open/image:index" && is_image "$hex" &&
	pull "$open/open/image:nested" && is_image "$hex" &&
	pull "$open/open/image@sha256:$(cat nested.hex)" && is_image "$hex"'

ok 'an index without one for this machine is refused, and says so' '
	start && says 111 amd64 bng-pull oci "$open/open/image:foreign"'

ok 'the old format of manifests is known, too' '
	skopeo --insecure-policy copy -q --src-tls-verify=false \
		--dest-tls-verify=false --format v2s2 oci:oci:mine \
		"docker://$open/open/old:x" && start &&
	pull "$open/open/old:x" && skopeo --insecure-policy inspect \
		oci-archive:x.tar | jq -e ".Env[0] == \"A=b\""'

# --- TLS --------------------------------------------------------------

registry secure tls || exit 1
export secure
ok 'https with an authority of our own; without it, a refusal that names it' '
	start && pull -c ca/ca.crt "$secure/open/image:mine" &&
	is_image "$hex" && start &&
	says 111 certificate bng-pull oci "$secure/open/image:mine" &&
	[ -z "$(find cache -path "*blobs*" -type f)" ]'

# --- passwords --------------------------------------------------------

registry locked htpasswd redirect || exit 1
export locked target
right=$(basic "$account:$password") wrong=$(basic "$account:wrong")
export right wrong

ok 'a password is asked for: the right one opens' '
	start && login "{\"auths\":{\"$locked\":{\"auth\":\"$right\"}}}" &&
	pull "$locked/open/image:mine" && is_image "$hex"'
ok 'the wrong one does not, and none does not; both are said' '
	start && login "{\"auths\":{\"$locked\":{\"auth\":\"$wrong\"}}}" &&
	fails 111 bng-pull oci "$locked/open/image:mine" >x.tar 2>err &&
	grep -q "$locked" err && [ "$(wc -l <err)" -le 2 ] && start &&
	fails 111 bng-pull oci "$locked/open/image:mine" >x.tar 2>err2 &&
	[ "$(wc -l <err2)" -le 2 ] && [ ! -s x.tar ] && cat err err2 &&
	fails 1 grep -q -e wrong -e "$wrong" err err2'
ok 'a password for another registry is shown to none but that' '
	start && login "{\"auths\":{\"$open\":{\"auth\":\"$right\"}}}" &&
	fails 111 bng-pull oci "$locked/open/image:mine" >x.tar'
ok 'a program that keeps passwords is asked, for one registry or for all' '
	mkdir -p bin && printf "%s\n" "#!/bin/sh" "read -r host" \
		"echo \"\$1 \$host\" >>$T/kept" \
		"echo \"{\\\"Username\\\":\\\"$account\\\",\
\\\"Secret\\\":\\\"$password\\\"}\"" >bin/docker-credential-safe &&
	chmod +x bin/docker-credential-safe && PATH=$T/bin:$PATH && start &&
	login "{\"credHelpers\":{\"$locked\":\"safe\"}}" &&
	pull "$locked/open/image:mine" && is_image "$hex" && start &&
	login "{\"credsStore\":\"safe\"}" &&
	pull "$locked/open/image:mine" && is_image "$hex" &&
	sort -u kept >got && echo "get $locked" >want && same want got'

ok 'blobs came from where redirects led: a URL once, without the password' '
	awk "{ print \$3, \$5 }" target.access | sort -u >got &&
	printf "%s\n" "200 -" "206 -" "307 -" >want &&
	comm -13 want got >more && [ ! -s more ] && grep -q "^20" got &&
	grep -q "^307 -" got && [ "$(grep -c once= target.access)" -gt 3 ]'

# --- tokens -----------------------------------------------------------

registry bearer token /token || exit 1
registry access token /access || exit 1
registry both token /both redirect || exit 1
export bearer access both
ok 'a token server gives anybody a token for what is open' '
	start && : >tokens.access && pull "$bearer/open/image:mine" &&
	is_image "$hex" && grep -q "scope=repository%3Aopen%2Fimage%3Apull\
\|scope=repository:open/image:pull" tokens.access &&
	fails 1 grep -v " nobody 200$" tokens.access'
ok 'and for the rest to who may; nobody, and a wrong password, get nothing' '
	start && fails 111 bng-pull oci "$bearer/closed/image:mine" >x.tar &&
	login "{\"auths\":{\"$bearer\":{\"auth\":\"$wrong\"}}}" &&
	fails 111 bng-pull oci "$bearer/closed/image:mine" >x.tar &&
	[ ! -s x.tar ] && : >tokens.access &&
	login "{\"auths\":{\"$bearer\":{\"auth\":\"$right\"}}}" &&
	pull "$bearer/closed/image:mine" && is_image "$hex" &&
	grep -q " basic 200$" tokens.access'
ok 'tokens that are called access_token are tokens' '
	start && pull "$access/open/image:mine" && is_image "$hex" &&
	start && pull "$both/open/image:mine" && is_image "$hex"'
ok 'an identity token is changed for a token' '
	start && : >tokens.access && login "{\"auths\":{\"$bearer\":
		{\"identitytoken\":\"$(printf %s "$password" | rev)\"}}}" &&
	pull "$bearer/closed/image:mine" && is_image "$hex" &&
	grep -q "^POST .* identity 200$" tokens.access'
ok 'tokens do not go where redirects lead' '
	fails 1 grep -v " -$" target.access'

# --- a second opinion -------------------------------------------------

# Everything the kernel sees of a tree; the sizes of directories are ext4's.
seen() (
	cd "$1" || exit
	find . -path ./lost+found -prune -o -print0 | sort -z >"$T/names"
	xargs -0 stat -c '%N|%f|%u|%g|%t,%T|%y' <"$T/names"
	find . -path ./lost+found -prune -o ! -type d -printf '%p %n %s\n' |
		sort
	find . -type f -printf '%i %p\n' | sort -k 2 |
		awk '!($1 in first) { first[$1] = $2 }
			{ print $2, "is", first[$1] }'
	find . -type f -print0 | sort -z | xargs -0 sha256sum
	xargs -0 getfattr -h -d -m - -e hex <"$T/names" 2>&1
)
# mounted IMAGE: the same of what the kernel finds in an image.
mounted() (
	mkdir -p mnt && e2fsck -fn "$1" >&2 && mount -o loop,ro "$1" mnt ||
		exit
	seen mnt
	status=$?
	umount mnt
	exit $status
)
# disk TAG IMAGE [OPTION ...]: pulled and made, both without a complaint.
disk() {
	_tag=$1 _image=$2
	shift 2
	{ bng-pull oci "$open/open/image:$_tag"; echo $? >status; } |
		bng-disk layers -s 64M "$@" "$_image" - &&
		[ "$(cat status)" = 0 ]
}
at_end 'umount -q "$T/mnt" 2>/dev/null'

if need LOOP 'loop devices can be mounted' :; then
	ok 'the tree is the one that umoci unpacks, to the last xattr' '
		umoci unpack --image oci:mine bundle && seen bundle/rootfs \
			>want && start &&
		disk mine one.ext4 -c config && mounted one.ext4 >got &&
		same want got &&
		same config "oci/blobs/sha256/$(jq -r \
		".config.digest | ltrimstr(\"sha256:\")" \
		"oci/blobs/sha256/$hex")"'
	ok 'the same of zstd, and of layers that are not compressed' '
		for kind in zipped plain; do
			disk $kind $kind.ext4 && mounted $kind.ext4 >got &&
				same want got || exit
		done'
	ok 'and of what skopeo and umoci can store' '
		bng-disk layers -s 64M layout.ext4 oci:oci:mine &&
		bng-disk layers -s 64M archive.ext4 oci-archive:theirs.tar &&
		skopeo --insecure-policy copy -q oci:oci:mine \
			docker-archive:docker.tar:image:mine &&
		bng-disk layers -s 64M docker.ext4 docker-archive:docker.tar &&
		bng-disk layers -s 64M tars.ext4 tar:a.tar b.tar c.tar &&
		for image in layout archive docker tars; do
			mounted $image.ext4 >got && same want got || exit
		done && same layout.ext4 one.ext4 && same archive.ext4 one.ext4'
fi
done_testing
