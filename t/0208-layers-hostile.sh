#!/bin/sh
# bng-disk layers and bad images: a sentence that names layer and member,
# nothing left behind, and an end in time.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

# refused TEXT SOURCE...: it says so (111) within a minute and leaves nothing.
refused() {
	_text=$1
	shift
	mkdir -p out && says 111 "$_text" timeout 300 bng-disk layers -s 64M \
		$opt out/i "$@" && [ -z "$(ls -A out)" ]
}
opt=
# blob FILE: into the layout, its digest and size are in $sum and $size.
blob() {
	sum=$(sha256sum <"$1") && sum=${sum%% *} && size=$(stat -c %s "$1") &&
	mkdir -p oci/blobs/sha256 && cp "$1" "oci/blobs/sha256/$sum"
}
desc() {
	printf '{"mediaType":"%s","digest":"sha256:%s","size":%d%s}' "$1" \
		"${3:-$sum}" "${4:-$size}" "${2:-}"
}
o=application/vnd.oci.image
# image FILE...: a layout with these layers, lowest first. $type is theirs.
type=$o.layer.v1.tar+gzip config='{"os":"linux","architecture":"amd64"}'
image() {
	rm -rf oci && mkdir -p oci && layers= && for l; do
		blob "$l" && layers=$layers${layers:+,}$(desc "$type") ||
		return
	done && printf '%s' "$config" >c && blob c && printf \
		'{"schemaVersion":2,"config":%s,"layers":[%s]}' \
		"$(desc $o.config.v1+json)" "$layers" >m && blob m &&
	index "$(desc $o.manifest.v1+json "${platform:-}")"
}
on() {
	printf ',"platform":{"os":"linux","architecture":"%s"}' "$1"
}
tagged() {
	printf ',"annotations":{"org.opencontainers.image.ref.name":"%s"}' "$1"
}
index() { printf '{"schemaVersion":2,"manifests":[%s]}' "$1" >oci/index.json; }
add() { tar -P --transform "s,.*,$2,S" -rf "$1" "$3"; }
# flip FILE OFFSET: damage one byte.
flip() { printf '\377' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }

echo one >one && mkdir -p d/e && head -c 300000 /dev/urandom >d/e/noise &&
	echo two >d/f && tar -cf low.tar d one && gzip -k low.tar &&
	add up.tar top one && gzip -k up.tar

ok 'a good image is taken' '
	image low.tar.gz up.tar.gz && bng-disk layers -s 64M i.ext4 oci:oci'
ok 'a flipped byte anywhere in a blob is refused, by layer' '
	for at in 5 20 100000 $(($(stat -c %s low.tar.gz) - 3)); do
		image low.tar.gz up.tar.gz && l=$(sha256sum <low.tar.gz) &&
		flip oci/blobs/sha256/${l%% *} $at &&
		refused "of layer 1 (sha256:" oci:oci || exit
	done'
ok 'so is one in a manifest or config' '
	image low.tar.gz && flip oci/blobs/sha256/$sum 3 &&
	refused "manifest: its digest is" oci:oci && image low.tar.gz &&
	c=$(sha256sum <c) && flip oci/blobs/sha256/${c%% *} 1 &&
	refused "config: its digest is" oci:oci'
ok 'a digest is checked even when the layer uncompresses well' '
	gzip -1 -c low.tar >other.gz && image low.tar.gz &&
	l=$(sha256sum <low.tar.gz) &&
	cp other.gz oci/blobs/sha256/${l%% *} && refused "of layer 1" oci:oci &&
	cp low.tar oci/blobs/sha256/${l%% *} && refused "of layer 1" oci:oci'
ok 'a blob that is cut short or missing is refused' '
	for n in 0 1 10 1000 200000; do
		image low.tar.gz && l=$(sha256sum <low.tar.gz) && l=${l%% *} &&
		truncate -s $n oci/blobs/sha256/$l &&
		refused "of layer 1 (sha256:" oci:oci || exit
	done && rm oci/blobs/sha256/$l && refused "cannot open" oci:oci'
ok 'compressed data that ends early is refused, whatever its digest' '
	for z in gzip zstd xz; do
		$z -c low.tar >z && head -c 100000 z >cut && image cut &&
		refused "of layer 1" oci:oci || exit
	done'
ok 'so is a tar that ends inside a member, by that name' '
	head -c 200000 low.tar >cut && gzip -c cut >cut.gz && image cut.gz &&
	refused "cannot import '\''d/e/noise'\'' of layer 1" oci:oci'
ok 'something behind gzip data is refused, zeros are not' '
	{ cat low.tar.gz; echo garbage; } >z && image z &&
	refused "something else behind its gzip data" oci:oci &&
	{ cat low.tar.gz; head -c 5000 /dev/zero; } >z && image z &&
	bng-disk layers -s 64M i.ext4 oci:oci'
ok 'gzip of several members is one stream, wherever they begin' '
	for n in 1 511 70000 300000; do
		{ head -c $n low.tar | gzip
			tail -c +$((n + 1)) low.tar | gzip; } >z && image z &&
		bng-disk layers -s 64M i.ext4 oci:oci &&
		bng-disk get i.ext4 d/e/noise | cmp - d/e/noise || exit
	done'
ok 'a bomb ends at the limit, which can be raised' '
	truncate -s 200M zeros && tar -cf - zeros | gzip -1 >bomb.gz &&
	image bomb.gz && opt="-m 100M" && refused "more than 100 MiB" oci:oci &&
	bng-disk layers -s 64M -m 300M i.ext4 oci:oci &&
	bng-disk list -l i.ext4 zeros | grep -q 209715200'
ok 'bad member names are refused, by layer and name' '
	for n in /etc/passwd ../x a/../../x; do
		rm -f bad.tar && add bad.tar $n one && gzip -f bad.tar &&
		image low.tar.gz bad.tar.gz &&
		refused "cannot import '\''$n'\'' of layer 2" oci:oci || exit
	done'
ok 'a whiteout of nothing, or of the directory itself, is refused' '
	for n in .wh. d/.wh. d/.wh...; do
		rm -f bad.tar && add bad.tar $n one && image bad.tar &&
		refused "whiteout of nothing" oci:oci || exit
	done'
ok 'layers that are not in the image are refused' '
	for type in application/vnd.docker.image.rootfs.foreign.diff.tar.gzip \
	    $o.layer.nondistributable.v1.tar+gzip; do
		image low.tar.gz && refused "may not be distributed" oci:oci ||
		exit
	done'
ok 'what is no image, or for another machine, is refused' '
	type=application/vnd.cncf.helm.chart && image low.tar.gz &&
	refused "no layer" oci:oci && type=$o.layer.v1.tar+gzip &&
	config="{\"os\":\"linux\",\"architecture\":\"arm64\"}" &&
	image low.tar.gz && refused "it is for linux/arm64" oci:oci &&
	platform=$(on arm64) &&
	image low.tar.gz && refused "none for linux/amd64" oci:oci &&
	echo "{}" >oci/index.json && refused "none for linux/amd64" oci:oci &&
	echo "{" >oci/index.json && refused "not JSON" oci:oci'
ok 'an index in an index is followed, but not for ever' '
	image low.tar.gz && one=$(desc $o.manifest.v1+json \
		"$(on amd64)") &&
	two=$(desc $o.manifest.v1+json \
		"$(on arm64)" \
		$(printf %064d 0)) &&
	printf "{\"schemaVersion\":2,\"manifests\":[%s,%s]}" "$two" "$one" >x &&
	blob x && index "$(desc $o.index.v1+json)" &&
	bng-disk layers -s 64M i.ext4 oci:oci >said && m=$(sha256sum <m) &&
	grep -qx "digest	sha256:${m%% *}" said && for i in 1 2 3 4 5; do
		printf "{\"schemaVersion\":2,\"manifests\":[%s]}" \
			"$(desc $o.index.v1+json)" >x && blob x || exit
	done && index "$(desc $o.index.v1+json)" &&
	refused "nested too deep" oci:oci'
ok 'of several images one is named by its tag' '
	image low.tar.gz && a=$(desc $o.manifest.v1+json \
		"$(tagged a)") &&
	image up.tar.gz && cp -r oci both && image low.tar.gz &&
	b=$(desc $o.manifest.v1+json \
		"$(tagged b)") &&
	cp -r both/blobs oci && index "$a,$b" &&
	bng-disk layers -s 64M i.ext4 oci:oci:a &&
	refused "nothing is tagged '\''c'\''" oci:oci:c'
ok 'a stream in another order says what to do' '
	image low.tar.gz && tar -C oci -cf s.tar blobs index.json &&
	refused "oci-archive:FILE" - <s.tar &&
	bng-disk layers -s 64M i.ext4 oci-archive:s.tar &&
	head -c 3000 s.tar >cut.tar && refused "it is cut short" \
		oci-archive:cut.tar && refused "damaged" - <cut.tar'
ok 'a config that tells of other layers is refused' '
	config="{\"rootfs\":{\"diff_ids\":[]}}" && image low.tar.gz &&
	refused "its config tells of 0 layers" oci:oci'
ok 'a layer that a docker archive'\''s config does not know is refused' '
	d=$(sha256sum <up.tar) &&
	printf "{\"rootfs\":{\"diff_ids\":[\"sha256:%s\"]}}" ${d%% *} >x &&
	c=$(sha256sum <x) && c=${c%% *} &&
	mv x $c.json && printf "[{\"Config\":\"%s\",\"Layers\":[\"%s\"]}]" \
		$c.json low.tar >manifest.json &&
	tar -cf d.tar manifest.json $c.json low.tar &&
	refused "of layer 1 (sha256:" docker-archive:d.tar'
ok 'wrong usage is told from failure' '
	says 100 "no source" bng-disk layers out/i docker://x &&
	says 100 "needs an image" bng-disk layers out/i &&
	says 100 "may be several" bng-disk layers out/i oci:oci oci:oci &&
	says 100 "have no config" bng-disk layers -c c out/i tar:low.tar &&
	says 111 "cannot open" bng-disk layers out/i oci:none &&
	says 111 "cannot open" bng-disk layers out/i tar:none &&
	[ -z "$(ls -A out)" ]'
need LANDLOCK1 'it opens no file but those that it was told to read' '
	image low.tar.gz && strace -f -qq -o trace \
		-e trace=landlock_restrict_self,openat \
		bng-disk layers -s 64M i.ext4 oci:oci &&
	sed "1,/landlock_restrict_self/d" trace | grep openat >after &&
	{ ! grep -v "blobs/sha256" after; }'
ok 'a layer of nothing is one, and does not hold up the others' '
	: >empty && gzip -k empty && image low.tar.gz empty.gz up.tar.gz &&
	timeout 300 bng-disk layers -s 64M i.ext4 oci:oci >said &&
	grep -qx "layers.3" said && bng-disk list i.ext4 / | grep -q top'
ok 'a tarball of nothing is cut short, wherever it comes' '
	refused "it is cut short" tar:empty && refused "it is cut short" \
		tar:low.tar empty && refused "it is cut short" tar:empty.gz'
# Of a whole archive it would say by itself that there is no image in it.
ok 'killed at any time it leaves nothing' '
	mkfifo p && { timeout 300 bng-disk layers -s 64M out/i - <p & } &&
	exec 8>p && tar -C oci -cf - index.json | head -c 1024 >&8 &&
	kill $! && exec 8>&- && { wait $!; [ -z "$(ls -A out)" ]; }'

done_testing
