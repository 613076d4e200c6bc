#!/bin/sh
# bng-state lock: a lock of a shell's own descriptor.
. "$(dirname "$0")/lib.sh"

ok 'a lock lasts as long as the descriptor, not as the process that took it' '
	exec 9<>l && bng-state lock 9 && exec 8<>l &&
	fails 1 bng-state lock -n 8 && exec 9>&- && bng-state lock -n 8'

ok 'a child that inherits the descriptor keeps the lock' '
	mkfifo go && exec 9<>l2 && bng-state lock 9 &&
	{ read -r _ <go & } && exec 9>&- && exec 8<>l2 &&
	fails 1 bng-state lock -n 8 && echo >go && wait && bng-state lock -n 8'

ok 'who waits says so, once, and goes on when it is free' '
	mkfifo said && exec 9<>l3 && bng-state lock 9 &&
	{ (exec 9>&-; exec 8<>l3; bng-state lock 8 2>said &&
		echo got >won) & } &&
	read -r line <said && echo "$line" &&
	[ "$line" = "bng-state: waiting for '\''$T/l3'\''" ] &&
	[ ! -e won ] && exec 9>&- && wait && [ "$(cat won)" = got ]'

ok 'nothing is said when nobody holds it' '
	exec 9<>l4 && bng-state lock 9 2>err && [ ! -s err ]'

ok 'a descriptor that is not open, or no number, is an error' '
	says 111 "cannot lock descriptor 77" bng-state lock 77 &&
	says 100 "is not a number" bng-state lock x &&
	says 100 "one descriptor is wanted" bng-state lock &&
	exec 7</dev/null && says 111 "cannot lock" bng-state lock 7'

ok 'two hundred increments by twenty at once lose none' '
	echo 0 >n && i=0 && while [ $((i += 1)) -le 20 ]; do
		(j=0; while [ $((j += 1)) -le 10 ]; do
			exec 9<>l5; bng-state lock 9 2>/dev/null || exit
			read -r n <n; echo $((n + 1)) >n; exec 9>&-
		done) & [ "$i" ] || break
	done && wait && [ "$(cat n)" = 200 ]'

done_testing
