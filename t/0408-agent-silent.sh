#!/bin/sh
# who asks a guest that gives no sign of life is told so
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
agentd_start hung -m || exit
guest=$(pgrep -P "$agentd")
at_end 'kill -CONT "$guest" 2>/dev/null'
note="banger: machine 'hung' does not answer; try: banger vm kill hung"
BNG_NAME=banger
export BNG_NAME

# What only relays: it is there before.
mkfifo ports socket served muxed forwarded
bng-session start -n chat -p "$vm" cat >/dev/null
bng-forward "$vm" 0:1 >ports 2>forwarded &
at_end "kill $! 2>/dev/null"
bng-session serve "$vm" chat served.sock >socket 2>served &
at_end "kill $! 2>/dev/null"
exec 7<>forwarded 8<>served 9<>muxed
read -r port _ <ports
read -r _ <socket

# Four clients at once: one whose command runs already, and three that wait.
mkfifo up go said
bng-agent exec "$vm" sh -c "echo >$T/up; read -r _ <$T/go; exit 9" 2>early &
early=$!
timeout 100 head -n 1 up >/dev/null
kill -STOP "$guest"
bng-agent exec "$vm" sh -c 'exit 7' 2>patient.err &
patient=$!
BANGER_READY_TIMEOUT=6 timeout 100 bng-agent exec "$vm" true 2>bound.err &
bound=$!
bng-agent exec "$vm" sleep 1000 2>said &
insists=$!
bng-session mux "$vm" chat </dev/null >mux.out 2>muxed &
mux=$!
at_end 'kill "$mux" 2>/dev/null'
BANGER_READY_TIMEOUT=6 timeout 100 bng-session mux "$vm" chat </dev/null \
	2>mux.err &
mux_bound=$!
timeout 100 frames served.sock </dev/null >served.out &
timeout 100 visit "${port##*:}" </dev/null &
visit=$!
timeout 100 head -n 1 said >line

ok 'one line says that it does not answer, and what to do' '
	printf "%s\n" "$note" | cmp - line'
ok 'Ctrl-C ends the wait at once' '
	kill -INT "$insists" && timeout 100 tail --pid="$insists" -f /dev/null'
wait "$insists"
ended=$?
ok 'as the signal that it is' '[ "$ended" = 130 ]'
# Each says so once: a line that is read is the only one so far.
first() { timeout 100 head -n 1 <"$1" >"$1.line"; }
ok 'one who attaches by frames or a socket, or comes to a port, is told too' '
	for who in muxed served forwarded; do
		first $who && printf "%s\n" "$note" | cmp - $who.line ||
			exit 1
	done'
wait "$mux_bound"
ended=$?
ok 'where frames are waited for, there is a bound as well' '
	[ "$ended" = 111 ] && { printf "%s\n" "$note"
	echo "banger: cannot attach to '\''chat'\'': machine '\''hung'\''" \
		"has not answered for 6 s"; } | cmp - mux.err'
wait "$bound"
ended=$?
ok 'the wait has a bound, and is a failure of ours then: 125' '
	[ "$ended" = 125 ] && { printf "%s\n" "$note"
	echo "banger: cannot run the command: machine '\''hung'\'' has not" \
		"answered for 6 s"; } | cmp - bound.err'
kill -CONT "$guest"
wait "$patient"
ended=$?
ok 'an answer that comes after all is taken' '
	[ "$ended" = 7 ] && printf "%s\n" "$note" | cmp - patient.err'
wait "$visit"
ended=$?
ok 'also for what waits at a port, and that answers for itself' '
	[ "$ended" = 1 ] && first forwarded &&
	grep -q "^banger: port 1 of machine" forwarded.line'
echo >go
wait "$early"
ended=$?
ok 'nothing is said of a command that takes its time' '
	[ "$ended" = 9 ] && [ ! -s early ]'

done_testing
