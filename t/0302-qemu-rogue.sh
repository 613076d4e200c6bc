#!/bin/sh
# Guests that end, fail or misbehave, and what is known about it afterwards.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
. "$TOP/t/rogue.sh"
store || exit

rogue deaf deaf && vm deaf deaf && exec 6<>turns &&
	bng-state lock -n -p 1 6 && bng-qemu start -b 6 deaf || exit
exec 6>&-

ok 'the turn to boot of a guest that is not ready is its supervisor'"'"'s' '
	exec 7<>turns && fails 1 bng-state lock -n -p 1 7
'

# They all boot at once, while the claims wait for each in turn.
for mode in agent poweroff reset panic silent refuse restless; do
	rogue "$mode" "$mode" && vm "$mode" "$mode" && bng-qemu start "$mode" ||
		exit
done
vm other agent && bng-qemu start other || exit

ended() {
	timeout 300 bng-qemu wait "$1" && [ "$(cat "$VMS/$1/exit")" = "$2" ] &&
		gone "$1"
}

ok 'a guest that powers itself off too early: its words are the error' '
	ended poweroff poweroff && cat "$VMS/poweroff/error" &&
	grep -q "powered itself off before it was ready: cannot stay: told so" \
		"$VMS/poweroff/error"
'
ok 'a guest that resets before it was ready is not started again' '
	ended reset reset &&
	grep -q "the guest reset before it was ready" "$VMS/reset/error"
'
ok 'a kernel that panics is told from a reset, with its reason' '
	ended panic panic && grep -q "the guest.s kernel panicked: sysrq" \
		"$VMS/panic/error" && fails 1 bng-qemu status panic >out &&
	grep -q ^error out
'
ok 'a client that waits for readiness is hung up on when the machine ends' '
	{ fails 111 timeout 300 plug "$VMS/silent" 1 & } && waiter=$! &&
	bng-qemu kill silent && wait $waiter && ended silent "killed KILL" &&
	[ ! -e "$VMS/silent/error" ]
'
ok 'a guest that refuses to be configured: error says why, waiters go' '
	fails 111 timeout 300 plug "$VMS/refuse" 1 &&
	grep -q "cannot configure the guest: .*does not feel like it" \
		"$VMS/refuse/error" &&
	bng-qemu status refuse >out && grep -q ^starting out &&
	fails 111 timeout 100 plug "$VMS/refuse" 1 && bng-qemu kill refuse
'
ok 'a guest whose agent is new again and again loses the link' '
	fails 111 timeout 300 plug "$VMS/restless" 1 &&
	grep -q "keeps restarting" "$VMS/restless/error"
'
ok 'a guest that never answers can be stopped in time, and is not waited for' '
	timeout 100 bng-qemu stop -t 2 deaf && ended deaf stopped &&
	exec 7<>turns && timeout 100 bng-state lock -p 1 7 &&
	timeout 100 bng-qemu stop restless && ended restless stopped
'
ok 'a guest that sends more than it may loses the link, not the machine' '
	mkfifo never && exec 5<>never &&
	timeout 300 plug -h "$VMS/agent" 1 overrun <&5 &&
	fails 111 timeout 100 plug "$VMS/agent" 1 &&
	grep -q "broke the agent.s link protocol" "$VMS/agent/error" &&
	bng-qemu status agent && bng-qemu kill -s TERM agent &&
	ended agent stopped
'
ok 'a panic after it was ready is no reboot' '
	timeout 300 plug "$VMS/other" 1 panic && ended other panic
'
# The console is slower than what tells that it was written to.
all_said() {
	timeout 100 sh -c 'until tail -n 1 "$VMS/agent/console.log" |
		grep "^line 1999 of"; do :; done'
}
ok 'the log of a guest that talks a lot stays bounded, and whole lines stay' '
	head -c 4194000 /dev/zero | tr "\0" x >"$VMS/agent/console.log" &&
	rm "$VMS/agent/error" && bng-qemu start agent &&
	timeout 300 plug "$VMS/agent" 1 "console 2000" && all_said &&
	size=$(stat -c %s "$VMS/agent/console.log") && echo "$size" &&
	[ "$size" -lt 3000000 ] && [ "$size" -gt 2000000 ] &&
	timeout 300 plug "$VMS/agent" 1 garbage &&
	timeout 100 bng-qemu stop -t 0 agent && ended agent stopped
'
ok 'a guest that powers itself off when it was ready did just that' '
	bng-qemu start other && timeout 300 plug "$VMS/other" 1 poweroff &&
	ended other poweroff && [ ! -e "$VMS/other/error" ]
'
done_testing
