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
timeout 100 head -n 1 said >line

ok 'one line says that it does not answer, and what to do' '
	printf "%s\n" "$note" | cmp - line'
ok 'Ctrl-C ends the wait at once' '
	kill -INT "$insists" && timeout 100 tail --pid="$insists" -f /dev/null'
wait "$insists"
ended=$?
ok 'as the signal that it is' '[ "$ended" = 130 ]'
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
echo >go
wait "$early"
ended=$?
ok 'nothing is said of a command that takes its time' '
	[ "$ended" = 9 ] && [ ! -s early ]'

done_testing
