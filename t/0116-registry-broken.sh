#!/bin/sh
# bng-pull oci when the registry, the line, the disk or its own life fails:
# the image as it is or nothing, and what was there is gone on with.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/registry.sh"

# Two layers of 6 and 1.5 MB, so that there is more than one chunk.
grain=1048576 nl='
'
mkdir big small && head -c 6000000 /dev/urandom >big/f &&
	head -c 1500000 /dev/urandom >small/f &&
	tar -C big -cf big.tar . && tar -C small -cf small.tar . || exit 1
oci_new oci
made=$(oci_image oci '{}' amd64 tar big.tar small.tar) &&
	echo "$made" | oci_tag oci x || exit 1
size=$(find oci/blobs -type f -printf '%s\n' |
	awk '{ n += $1 } END { print n }')
mkfifo ports
badregd oci log >ports &
at_end "kill $! 2>/dev/null"
read -r port <ports
bad=localhost:$port
export bad size grain

start() { rm -rf cache x.tar; : >log; }
# quietly pull, with patience for half a minute: nothing may hang.
pull() { timeout 300 bng-pull oci "$@" >x.tar; }
# refuses TEXT REFERENCE: it fails, says why, and in a line or two; nothing
# that is not right is in the cache under a final name.
refuses() {
	_err=$(timeout 300 bng-pull oci "$2" 2>&1 >"x.${2##*/}")
	set -- "$1" "$2" $?
	echo "$_err"
	case $_err in *"$nl"*"$nl"*) return 1 ;; *$1*) ;; *) return 1 ;; esac
	[ "$3" = 111 ] && sound
}
# Every blob that is in the cache under its name is right.
sound() {
	[ -d cache/blobs/sha256 ] || return 0
	(cd cache/blobs/sha256 && find . -regextype posix-extended \
		-regex './[0-9a-f]{64}' -exec sha256sum {} + |
		sed 's/\.\///' | awk '$1 != $2 { print "wrong: " $2; bad = 1 }
		END { exit bad }')
}
# served REPOSITORY: how many bytes of blobs went out for it.
served() {
	awk -v r="$1" '$2 == r && $3 == "blobs" || $3 == "once" { n += $6 }
		END { print n + 0 }' log
}

ok 'a good registry: the image, and no byte of it twice' '
	start && pull "$bad/good/a:x" && cp x.tar want.tar && sound &&
	[ "$(served good/a)" -le "$size" ]'

for mode in norange/a wrongrange/a r416open/a r416closed/a r416all/a \
    nolength/a trailer/a hops/3 \
    once/a cut/700000 fail/2-500 fail/3-503 busy/2-0; do
	export mode
	ok "it is pulled all the same: $mode" '
		start && pull "$bad/$mode:x" && same want.tar x.tar && sound'
done

ok 'a registry that is busy is asked again when it says, or a little later' '
	start && pull "$bad/busy/1-1:x" && same want.tar x.tar &&
	start && pull "$bad/busy/1:x" && same want.tar x.tar'

ok 'one that stays busy or broken is given up' '
	start && { refuses "429" "$bad/busy/1000-0:x" & } &&
	refuses "500" "$bad/fail/1000-500:x" && wait $! &&
	refuses "404" "$bad/none/404:x" && refuses "403" "$bad/none/403:x"'

ok 'wrong bytes are refused, whichever they are, and not kept' '
	start && refuses sha256: "$bad/flip/0:x" && start &&
	refuses sha256: "$bad/flip/1400000:x" && start &&
	refuses sha256: "$bad/shifted/a:x"'

for mode in total/5 longer/100 shorter/100 empty/a loop/a \
    tofile/a bent/a liar/a page/a old/a huge/64 vast/a auth/endless auth/page \
    auth/empty auth/refuse auth/never auth/file auth/scheme; do
	export mode
	ok "it is refused in a sentence: $mode" '
		start && refuses : "$bad/$mode:x"'
done

# --- a cut line -------------------------------------------------------

registry plain && push oci "$(echo "$made" | hex)" "$plain/open/i" x || exit 1
slowproxy -c 700000 -o lines "${plain#*:}" >ports &
at_end "kill $! 2>/dev/null"
read -r port <ports
far=localhost:$port
export far
ok 'each connection is cut: gone on with at once, no byte comes twice' '
	start && pull "$far/open/i:x" && same want.tar x.tar && sound &&
	timeout 100 sh -c "until [ \$(wc -l <lines) -gt 10 ]; do :; done" &&
	awk "{ n += \$2 - (\$2 < 2000 ? \$2 : 2000) } END { exit n > $size }" \
		lines'

# The first connection of a pull, before and within the head of its answer.
ok 'an answer that is cut before it begins is asked for again' '
	for cut in 0 1 12 20 60 120; do
		slowproxy -n 1 -c "$cut" "${plain#*:}" >ports & line=$!
		read -r port <ports
		start && pull "localhost:$port/open/i:x" &&
			same want.tar x.tar || exit
		kill "$line"
	done'

# --- faults at every stage --------------------------------------------

# plan HOW N: what fault.so is to do at the N-th call (t/helper/fault.h).
kill=1 full=3
plan() { perl -e 'print pack "IIiia64", 0, @ARGV, 0, ""' "$2" "$1" >plan; }
calls() { perl -e 'read STDIN, $_, 4; print unpack "I"' <plan; }
# faulty REFERENCE: pull it with that fault. No file of ours is full: what it
# says is in $err, by way of pipes.
mkfifo out
faulty() {
	cat <out >x.tar &
	set -- "$1" $!
	err=$(timeout 300 env LD_PRELOAD="$BUILD/t/fault.so" FAULT="$T/plan" \
		bng-pull oci "$1" 2>&1 >out)
	set -- $? "$2"
	wait "$2"
	return "$1"
}
# stages N: so many of all calls, the first and the last ones among them.
stages() {
	start && plan 0 0 && faulty "$bad/good/stages:x" && all=$(calls) &&
		[ "$all" -gt 100 ] || return
	awk -v all="$all" -v n="$1" 'BEGIN {
		for (i = 0; i < n; i++)
			print 1 + int((all - 16) * i / n)
		for (i = all - 15; i < all; i += 3)
			print i
	}'
}
# held: how many bytes of blobs the cache has, whole or not.
held() {
	find cache/blobs -type f ! -name '*.journal' -printf '%b\n' \
		2>/dev/null | awk '{ n += $1 * 512 } END { print n + 0 }'
}
# goes_on REPOSITORY: the next pull is right, and gets no more than what is
# missing and a chunk; and what of a page is only half full.
goes_on() {
	_held=$(held)
	sound && pull "$bad/$1:x" && same want.tar x.tar && sound || return
	_lost=$(($(served "$1") - size + _held))
	echo "$1: $_held were there, $(served "$1") came, $_lost lost"
	[ "$_lost" -le $((grain + 65536)) ]
}
export kill full
# A sanitizer wants to be the first library, as fault.so does.
if [ -z "${SAN:-}" ]; then
stages 12 >places || exit 1

ok 'killed anywhere, a pull loses what was in flight and no more' '
	n=0 && killed=0 && while read -r at; do
		start && plan $kill "$at" && n=$((n + 1)) || exit
		faulty "$bad/good/k$n:x"
		case $? in
		0) same want.tar x.tar || exit ;;
		137) killed=$((killed + 1)) ;;
		*) echo "$err"; exit 1 ;;
		esac
		goes_on "good/l$n" || exit
	done <places && [ "$killed" -ge 12 ]'

ok 'with a disk that is full from anywhere on, it says so, and goes on later' '
	n=0 && said=0 && while read -r at; do
		start && plan $full "$at" && n=$((n + 1)) || exit
		faulty "$bad/good/e$n:x"
		case $? in
		0) same want.tar x.tar || exit ;;
		111) said=$((said + 1)) && case $err in
			*"$nl"*"$nl"*) echo "$err"; exit 1 ;;
			*"No space left on device"* | *"Input/output error"*) ;;
			*) echo "$err"; exit 1 ;;
			esac ;;
		*) echo "$err"; exit 1 ;;
		esac
		goes_on "good/f$n" || exit
	done <places && [ "$said" -gt 8 ]'
fi

# The same with a real one, and the disk that is to be made on it.
# on_small SIZE COMMAND...: with $T/small so large, in a namespace of its own.
cat >on-small <<'END'
mkdir -p small && mount -t tmpfs -o "size=$1" none small || exit
shift
eval "$*"
END
on_small() { unshare -m --propagation private sh "$T/on-small" "$@"; }
larger='mount -o remount,size=64M none small'
export larger
need ROOT 'a full file system is named, in the cache and where the disk goes' '
	start && on_small 6M "
		export BANGER_CACHE=\$PWD/small/cache
		timeout 300 bng-pull oci $bad/good/t1:x >x.tar 2>err
		[ \$? = 111 ] && grep \"No space left on device\" err &&
		[ \$(find small -type f | wc -l) -ge 1 ] && $larger &&
		timeout 300 bng-pull oci $bad/good/t2:x >x.tar" &&
	same want.tar x.tar &&
	[ "$(served good/t2)" -lt $((size - 2 * grain)) ] &&
	on_small 3M "
		timeout 300 bng-disk layers small/i.ext4 - <want.tar 2>err
		[ \$? = 111 ] && grep \"No space left on device\" err &&
		[ -z \"\$(find small -type f)\" ] && $larger &&
		timeout 300 bng-disk layers small/i.ext4 - <want.tar &&
		e2fsck -fn small/i.ext4"'

ok 'a stream that breaks off, wherever, makes no disk' '
	all=$(wc -c <want.tar) && rm -rf made && mkdir made && for n in 0 1 \
	    511 600 1500 3000 5000 100000 1700000 4000000 $((all - 10240)); do
		head -c "$n" want.tar >short || exit
		fails 111 timeout 300 bng-disk layers made/i.ext4 - <short &&
		[ -z "$(find made -type f)" ] || exit
	done'

ok 'stdout that takes no more is an error' '
	start && fails 111 bng-pull oci "$bad/good/z:x" >/dev/full'

ok 'two pulls at once share what comes' '
	start && { pull "$bad/good/both:x" & } &&
	timeout 300 bng-pull oci "$bad/good/both:x" >y.tar && wait $! &&
	same want.tar x.tar && same want.tar y.tar &&
	[ "$(served good/both)" -le "$size" ]'

done_testing
