#!/bin/sh
# A signal for a command whose guest does not run any more, or takes its time.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1
at_end 'banger vm kill cold >/dev/null 2>&1; banger vm delete cold >/dev/null'
banger vm run -d --name cold --image tiny --memory 256M >/dev/null || exit 1

mkfifo up
# client COMMAND: exec it, and return when it runs; its pid is in $client.
client() {
	banger vm exec cold -- sh -c "$1" >up &
	client=$!
	timeout 300 head -n 1 up >/dev/null
}

ok 'a command that takes its time over a SIGTERM is waited for' '
	client "trap \"sleep 4; exit 7\" TERM
		echo; while :; do sleep 1; done" &&
	kill -TERM "$client" && { wait "$client"; [ $? = 7 ]; }
'
ok 'one SIGTERM ends the client of a guest that is frozen' '
	client "echo; exec sleep 1000" && banger vm kill --signal STOP cold &&
	kill -TERM "$client" && { wait "$client"; [ $? = 143 ]; }
'
done_testing
