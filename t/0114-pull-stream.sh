#!/bin/sh
# what leaves bng-pull oci, and when; mirrors; what it shows; what it needs
. "$(dirname "$0")/lib.sh"
. "$TOP/t/registry.sh"

oci_new img
head -c 12000000 /dev/urandom >f && tar -cf one.tar f &&
	head -c 3000000 f | tac >g && tar -cf two.tar g &&
	truncate -s 150M zeros
made=$(oci_image img '{"Env":["A=b"]}' amd64 tar one.tar two.tar one.tar) &&
	echo "$made" | oci_tag img t || exit 1
large=$(oci_image img '{}' amd64 tar zeros) || exit 1
manifest=$(echo "$made" | hex)
json=img/blobs/sha256/$manifest
config=$(jq -r .config.digest "$json")
low=$(jq -r '.layers[0].digest' "$json")
top=$(jq -r '.layers[1].digest' "$json")
# The lowest layer is the topmost one again: it is sent once, as the topmost.
mkfifo ports
badregd img log >ports &
at_end "kill $! 2>/dev/null"
read -r port <ports
here=127.0.0.1:$port
export here config low top manifest
start() { rm -rf cache got err; : >log; }
pull() { timeout 300 bng-pull oci "$@"; }
bng-pull oci "$here/good/want:t" >want || exit 1

# Asked about below, when it has gone on for long enough.
mkfifo long && exec 5<>long
{
	BANGER_CACHE=$T/another setpriv --pdeathsig KILL bng-pull oci -j 1 \
		-t 20 -p "$here/stall/4000000:t" 2>&5 >x.long
	echo end >&5
} &
at_end "kill $! 2>/dev/null"

ok 'the archive holds each blob once, the topmost layer first' '
	tar -tf want >names && printf "%s\n" oci-layout index.json \
		"blobs/sha256/$manifest" "blobs/sha256/${config#*:}" \
		"blobs/sha256/${low#*:}" "blobs/sha256/${top#*:}" >wanted &&
	same names wanted && mkdir x && tar -C x -xf want &&
	(cd x/blobs/sha256 && set +f && for f in *; do
		echo "$f  $f"; done | sha256sum --quiet -c) &&
	[ "$(jq -r ".manifests[].digest" x/index.json)" = \
		"sha256:$manifest" ]'
ok 'on one connection what the archive needs first is asked for first' '
	start && pull -j 1 "$here/good/a:t" >got && same got want &&
	grep " blobs " log | cut -d" " -f4 | uniq >order &&
	printf "%s\n" "$config" "$low" "$top" >wanted &&
	same order wanted && grep -o "bytes=[0-9]*" log | tr -dc "0-9\n" >at &&
	[ "$(wc -l <at)" -ge 2 ] && sort -nc at'
ok 'on several, several pieces of one layer are asked for' '
	start && pull -j 4 "$here/good/b:t" >got && same got want &&
	[ "$(grep -c "$low 206 .* bytes=" log)" -ge 3 ]'
ok 'bytes leave while the rest is still to come' '
	start && mkfifo out && { bng-pull oci -j 1 "$here/stall/4000000:t" \
		>out & } && exec 7<out && head -c 3000000 <&7 >got &&
	cmp -n 3000000 got want && kill $! && { wait $! || :; } && exec 7<&-'
# ended N: lines of progress until so many layers are there.
ended() {
	_left=$1
	while [ "$_left" -gt 0 ] && read -r line; do
		case $line in *layer*' in '*) _left=$((_left - 1)) ;; esac
	done
	[ "$_left" = 0 ]
}
ok 'a reader that does not read holds no download up' '
	start && mkfifo slow said && { bng-pull oci -p "$here/good/c:t" \
		>slow 2>said & } && exec 7<slow && exec 6<said &&
	head -c 512 <&7 >got && ended 2 <&6 && cat <&7 >>got && wait $! &&
	same got want'
ok 'a reader that goes away ends it' '
	start &&
	{ pull "$here/good/d:t"; echo $? >status; } | head -c 99 >got &&
	[ "$(cat status)" = 141 ]'
ok 'wrong bytes end the archive before it is whole' '
	start && says 111 "layer 3 of 3 from '\''127.0.0.1:$port'\'' has the\
 digest sha256:" sh -c "bng-pull oci $here/flip/5000000:t >got" &&
	fails 2 tar -tf got && [ "$(wc -c <got)" -lt 12010000 ] &&
	[ ! -e "cache/blobs/sha256/${low#*:}" ]'
ok 'nothing is left open for a terminal, and a full disk is named' '
	start && fails 111 sh -c "bng-pull oci $here/good/e:t >/dev/full" &&
	start && says 111 "No space left" strace -f -qq -o tr \
		-e trace=pwrite64 -e inject=pwrite64:error=ENOSPC:when=5+ \
		bng-pull oci "$here/good/f:t" >got &&
	pull "$here/good/f:t" >got && same got want'
ok 'an image that is larger than allowed is refused before its blobs' '
	start && says 111 "it has more than 14 MiB" bng-pull oci -m 14M \
		"$here/good/g:t" && fails 1 grep -q " blobs " log'

registry plain && push img "$manifest" "$plain/none/404" t || exit 1
ok 'mirrors are asked in turn, and then the registry' '
	start && rm -f err && pull -M "$plain=http://127.0.0.1:1" \
		-M "$plain=http://$here" -M "other=http://127.0.0.1:2" \
		"$plain/none/404:t" >got 2>err && same got want && cat err &&
	grep -q "^bng-pull: mirror .http://127.0.0.1:1.: " err &&
	grep -q "^bng-pull: mirror .http://$here.: cannot get .*404" err &&
	fails 1 grep -q "127.0.0.1:2" err && [ "$(grep -c manifests log)" = 1 ]'
# Of a config nothing is sent before all of it is right, however it came.
long=$(printf %03000d 7) && head -c 1024 /dev/zero >empty.tar &&
	long=$(oci_image img "{\"Env\":[\"A=$long\"]}" amd64 tar empty.tar) &&
	long=$(echo "$long" | hex) && push img "$long" "$plain/flip/2500" ||
	exit 1
ok 'a mirror with wrong bytes of what is not yet sent is passed over' '
	start && pull "$plain/flip/2500@sha256:$long" >good &&
	start && rm -f err && pull -M "$plain=http://$here" \
		"$plain/flip/2500@sha256:$long" >got 2>err && cat err &&
	same got good && grep -q "^bng-pull: mirror .*: config has the \
digest sha256:.* instead of sha256:" err &&
	grep -q "^GET .* blobs .* 200" log && set +f &&
	[ ! -e "$(echo cache/blobs/sha256/*.part*)" ]'
# A static server is a registry, too: one whose digests are of SHA-512.
long() { sha512sum <"$1" | cut -d" " -f1; }
v2=$T/www/v2/x
mkdir -p "$v2/blobs" "$v2/manifests" && chmod -R a+rX "$T" &&
	echo '{"rootfs":{"diff_ids":[]}}' >c &&
	cp c "$v2/blobs/sha512:$(long c)" &&
	cp one.tar "$v2/blobs/sha512:$(long one.tar)" &&
	printf '{"schemaVersion":2,"config":{"digest":"sha512:%s","size":%d},
		"layers":[{"digest":"sha512:%s","size":%d}]}' "$(long c)" \
		"$(wc -c <c)" "$(long one.tar)" "$(wc -c <one.tar)" \
		>"$v2/manifests/t" &&
	cp "$v2/manifests/t" "$v2/manifests/sha512:$(long "$v2/manifests/t")" &&
	echo "server { listen 127.0.0.1:@PORT@; root $T/www; }" >conf &&
	web static conf || exit 1
ok 'SHA-512 is a digest, also where names in a tar are too short for it' '
	start && pull "$static/x@sha512:$(long "$v2/manifests/t")" >got &&
	mkdir y && tar -C y -xf got && same one.tar \
		"y/blobs/sha512/$(long one.tar)" && [ "$(jq -r \
		".manifests[].digest" y/index.json)" = \
		"sha512:$(long "$v2/manifests/t")" ] && start &&
	printf x >>"$v2/blobs/sha512:$(long c)" &&
	fails 111 pull "$static/x:t" >got'
ok 'a mirror is a URL' '
	says 100 "is not HOST=URL" bng-pull oci -M a.b a.b/c &&
	says 100 "is not HOST=URL" bng-pull oci -M =http://x a.b/c &&
	says 100 "is not HOST=URL" bng-pull oci -M a.b=ftp://x a.b/c &&
	says 100 "is not HOST=URL" bng-pull oci -M a.b=http://u@x a.b/c'
ok 'plain http is for this host, unless the person says otherwise' '
	start && export http_proxy=http://$here https_proxy=http://127.0.0.1:1 &&
	fails 111 pull registry.invalid/good/h:t >got 2>err && [ ! -s log ] &&
	pull -i registry.invalid/good/h:t >got && same got want'

ok 'where there is no terminal, a line when a blob begins and when it ends' '
	start && pull -p "$here/good/i:t" >got 2>err && cat err &&
	grep -qx "bng-pull: layer 3 of 3: 11 MiB" err &&
	grep -qEx "bng-pull: layer 3 of 3: 11 MiB in [0-9.]+ s" err &&
	grep -qEx "bng-pull: good/i: 2 layers, 14 MiB, 0 B of it from the\
 cache, in [0-9.]+ s" err && pull -p "$here/good/i:t" 2>err >got &&
	grep -qx "bng-pull: layer 3 of 3: 11 MiB, in the cache" err &&
	fails 1 grep -q "$(printf "\033")" err && start &&
	pull "$here/good/i:t" >got 2>err && [ ! -s err ]'
ok 'on a terminal it is drawn in place, no wider than that' '
	start && script -qec "stty cols 64 rows 20 &&
		bng-pull oci -p $here/good/j:t >got" tty </dev/null >log.tty &&
	same got want && grep -q "$(printf "\033")\[J" tty &&
	grep -q "/s" tty && sed "s/$(printf "\033")\[[0-9]*[A-Z]//g" tty |
		tr -d "\r" | grep -v "^Script" >plain &&
	[ "$(wc -L <plain)" -le 64 ]'

ok 'of one that takes long it says now and then how far and how fast it is' '
	while read -r line <&5 && [ "$line" != end ]; do
		case $line in *" left") echo "$line" | grep -Ex "bng-pull: \
3\.8 MiB of 14 MiB, [0-9.]+ [KM]iB/s, [0-9]+:[0-9]+ left" && exit ;; esac
	done && false'

cat >peak.py <<'END'
import resource, subprocess, sys
with open("/dev/null", "w") as null:
    status = subprocess.call(sys.argv[2:], stdout=null)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak, "KiB")
sys.exit(status or peak > int(sys.argv[1]))
END
most=32768
[ -z "${SAN:-}" ] || most=400000
export most
ok 'a large image needs no more than 32 MiB of memory' '
	start && large=$(jq -r .digest <<-END
		$large
		END
	) && python3 peak.py $most bng-pull oci -j 16 "$here/good/k@$large"'
done_testing
