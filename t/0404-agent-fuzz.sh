#!/bin/sh
# the parsers that a peer feeds, under a fuzzer for a moment; with FUZZ=SECONDS
# in the environment for so long
. "$(dirname "$0")/lib.sh"

how=-runs=20000
[ -z "${FUZZ:-}" ] || how=-max_total_time=$FUZZ

# fuzz NAME: t/fuzz/NAME.c, starting from what is in corpus-NAME.
fuzz() {
	mkdir -p "corpus-$1"
	clang -g -O1 -std=gnu11 -D_GNU_SOURCE -I"$TOP/lib" \
		-fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o "fuzz-$1" \
		"$TOP/t/fuzz/$1.c" || return
	timeout 1000 "./fuzz-$1" -rss_limit_mb=1024 -max_len=8192 "$how" \
		"corpus-$1" >log 2>&1 && return
	tail -n 30 log
	return 1
}

mkdir -p t corpus-json corpus-tar corpus-mux
echo x >t/x
ln -s x t/l
touch -d @1.5 t/x
tar -cf corpus-tar/pax --format=pax t
tar -cf corpus-tar/gnu --format=gnu --transform "s|x|$(printf %0200d 1)|" t
# A HELLO, then OPEN, DATA, CREDIT and CLOSE of stream 1.
{
	printf '\001\0\0\0\0\0\0\030bngmux010123456789abcdef'
	printf '\002\0\0\001\0\0\0\004\0\0\0\001'
	printf '\003\0\0\001\0\0\0\002hi'
	printf '\004\0\0\001\0\0\0\004\0\0\1\0\005\0\0\001\0\0\0\0'
} >corpus-mux/1
echo '{"a":["\u00e9\ud83d\ude00",1e5,{}],"argv":["x"]}' >corpus-json/1

need clang 'no bytes break the framing' 'fuzz frame'
need clang 'no bytes break the link on a port' 'fuzz mux'
need clang 'no text breaks the JSON reader' 'fuzz json'
need clang 'no archive breaks the tar reader' 'fuzz tar'
# Its clients are real sockets: a run takes a millisecond.
[ -n "${FUZZ:-}" ] || how=-runs=3000
need clang 'no bytes break the keeper of a session' 'fuzz keepcli'
done_testing
