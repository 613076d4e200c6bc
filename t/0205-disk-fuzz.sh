#!/bin/sh
# The parsers of modules and bzImages, under a fuzzer for a few seconds.
. "$(dirname "$0")/lib.sh"

seeds() {
	mkdir seeds && printf '.section .modinfo,"a"\n.asciz "%s"\n' \
		'depends=a,b' >m.s && ${CC:-cc} -c -o seeds/module m.s &&
	{ head -c 510 /dev/zero; printf '\125\252\0\0HdrS\017\002'
		head -c 400 /dev/zero; } >seeds/bzimage
}
ok 'there is something to begin with' seeds
need clang 'nothing that is found lies outside of the input' '
	(cd "$TOP" && clang -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -std=gnu11 -D_GNU_SOURCE \
		-DFUZZ -iquote lib -o "$T/boot" t/fuzz/boot.c) &&
	timeout 300 ./boot -runs=300000 -max_total_time=10 -max_len=4096 seeds'

done_testing
