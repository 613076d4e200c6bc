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

# Of places, each taken by a descriptor of its own.
ok 'of two places two are had, and a third when one of them ends' '
	mkfifo said2 && exec 9<>p && exec 8<>p && exec 7<>p &&
	bng-state lock -n -p 2 9 && bng-state lock -n -p 2 8 &&
	fails 1 bng-state lock -n -p 2 7 && bng-state lock -n -p 3 7 &&
	exec 7>&- && { (exec 9>&- 8>&- 7<>p
		bng-state lock -p 2 7 2>said2 && echo got >won2) & } &&
	read -r _ <said2 && [ ! -e won2 ] && exec 8>&- && wait &&
	[ "$(cat won2)" = got ] && exec 8<>p && bng-state lock -n -p 2 8 &&
	exec 9>&- 8>&-'
ok 'the place of who is killed is the next one'"'"'s' '
	mkfifo up said3 && { (exec 9<>p && bng-state lock -n -p 1 9 &&
		exec sh -c "echo \$\$ >up; exec sleep 600") & } &&
	read -r holder <up && { (exec 7<>p
		bng-state lock -p 1 7 2>said3 && echo got >won3) & } &&
	waiter=$! && read -r _ <said3 && [ ! -e won3 ] &&
	kill -9 "$holder" && wait "$waiter" && [ "$(cat won3)" = got ]'
ok 'who waits goes on without when nobody gets a place for too long' '
	exec 9<>p && bng-state lock -n -p 1 9 && exec 7<>p &&
	fails 1 bng-state lock -p 1 -t 1 7 && exec 9>&- &&
	bng-state lock -n -p 1 7 && exec 7>&-'
ok 'of twenty at once never more than three have one of three places' '
	mkdir in && i=0 && while [ $((i += 1)) -le 20 ]; do
		(exec 9<>p && bng-state lock -p 3 9 2>/dev/null &&
			: >"in/$i" && ls in | wc -l >>counts &&
			rm "in/$i") & [ "$i" ] || break
	done && wait && sort counts | uniq -c &&
	[ "$(wc -l <counts)" = 20 ] && ! grep -v "^[123]$" counts'
ok 'no places, or too many, are wrong usage' '
	says 100 "number of places" bng-state lock -p 0 9 &&
	says 100 "number of places" bng-state lock -p 4097 9 &&
	says 100 "number of seconds" bng-state lock -p 1 -t 0 9'

done_testing
