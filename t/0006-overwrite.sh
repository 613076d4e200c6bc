#!/bin/sh
# lib/overwrite: a disk is made what another is, where it is
. "$(dirname "$0")/lib.sh"

# sparse NAME FIRST LAST: NAME.FIRST and so on, of pieces, holes and zeros.
sparse() {
	python3 - "$@" <<'END'
import random, sys
for i in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
    r = random.Random(sys.argv[1] + str(i))
    with open("%s.%d" % (sys.argv[1], i), "wb") as f:
        size = r.randrange(1 << 20, 3 << 20)
        f.truncate(size)
        for _ in range(r.randrange(40)):
            f.seek(r.randrange(size))
            n = min(r.choice((1, 4096, 65536, 70000)), size - f.tell())
            f.write(bytes(n) if r.random() < 0.2 else r.randbytes(n))
END
}
# As many blocks as a copy of it takes that has its holes.
as_small() {
	cp --sparse=never "$1" "$1.copy" && fallocate -d "$1.copy" || return
	[ "$(stat -c %b "$2")" -le "$(($(stat -c %b "$1") + 16))" ]
}
# In 8 MiB, 7 of which are taken: for 6, of which half are there.
crowded() {
	mount -t tmpfs -o size=8M none small && cd small || return
	head -c 6000000 /dev/urandom >../from
	head -c 3000000 ../from >to && cp to ../was &&
		head -c 4000000 /dev/zero >much || return
	! libtest room ../from to >../said && grep -qx ENOSPC ../said &&
		cmp to ../was && rm much && libtest room ../from to || return
	cmp to ../was && { head -c 3000000 /dev/zero >rest || :; } &&
		libtest differing ../from to && cmp to ../from
}
if [ "${1-}" = crowded ]; then
	set -e
	cd "$2" && crowded
	exit
fi
ok 'sixty pairs: all bytes are the same then, and holes are holes' '
	sparse from 1 60 && sparse to 1 60 && for i in $(seq 60); do
		inode=$(stat -c %i to.$i) && libtest differing from.$i to.$i &&
		cmp from.$i to.$i && as_small from.$i to.$i &&
		[ "$(stat -c %i to.$i)" = "$inode" ] || { echo $i; exit 1; }
	done'
ok 'a twin with a few other blocks, and one that is empty' '
	cp --sparse=always from.9 from && cp --sparse=always from to &&
	printf x | dd of=to bs=1 seek=70000 conv=notrunc status=none &&
	printf x | dd of=to bs=1 seek=800000 conv=notrunc status=none &&
	libtest differing from to && cmp from to && : >to &&
	libtest differing from to && cmp from to && as_small from to'
need strace 'what is the same is not written; of a block that is not, all is' '
	cp --sparse=always from to &&
	strace -o calls -e trace=pwrite64,fallocate,ftruncate \
		libtest differing from to && ! grep "(" calls &&
	head -c 300000 /dev/urandom >from && cp from to &&
	printf "?" | dd of=to bs=1 seek=100000 conv=notrunc status=none &&
	strace -o calls -e trace=pwrite64 libtest differing from to &&
	[ "$(grep -c "4096, 98304) = 4096" calls)" = 1 ] &&
	[ "$(grep -c pwrite calls)" = 1 ] && cmp from to'
ok 'whoever wants to know is told before the first change, and may forbid it' '
	cp --sparse=always from to && libtest differing from to >said &&
	! grep changes said &&
	printf "!" | dd of=to bs=1 seek=200000 conv=notrunc status=none &&
	cp --sparse=always to was && export NO_CHANGE=1 &&
	! libtest differing from to >said && grep -qx EPERM said &&
	grep -qx changes said && cmp to was && truncate -s 400000 to was &&
	! libtest differing from to >said && cmp to was && unset NO_CHANGE &&
	libtest differing from to >said && grep -qx changes said &&
	cmp from to'
need ROOT 'where there is no room that is found before anything is changed' '
	mkdir small && unshare -m --propagation private sh \
		"$TOP/t/${0##*/}" crowded "$PWD"'
done_testing
