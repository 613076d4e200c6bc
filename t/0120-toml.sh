#!/bin/sh
# The TOML reader: the cases of the TOML project itself, our bounds, a fuzzer.
. "$(dirname "$0")/lib.sh"

suite_version=1.6.0
suite_digest=457ec12a2fc2a2eae13deeed1271eda9a95f2ecc157e54b6934567bc8a875286

# The module toml-test, through the module proxy of this environment, as the
# Go command would get it; kept in build/cache. Why not, in $why.
suite() {
	zip=$TOP/build/cache/toml-test-$suite_version.zip
	if [ ! -f "$zip" ]; then
		proxy=${GOPROXY:-$(go env GOPROXY 2>/dev/null)}
		proxy=${proxy%%[,|]*}
		why='needs a proxy of Go modules: GOPROXY, or go'
		case $proxy in
		http*) ;;
		*) return 1 ;;
		esac
		proxy=${proxy%/}/github.com/toml-lang/toml-test/@v
		mkdir -p "$TOP/build/cache"
		bng-pull fetch -t 20 -m 2M -s "$suite_digest" -o "$zip" \
			"$proxy/v$suite_version.zip" >"$T/fetch" 2>&1
		case $? in
		0) ;;
		1) why= ;;
		*) why="needs the network: $(tail -n 1 "$T/fetch")"
			return 1 ;;
		esac
	fi
	python3 -m zipfile -e "$zip" "$T/suite"
	cases=$T/suite/github.com/toml-lang/toml-test@v$suite_version/tests
}

claim='all cases of toml-test for TOML 1.0 are read, or refused, as they say'
if suite || [ -z "$why" ]; then
	ok "$claim" '
		tomlsuite "$cases" <"$cases/files-toml-1.0.0" &&
		tomlsuite "$cases" <"$cases/files-toml-1.0.0" |
			grep -qx "185 valid, 371 invalid, 0 wrong"'
	ok 'a case that means something else is found' '
		mkdir -p other/valid && echo "a = 1" >other/valid/x.toml &&
		echo "{\"a\":{\"type\":\"integer\",\"value\":\"2\"}}" \
			>other/valid/x.json &&
		echo valid/x.toml >list &&
		fails 1 tomlsuite other <list >out &&
		grep -q "1 valid, 0 invalid, 1 wrong" out'
else
	need "$why" "$claim"
fi

# refused LINE TEXT: what is on stdin, there and so.
refused() {
	mkdir -p one/invalid
	cat >one/invalid/x.toml
	echo invalid/x.toml | V=1 tomlsuite one >out || {
		cat out
		return 1
	}
	cat out
	grep -qF "x.toml:$1: $2" out
}
repeat() { awk -v n="$1" -v s="$2" 'BEGIN { while (n--) printf "%s", s }'; }

ok 'what is wrong is said, with its line' '
	printf "a = 1\nb = 2\na = 3\n" |
		refused 3 "'\''a'\'' is defined already, on line 1" &&
	printf "x = \"\"\"\n\n\n" |
		refused 1 "the string that begins here does not end" &&
	printf "[t]\nx = yes\n" | refused 2 "'\''yes'\'' is no value" &&
	printf "a = \"\\\\x41\"" | refused 1 "there is no escape" &&
	printf "a = [1,\n2\n" | refused 3 "the file ends where"'
ok 'brackets, parts of a key, values and bytes have a bound' '
	{ printf "a = "; repeat 100000 "["; } |
		refused 1 "more than 64 brackets are open" &&
	{ repeat 100000 "a."; printf "b = 1"; } |
		refused 1 "a key has more than 64 parts" &&
	{ printf "a = ["; repeat 400000 "1,"; printf "]"; } |
		refused 1 "there are more than 16384 values" &&
	{ printf "a = \""; repeat 1048576 "x"; } |
		refused 1 "it has more than 1048576 bytes"'

how=-runs=30000
[ -z "${FUZZ:-}" ] || how=-max_total_time=$FUZZ
fuzz() {
	mkdir -p corpus
	[ ! -d "${cases:-}" ] || find "$cases" -name "*.toml" -size -4k |
		while read -r f; do cp "$f" "corpus/$(echo "$f" | cksum)"; done
	printf 'a.b = [1, {c = """x\\u00e9"""}]\n[[t]]\n' >corpus/1
	echo 'd = 1979-05-27 07:32:00Z' >corpus/2
	clang -g -O1 -std=gnu11 -D_GNU_SOURCE -I"$TOP/lib" \
		-fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o fuzz-toml \
		"$TOP/t/fuzz/toml.c" &&
		timeout 1000 ./fuzz-toml -rss_limit_mb=1024 -max_len=4096 \
			"$how" corpus >log 2>&1 || { tail -n 30 log; return 1; }
}
need clang 'no bytes break the reader' fuzz
done_testing
