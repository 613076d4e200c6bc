#!/bin/sh
# kill -9 of any part of a machine, at any moment: what is left is right.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
. "$TOP/t/rogue.sh"
store && rogue quiet silent && vm a quiet || exit

pid_of() { read -r _pid _ <"$VMS/$1" && echo "$_pid"; }
# The process is gone, or a zombie that nobody has reaped: a moment after its
# locks are.
dead() {
	timeout 100 sh -c 'while grep -qs "^State:	[^ZX]" "/proc/$0/status"
		do :; done' "$1"
}
# The six, as no other test calls a machine.
six="x$$-1 x$$-2 x$$-3 x$$-4 x$$-5 x$$-6"

ok 'kill -9 of the VMM: the supervisor says so and goes' '
	bng-qemu start a && q=$(pid_of a/pid) && s=$(pid_of a/supervisor) &&
	kill -9 "$q" && timeout 100 bng-qemu wait a && dead "$q" && gone a &&
	[ "$(cat "$VMS/a/exit")" = "killed KILL" ] &&
	grep -q "QEMU was killed by SIGKILL" "$VMS/a/error"
'
ok 'kill -9 of the supervisor: the VMM dies with it, the state is right' '
	bng-qemu start a && q=$(pid_of a/pid) && s=$(pid_of a/supervisor) &&
	kill -9 "$s" && timeout 100 bng-qemu wait a && dead "$q" && dead "$s" &&
	fails 1 bng-qemu status a >out && grep -q ^stopped out &&
	says 1 "is not running" bng-qemu stop a
'
ok 'kill -9 of both' '
	bng-qemu start a && q=$(pid_of a/pid) && s=$(pid_of a/supervisor) &&
	kill -9 "$s" "$q" && timeout 100 bng-qemu wait a && dead "$q" &&
	fails 1 bng-qemu status a
'
ok 'what such an end leaves behind does not keep it from starting again' '
	[ -e "$VMS/a/agent.sock" ] && bng-qemu start a &&
	bng-qemu kill a && gone a
'
ok 'a pid file that names another process harms nobody' '
	{ tail -f /dev/null & } && other=$! &&
	bng-qemu start a && cp "$VMS/a/pid" pid && cp "$VMS/a/supervisor" sup &&
	echo "$other 1" >"$VMS/a/pid" && echo "$other 1" >"$VMS/a/supervisor" &&
	fails 111 bng-qemu kill a && kill -0 "$other" &&
	cp pid "$VMS/a/pid" && cp sup "$VMS/a/supervisor" &&
	bng-qemu kill a && kill -0 "$other" && kill "$other"
'
ok 'SIGTERM to the supervisor ends the machine' '
	bng-qemu start a && kill "$(pid_of a/supervisor)" &&
	timeout 100 bng-qemu wait a && gone a &&
	[ "$(cat "$VMS/a/exit")" = stopped ]
'
ok 'a signal that ends nothing is passed on and not waited for' '
	bng-qemu start a && bng-qemu kill -s SIGSTOP a &&
	until grep -q "^State:	T" "/proc/$(pid_of a/pid)/status"; do :; done &&
	bng-qemu kill -s cont a && bng-qemu kill -s 15 a && gone a
'
ok 'a VMM that is stopped is killed all the same' '
	bng-qemu start a && bng-qemu kill -s STOP a &&
	timeout 100 bng-qemu stop -t 1 a && gone a
'
ok 'six machines start and end at once' '
	for n in $six; do vm "$n" quiet || exit; done &&
	for n in $six; do
		{ bng-qemu start "$n" && : >"s.$n"; } &
	done && wait && for n in $six; do [ -e "s.$n" ] || exit; done &&
	for n in $six; do
		bng-qemu kill "$n" &
	done && wait && for n in $six; do gone "$n" || exit; done
'
ok 'a start that is killed leaves a machine that can be killed' '
	{ bng-qemu start a & } && kill -9 $! && ! wait $! &&
	{ bng-qemu kill a || bng-qemu wait -t 100 a; } && ! bng-qemu status a
'
# Its child has only just been made then, and no pid is on record.
need strace 'so does one that is killed when it has only made its child' '
	! strace -qq -o trace -e trace=poll -e inject=poll:signal=KILL \
		bng-qemu start a && bng-qemu kill a && ! bng-qemu status a
'
ok 'one that was killed before it could say a word is not running' '
	[ "$(find "$VMS" -name "*.sock")" = "" ] &&
	! pgrep -f "name x$$-[1-6] -nodefaults"
'
done_testing
