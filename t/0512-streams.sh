#!/bin/sh
# What goes through a command in a real guest: much, nothing, and without a
# terminal anywhere.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

at_end 'banger vm delete pipes >/dev/null'
banger vm run -qd --image tiny --memory 256M --name pipes >/dev/null || exit 1
in_guest() { timeout 300 banger vm exec pipes "$@"; }

ok '100 MB go in byte for byte' '
	head -c 100000000 /dev/urandom >big &&
	in_guest -- sh -c "cat >/big; md5sum /big" <big >sum &&
	[ "$(cut -c 1-32 sum)" = "$(md5sum <big | cut -c 1-32)" ]'
ok '100 MB go out byte for byte' 'in_guest -- cat /big >out && same big out'
ok 'in and out at the same time, through pipes' '
	cat big | in_guest -- cat | cmp - big'
ok 'a command that does not read its stdin ends all the same' '
	fails 3 in_guest -- sh -c "exit 3" <big && rm big out'
ok 'a closed stdin is an empty one' '
	in_guest -- wc -c <&- >out && [ "$(cat out)" = 0 ]'
endless() { in_guest -- sh -c 'exec 5>/end; exec yes'; echo $? >st; }
ok 'a reader that goes takes the command along' '
	in_guest -- mkfifo /end && { in_guest -- cat /end & } &&
	endless | head -n 1 >out && [ "$(cat out)" = y ] &&
	[ "$(cat st)" = 141 ] && wait $!'
ok 'a closed stdout and stderr are no file of the machine' '
	fails 6 in_guest -- sh -c "echo b >&2; exit 6" >&- 2>&- &&
	fails 125 in_guest -- sh -c "echo a; exit 6" >&- 2>&-'
ok 'without any terminal it works, and there is none in the guest either' '
	fails 5 setsid -w banger vm exec pipes -- \
		sh -c "tty; echo err >&2; exit 5" </dev/null >out 2>err &&
	[ "$(cat out)" = "not a tty" ] && [ "$(cat err)" = err ]'
ok 'nor does a shell without a terminal wait for one' '
	echo "echo \$((6 * 7)); exit 4" >typed &&
	fails 4 setsid -w banger vm exec pipes <typed >out &&
	[ "$(cat out)" = 42 ]'
ok 'many small writes stay in order on two streams' '
	in_guest -- sh -c "for i in \$(seq 300); do echo \$i; echo \$i >&2
		done" >out 2>err && seq 300 | cmp - out && seq 300 | cmp - err'

done_testing
