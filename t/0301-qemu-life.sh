#!/bin/sh
# A machine's life under bng-qemu, in a real guest whose agent is a rogue.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
. "$TOP/t/rogue.sh"
store && rogue plain && vm a plain || exit

pid_of() { read -r _pid _ <"$VMS/$1" && echo "$_pid"; }

ok 'of two starts at once exactly one wins, the other says why not' '
	start() { bng-qemu start a 2>"$1"; echo $? >"$1.status"; } &&
	{ start one & } && start two && wait $! && cat one two &&
	[ "$(sort one.status two.status | tr -d "\n")" = 01 ] &&
	cat one two | grep -q "already running"
'
ok 'until it is ready it is starting, and its VMM is the one in pid' '
	bng-qemu status a >out && cat out &&
	{ [ "$(cat out)" = "starting	$(pid_of a/pid)" ] ||
		[ -e "$VMS/a/ready" ]; } &&
	[ "$(cat "/proc/$(pid_of a/pid)/comm")" = qemu-system-x86 ]
'
ok 'connecting to port 1 waits for readiness' '
	timeout 300 plug "$VMS/a" 1 "console 1" && [ -s "$VMS/a/ready" ] &&
	[ "$(bng-qemu status a)" = "running	$(pid_of a/pid)" ]
'
ok 'started, ready and accel are there; error and exit are not' '
	[ "$(cat "$VMS/a/started")" -gt 1600000000000 ] &&
	[ "$(cat "$VMS/a/ready")" -gt 100 ] && [ -s "$VMS/a/accel" ] &&
	[ ! -e "$VMS/a/error" ] && [ ! -e "$VMS/a/exit" ]
'
ok 'a machine that runs is not started again' '
	says 1 "is already running" bng-qemu start a
'
ok 'the guest has its console in console.log' '
	timeout 100 sh -c "until grep \"line 0 of what the guest has to say\" \
		\"$VMS/a/console.log\"; do :; done"
'
ok '25 connections at once, each with its own bytes' '
	timeout 300 plug -e 25 200000 "$VMS/a"
'
ok 'a client that does not read stalls itself and nobody else' '
	mkfifo hold && exec 5<>hold &&
	{ plug -h "$VMS/a" 1 "flood 900000" <&5 >held & } &&
	until grep -q ok held; do :; done &&
	timeout 300 plug "$VMS/a" 1 "flood 3000000" | tail -c +4 | wc -c >n &&
	[ "$(cat n)" = 3000000 ] && exec 5>&-
'
ok 'a client that does not finish its first line holds nobody up' '
	{ timeout 300 plug -l "$VMS/a" "CONNECT 1" & } &&
	timeout 300 plug -e 2 1000 "$VMS/a" && kill $!
'
ok 'what is no CONNECT line is hung up on' '
	for line in "HELLO" "CONNECT x" "CONNECT 99999999999" "CONNECT" \
		"CONNECT 1 and a lot more than there is room for"; do
		[ "$(timeout 100 plug -l "$VMS/a" "$line
")" = ok ] || exit
	done
'
ok 'the supervisor is small' '
	pss=$(awk "/^Pss:/ { print \$2 }" \
		"/proc/$(pid_of a/supervisor)/smaps_rollup") &&
	echo "$pss KiB" && { [ -n "${SAN:-}" ] || [ "$pss" -le 1536 ]; }
'
# What came before keeps it busy until the guest, which takes one thing after
# the other, has come to what is asked last. Who asked that stays connected.
settled() {
	mkfifo answer && { timeout 300 plug "$VMS/a" 1 "echo
last" >answer & } && timeout 300 grep -qx last answer
}
not_woken() {
	_not_woken=/proc/$(pid_of a/supervisor)/status
	_not_before=$(grep ctxt "$_not_woken") && sleep 5 &&
		[ "$(grep ctxt "$_not_woken")" = "$_not_before" ]
}
ok 'a supervisor with nothing to do is not woken, not once' '
	settled && not_woken && kill $!'
ok 'pause stops it, resume goes on' '
	bng-qemu pause a && bng-qemu status a >out && grep -q ^paused out &&
	bng-qemu resume a && bng-qemu status a >out && grep -q ^running out &&
	timeout 300 plug -e 1 10 "$VMS/a"
'
ok 'a guest that resets when it was ready has rebooted: it runs again' '
	old=$(pid_of a/pid) && timeout 300 plug "$VMS/a" 1 reset &&
	timeout 300 plug -e 1 10 "$VMS/a" && new=$(pid_of a/pid) &&
	[ "$old" != "$new" ] && bng-qemu pause a && bng-qemu resume a
'
ok 'a new agent is configured anew' '
	echo old >"$VMS/a/ready" && timeout 300 plug "$VMS/a" 1 hello &&
	timeout 300 plug -e 1 10 "$VMS/a" && ! grep old "$VMS/a/ready"
'
ok 'stop lets the guest power itself off, and wait is told' '
	{ bng-qemu wait -t 300 a & } && waiter=$! &&
	fails 1 bng-qemu wait -t 0 a && timeout 300 bng-qemu stop a &&
	wait $waiter &&
	[ "$(cat "$VMS/a/exit")" = stopped ] && gone a &&
	[ ! -e "$VMS/a/error" ]
'
ok 'status is stopped then, and stop says that it does not run' '
	fails 1 bng-qemu status a >out &&
	[ "$(cat out)" = "stopped	0" ] &&
	says 1 "is not running" bng-qemu stop a
'
done_testing
