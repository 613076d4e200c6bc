#!/bin/sh
# Locks and processes: who is there, without asking them.
. "$(dirname "$0")/lib.sh"

# hold: a process, $holder, and its child hold the lock of l; the child as
# long as fd 8 is open, the parent as long as the child.
hold() {
	rm -f in up
	mkfifo in up
	libtest locked l sh -c '
		exec 5<&0
		cat <&5 &
		echo $$ >up
		wait' <in &
	exec 8>in
	read -r holder <up
}

ok 'nobody holds a lock whose file is not there' '
	[ "$(libtest held absent)" = 0 ] && [ ! -e absent ]'
ok 'a lock is seen and refused, and asking does not take it' '
	hold && [ "$(libtest held l)" = 1 ] && [ "$(libtest held l)" = 1 ] &&
	[ "$(libtest locked l true)" = EAGAIN ] && exec 8>&- &&
	wait "$holder" && [ "$(libtest held l)" = 0 ]'
ok 'a lock outlives kill -9 of its first holder while a child has it' '
	hold && kill -9 "$holder" && { wait "$holder"; true; } &&
	[ "$(libtest held l)" = 1 ] && exec 8>&- && libtest waitfree l 10000'
ok 'waiting for a lock ends when its last copy does' '
	hold && { libtest waitfree l -1 8>&- & } && waiter=$! &&
	kill -0 "$waiter" && exec 8>&- && wait "$waiter"'
ok 'waiting for a lock is bounded' '
	hold && [ "$(libtest waitfree l 100 8>&-)" = ETIMEDOUT ] &&
	[ "$(libtest waitfree l 0 8>&-)" = ETIMEDOUT ] && exec 8>&- &&
	wait "$holder" && libtest waitfree l 0'

ok 'a recorded process is found while it lives' '
	libtest proc save $$ && [ "$(libtest proc load pid)" = $$ ]'
ok 'a pid that another process got later is not taken for it' '
	read -r pid ticks <pid && echo "$pid $((ticks + 1))" >pid &&
	[ "$(libtest proc load pid)" = 0 ]'
ok 'a process that ended is not alive, waited for or not' '
	libtest zombie && { sh -c : & } && gone=$! && wait "$gone" &&
	echo "$gone 1" >pid && [ "$(libtest proc load pid)" = 0 ]'

# odd: a process, $odd, whose name looks like the rest of a line of its stat.
odd() {
	rm -f in
	mkfifo in
	cp "$(command -v head)" 'x) R 1 2 (y'
	'./x) R 1 2 (y' -c 2 <in >out &
	odd=$!
	exec 8>in
	# It has read a byte, so it is no longer the shell's copy.
	printf x >&8
}
ok 'a name that looks like the rest of its line deceives nobody' '
	odd && libtest proc save "$odd" &&
	[ "$(libtest proc load pid)" = "$odd" ] && exec 8>&- &&
	wait "$odd" && [ "$(libtest proc load pid)" = 0 ]'
ok 'a record that is none is an error, not a process' '
	for bad in "" x 1 "0 5" "-1 5" "1 x"; do
		echo "$bad" >pid && [ "$(libtest proc load pid)" = -22 ] ||
			return 1
	done'

done_testing
