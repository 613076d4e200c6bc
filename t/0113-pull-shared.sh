#!/bin/sh
# the cache of blobs: several pulls at once, interrupted ones, what prune may do
. "$(dirname "$0")/lib.sh"
. "$TOP/t/registry.sh"

oci_new img
head -c 12000000 /dev/urandom >f && tar -cf one.tar f &&
	head -c 3000000 f | tac >g && tar -cf two.tar g
made=$(oci_image img '{"Env":["A=b"]}' amd64 tar one.tar two.tar) &&
	echo "$made" | oci_tag img t || exit 1
manifest=$(echo "$made" | hex)
low=$(jq -r '.layers[0].digest' "img/blobs/sha256/$manifest")
low=${low#*:}
mkfifo ports
badregd img log >ports &
at_end "kill $! 2>/dev/null"
read -r port <ports
here=127.0.0.1:$port
blobs=cache/blobs/sha256
export here low blobs manifest
bng-pull oci "$here/good/want:t" >want || exit 1

start() { rm -rf cache got*; : >log; }
pull() { timeout 300 bng-pull oci "$@"; }
# Nothing but whole blobs is in the cache, and each is what it is called.
sound() (
	cd "$blobs" && set +f && for f in *; do echo "$f  $f"; done >../sums &&
	sha256sum --quiet -c ../sums && [ "$(wc -l <../sums)" = "${1:-4}" ]
)
# ranges REPOSITORY: of the large layer, what was asked for.
ranges() { awk -v r="$1" -v d="$low" '$2 == r && $4 ~ d { print $7 }' log; }
# holding REPOSITORY N: a pull in the background that was stopped when it had
# N - 1 mebibytes of the large layer, locks and all; strace tells of the stop.
holding() {
	rm -f told
	mkfifo told
	exec 6<>told
	strace -D -f -qq -o told -P "$T/$blobs/$low.part.journal" \
		-e trace=write -e inject=write:signal=STOP:when="$2" \
		bng-pull oci -j 1 "$here/$1:t" >/dev/null 2>&1 &
	holder=$!
	while read -r line <&6; do
		case $line in *'stopped by SIGSTOP'*) return ;; esac
	done
}
let_go() {
	kill -9 "$holder" && { wait "$holder" 2>/dev/null || :; }
}

ok 'two pulls at once get each piece once, and both are right' '
	start && { pull "$here/good/one:t" >got1 & } && one=$! &&
	pull "$here/good/two:t" >got2 && wait $one && same got1 want &&
	same got2 want && sound && [ "$(grep -c " blobs .* 20[06] " log)" \
	= "$(grep " blobs " log | cut -d" " -f4,7 | sort -u | wc -l)" ]'
ok 'what is in the cache is not asked for; with a digest nothing is' '
	start && pull "$here/good/a:t" >got && : >log &&
	pull "$here/good/a:t" >got && same got want &&
	[ "$(cut -d" " -f3 log)" = manifests ] && : >log &&
	pull "$here/good/a@sha256:$manifest" >got && [ ! -s log ] &&
	tail -c 1000000 got >a && tail -c 1000000 want >b && same a b'
ok 'who waits for another pull says so, and goes on where a killed one was' '
	start && mkfifo said && holding good/held 4 &&
	{ pull -j 2 "$here/good/b:t" >got 2>said & } && second=$! &&
	grep -q -m 1 "layer 1 of 2: waiting for another pull of it" said &&
	[ -z "$(ranges good/b)" ] && let_go && wait "$second" &&
	same got want && sound && ranges good/b >asked && [ -s asked ] &&
	fails 1 grep -E "bytes=([0-9]{1,6}|[12][0-9]{6})-|^-" asked'
rm -f said

# part: what is there after a pull that was killed with three mebibytes.
part() {
	start && holding good/part 4 && let_go && : >log &&
		grep -c "^[0-9]" "$blobs/$low.part.journal" >lines &&
		read -r had <lines && [ "$had" -ge 3 ] && [ "$had" -le 4 ]
}
ok 'an interrupted pull loses no more than what was in flight' '
	part && pull -j 1 "$here/good/c:t" >got && same got want && sound &&
	ranges good/c | head -n 1 | grep "^bytes=$((had * 1048576))-"'
# lost REPOSITORY: of what came (says strace), how much came then once more.
lost() {
	came=$(awk '/ = [0-9]+$/ { n += $NF } END { print n + 0 }' tr)
	again=$(awk -v r="$1" -v d="$wide" '$2 == r && $4 ~ d { n += $6 }
		END { print n + 0 }' log)
	lost=$((came + again - (40 << 20)))
	echo "$came came, then $again: $lost were lost"
}
# Ten ranges long.
truncate -s 40M zeros &&
	wide=$(oci_image img '{}' amd64 tar zeros) &&
	image=$(echo "$wide" | hex) && rm zeros &&
	wide=$(jq -r '.layers[0].digest' "img/blobs/sha256/$image") || exit 1
wide=${wide#*:}
# So narrow that all connections come forward together.
slowproxy -b 1000000 "$port" >ports &
at_end "kill $! 2>/dev/null"
read -r port <ports
far=127.0.0.1:$port
export wide image far
ok 'killed on eight connections it loses a mebibyte of all that came at most' '
	start && mkfifo out && { strace -D -f -q -s 0 -o tr \
		-P "$T/$blobs/$wide.part" -e trace=pwrite64 bng-pull oci \
		"$far/good/q@sha256:$image" >out & } && p=$! && exec 9<out &&
	head -c 1200000 <&9 >/dev/null && kill -9 $p &&
	{ wait $p || [ $? = 137 ]; } &&
	until grep -q "^$p .*killed by SIGKILL" tr; do :; done &&
	pull "$here/good/r@sha256:$image" >got && sound 3 &&
	lost good/r && [ "$came" -gt 1048576 ] && [ "$lost" -le 1048576 ]'
ok 'after another boot only what was synced is trusted' '
	part && sed -i "1s/[^ ]*$/another-boot/" "$blobs/$low.part.journal" &&
	pull -j 1 "$here/good/d:t" >got && same got want && sound &&
	ranges good/d | grep -qE "^(-|bytes=0-.*)$" && part &&
	sed -i "1s/[^ ]*$/another-boot/; \$a = 2" "$blobs/$low.part.journal" &&
	pull -j 1 "$here/good/e:t" >got && same got want && sound &&
	ranges good/e | head -n 1 | grep "^bytes=2097152-"'
ok 'a journal that is about another file, or is none, is not believed' '
	part && cp "$blobs/$low.part" x && rm "$blobs/$low.part" &&
	head -c 3145728 /dev/zero >"$blobs/$low.part" &&
	pull "$here/good/f:t" >got && same got want && sound &&
	part && echo "part 1" >"$blobs/$low.part.journal" &&
	pull "$here/good/g:t" >got && same got want && sound'
ok 'a part that is not what its journal says is told by the digest' '
	part && printf x | dd of="$blobs/$low.part" bs=1 seek=2000000 \
		conv=notrunc status=none &&
	fails 111 pull "$here/good/h:t" >got 2>err &&
	grep -q "instead of sha256:$low" err && [ ! -e "$blobs/$low" ] &&
	[ ! -e "$blobs/$low.part" ] && pull "$here/good/i:t" >got &&
	same got want && sound'
ok 'a blob that was damaged in the cache is found out, and removed' '
	start && pull "$here/good/j:t" >got && printf x | dd conv=notrunc \
		of="$blobs/$low" bs=1 seek=4000000 status=none &&
	fails 111 pull "$here/good/j:t" >got 2>err &&
	grep -q "is damaged, and was removed" err && [ ! -e "$blobs/$low" ] &&
	pull "$here/good/j:t" >got && same got want && sound'
ok 'killed when all of it was there, nothing is asked for again' '
	start && fails 137 sh -c "strace -f -qq -o tr -P $T/$blobs/$low.part \
		-e trace=fsync -e inject=fsync:signal=KILL bng-pull oci \
		$here/good/n:t >/dev/null; exit \$?" &&
	[ ! -e "$blobs/$low" ] &&
	pull "$here/good/o:t" >got && same got want && sound &&
	[ -z "$(ranges good/o)" ]'

sums() { sed -n "s/^$1	//p" pruned; }
ok 'prune removes all that no pull uses, and says how much' '
	start && pull "$here/good/k:t" >got && bng-pull prune -n >pruned &&
	[ "$(sums files)" = 4 ] && sound && bng-pull prune >pruned &&
	[ "$(sums files)" = 4 ] && [ "$(sums bytes)" -ge 15000000 ] &&
	grep -q "^sha256/$low	[0-9]" pruned && [ -z "$(ls $blobs)" ]'
ok 'it keeps what it is told to, and files that are not the cache'\''s' '
	start && pull "$here/good/l:t" >got && echo mine >$blobs/notes &&
	bng-pull prune -k "sha256:$low" >pruned && [ "$(sums files)" = 3 ] &&
	[ "$(ls $blobs | tr "\n" " ")" = "$low notes " ] &&
	says 100 "is not a digest" bng-pull prune -k "$low"'
ok 'what a pull is getting stays; when it was killed, its part goes' '
	start && holding good/p 3 && bng-pull prune >pruned &&
	[ -e "$blobs/$low.part" ] && [ -e "$blobs/$low.part.journal" ] &&
	let_go && bng-pull prune >pruned && [ -z "$(ls $blobs)" ]'
ok 'what a pull is still sending stays' '
	start && pull "$here/good/m:t" >got && mkfifo slow &&
	{ pull "$here/good/m:t" >slow & } && exec 7<slow &&
	head -c 512 <&7 >got && bng-pull prune >pruned &&
	[ -e "$blobs/$low" ] && cat <&7 >>got && exec 7<&- && wait $! &&
	same got want && bng-pull prune >pruned && [ -z "$(ls $blobs)" ]'
ok 'an empty cache, and none, have nothing to prune' '
	start && bng-pull prune >pruned && [ "$(sums files)" = 0 ] &&
	[ ! -e cache ]'
done_testing
