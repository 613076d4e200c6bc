#!/bin/sh
# The life of a machine under a stand-in for Firecracker, with and without
# luck: its agent, its ends, kill -9 of each part.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"
. "$TOP/t/fakefc.sh"

firecracker 1.12.1 && fc a && fc frozen && fc deserted && fc numb

pid_of() { read -r _pid _ <"$VMS/$1" && echo "$_pid"; }
# From a machine that is not running, whatever went wrong before.
up() {
	bng-fc kill a 2>/dev/null
	bng-fc start a && bng-agent wait -t 100 a
}
# The process is gone, or a zombie that nobody has reaped: a moment after its
# locks are.
dead() {
	for _ in $(seq 2000); do
		grep -qs "^State:	[^ZX]" "/proc/$1/status" || return 0
	done
	return 1
}
# ended EXIT [ERROR]: it ended by itself, so, and nothing is left.
ended() {
	timeout 100 bng-fc wait a && cat "$VMS/a/exit" && gone a &&
		[ "$(cat "$VMS/a/exit")" = "$1" ] || return
	[ $# = 2 ] || { [ ! -e "$VMS/a/error" ]; return; }
	cat "$VMS/a/error" && grep -q "$2" "$VMS/a/error"
}
do_in() { timeout 100 bng-agent exec a -- "$@"; }

# aside NAME COMMAND ...: beside all that follows; what it said is in NAME.out,
# after how many milliseconds it ended is NAME.ms, its status NAME.status.
aside() {
	_aside=$1
	shift
	{
		stopwatch 1 sh -c "{ \"\$@\"; } >$_aside.out 2>&1
			echo \$? >$_aside.status" - "$@" |
			awk '{ print int($1 / 1000) }' >"$_aside.ms"
	} &
	asides="${asides-} $!"
}
# after NAME STATUS LEAST MOST: it took so many milliseconds.
after() {
	cat "$1.out" "$1.status" "$1.ms"
	[ "$(cat "$1.status")" = "$2" ] && [ "$(cat "$1.ms")" -ge "$3" ] &&
		[ "$(cat "$1.ms")" -le "$4" ]
}
bng-fc start frozen && bng-fc kill -s STOP frozen && aside frozen \
	bng-fc stop frozen
bng-fc start deserted && bng-agent wait -t 100 deserted &&
	kill -STOP "$(pid_of deserted/supervisor)" && aside deserted \
	bng-fc stop deserted
bng-fc start numb && bng-agent wait -t 100 numb && bng-fc kill -s STOP numb &&
	aside numb bng-fc snapshot numb "$T/numb"

ok 'it starts, is configured, and its values say what it is' '
	up && bng-fc status a >out && grep -q "^running	[1-9]" out &&
	[ "$(cat "$VMS/a/vmm")" = firecracker ] &&
	[ "$(cat "$VMS/a/vmm_version")" = 1.12.1 ] &&
	[ "$(cat "$VMS/a/accel")" = kvm ] &&
	says 1 "already running" bng-fc start a'
ok 'a value that is what it was at the last start is not written again' '
	inodes() { (cd "$VMS/a" && stat -c %i vmm vmm_version accel); } &&
	inodes >old && up && inodes | same old - &&
	echo tcg >"$VMS/a/accel" && up && [ "$(cat "$VMS/a/accel")" = kvm ]'
ok 'commands go through the vsock, their status comes back' '
	fails 7 do_in hello >out && [ "$(cat out)" = hello ] &&
	bng-agent ping a'
ok 'fifty clients at once' '
	for i in $(seq 50); do
		{ do_in "n$i" >"o$i"; echo $? >>"o$i"; } &
	done && wait && for i in $(seq 50); do
		printf "n$i\n7\n" >want && same "o$i" want || exit
	done'
ok 'a client that does not read yet loses nothing' '
	mkfifo slow && { { do_in flood >slow; echo $? >status; } & } &&
	exec 5<slow && p=$(pid_of a/pid) &&
	until grep -q "^State:	S" "/proc/$p/status"; do :; done &&
	cat <&5 >got && exec 5<&- && wait &&
	[ "$(cat status)" = 0 ] && [ "$(stat -c %s got)" = 8388608 ]'
ok 'a client that goes away leaves nothing behind' '
	s=$(pid_of a/supervisor) && n=$(ls "/proc/$s/fd" | wc -l) &&
	{ do_in flood | head -c 100 >/dev/null || true; } &&
	fails 7 do_in after && until [ "$(ls "/proc/$s/fd" | wc -l)" -le "$n" ]
	do fails 7 do_in x || exit; done'
ok 'pause and resume; while paused nothing is heard' '
	bng-fc pause a && bng-fc status a >out && grep -q ^paused out &&
	fails 124 timeout 1 bng-agent ping a && bng-fc resume a &&
	bng-fc status a >out && grep -q ^running out && bng-agent ping a'
ok 'stop of a paused machine lets it go on first' '
	bng-fc pause a && timeout 100 bng-fc stop -t 8 a && ended stopped'
ok 'stop: the guest halts, and is ended when it has' '
	up && timeout 100 bng-fc stop -t 9 a && ended stopped'
ok 'a guest that powers itself off is off' '
	up && ! do_in poweroff && ended poweroff &&
	up && ! do_in poweroff-6.10 && ended poweroff'
ok 'a guest that reboots itself comes up again' '
	up && p=$(pid_of a/pid) && ! do_in reboot &&
	while bng-fc status a && { [ ! -e "$VMS/a/pid" ] ||
		[ "$(pid_of a/pid)" = "$p" ]; }; do :; done &&
	bng-agent wait -t 100 a && fails 7 do_in back && bng-fc status a &&
	bng-fc kill a && ended "killed KILL"'
ok 'a panic is one, and said' '
	up && ! do_in panic && ended panic "panicked: it rains"'
ok 'the words of a halt count only where a kernel says them' '
	up && fails 7 do_in words && fails 7 do_in more && bng-fc kill a'
ok 'one that dies later is an error with its status' '
	up && ! do_in die && ended "status 3" "Firecracker ended with status 3"'
ok 'one that crashes later is an error with its signal' '
	up && ! do_in abort && ended "killed ABRT" "killed by SIGABRT"'
ok 'an agent that comes anew is configured anew; a second one is not let in' '
	up && { do_in again || true; } && bng-agent wait -t 100 a &&
	fails 7 do_in second && fails 7 do_in there && bng-fc kill a'
ok 'who waits is let in, also when a connection made for them is closed' '
	firecracker 1.12.1 fickle && { bng-fc start a & } && p=$! &&
	until [ -S "$VMS/a/agent.sock" ]; do :; done && fails 7 do_in early &&
	wait "$p" && fails 7 do_in more && bng-fc kill a && firecracker 1.12.1'
# unwilling MODE WHY: configured, its agent answers so, and the error has WHY.
unwilling() {
	firecracker 1.12.1 "$1" && { bng-fc start a; true; } &&
		fails 111 bng-agent wait -t 100 a && cat "$VMS/a/error" &&
		grep -qx "cannot configure the guest: $2" "$VMS/a/error" &&
		bng-fc status a >out && grep -q ^starting out && bng-fc kill a
}
ok 'a guest that is not configured is an error, which says why' '
	unwilling sullen "status 3" && unwilling wordy "no more" &&
	unwilling refusing "not me" &&
	unwilling endless "the agent broke the protocol" &&
	unwilling raving "the agent broke the protocol" &&
	unwilling leaving "the agent hung up" && firecracker 1.12.1'
ok 'what was wrong with an agent is over when its next is configured' '
	firecracker 1.12.1 doubting && { bng-fc start a; true; } &&
	until [ -e "$VMS/a/ready" ]; do :; done && ! [ -e "$VMS/a/error" ] &&
	grep "not yet" "$VMS/a/vmm.log" && fails 7 do_in well &&
	bng-fc kill a && firecracker 1.12.1'
image=$BANGER_STATE/images/tiny/manifest.json
ok 'a manifest or a key that cannot be read is no missing one' '
	up && cp "$image" manifest && echo "{" >"$image" &&
	{ do_in again || true; } && fails 111 bng-agent wait -t 100 a &&
	grep "manifest of its image: it is malformed" "$VMS/a/error" &&
	cp manifest "$image" && bng-fc kill a &&
	mv "$VMS/a/ssh_host_key" key && mkdir "$VMS/a/ssh_host_key" &&
	{ bng-fc start a; true; } && fails 111 bng-agent wait -t 100 a &&
	rmdir "$VMS/a/ssh_host_key" && mv key "$VMS/a/ssh_host_key" &&
	grep "ssh_host_key.: it is no file" "$VMS/a/error" && bng-fc kill a'
ok 'one that ends instead is said to have ended, and no more' '
	n=$(grep -c "the agent hung up" "$VMS/a/vmm.log") && [ "$n" -gt 0 ] &&
	firecracker 1.12.1 fleeing && { bng-fc start a; true; } &&
	ended reset "reset before it was ready" &&
	[ "$(grep -c "the agent hung up" "$VMS/a/vmm.log")" = "$n" ] &&
	firecracker 1.12.1'
ok 'an agent that keeps coming and going is given up' '
	up && for i in 1 2 3 4 5 6 7 8 9; do do_in again || true; done &&
	until [ -s "$VMS/a/error" ]; do :; done &&
	grep -q "keeps restarting" "$VMS/a/error" &&
	fails 111 bng-agent ping a && bng-fc kill a'
ok 'a guest that resets before it is ready is an error' '
	firecracker 1.12.1 resets && { bng-fc start a; true; } &&
	ended reset "reset before it was ready" && firecracker 1.12.1'
ok 'a machine without an agent is starting; stop ends it all the same' '
	firecracker 1.12.1 silent && bng-fc start a && bng-fc status a >out &&
	grep -q ^starting out && timeout 100 bng-fc stop -t 1 a &&
	ended stopped && firecracker 1.12.1'
ok 'to wait in vain is a no, for one that does not run a failure' '
	firecracker 1.12.1 silent && bng-fc start a &&
	says 1 "no answer in 1 s" bng-agent wait -t 1 a && bng-fc kill a &&
	says 111 "is not running" bng-agent wait -t 100 a &&
	firecracker 1.12.1'
ok 'a start whose supervisor is killed meanwhile says that, at once' '
	firecracker 1.12.1 silent && { banger vm start -q a 2>err & } && p=$! &&
	until pgrep -P $p -f "bng-agent wait" >/dev/null; do
		kill -0 $p || exit
	done && kill -9 "$(pid_of a/supervisor)" && ! wait $p && cat err &&
	grep -q "did not become ready: it ended, as its supervisor was killed" \
		err && firecracker 1.12.1'
ok 'a request that is refused is told in Firecracker'\''s words' '
	firecracker 1.12.1 stubborn && up &&
	says 111 "cannot pause '\''a'\'': Internal VMM error: it rains" \
		bng-fc pause a && bng-fc kill a && firecracker 1.12.1'
ok 'so is a snapshot of one that is not to be paused, or does not go on' '
	firecracker 1.12.1 stubborn && up &&
	says 111 "cannot pause '\''a'\'': Internal VMM error: it rains" \
		bng-fc snapshot a "$T/snap" && ! [ -e snap ] &&
	says 1 "cannot save machine '\''a'\'': Internal VMM error: it rains" \
		banger vm snapshot a x && says 1 "VMM error: it rains" \
		banger vm fork a b && [ ! -e "$VMS/b" ] &&
	fails 7 do_in hello && bng-fc kill a && firecracker 1.12.1 sticky &&
	up && plug -p "$VMS/a" >said && bng-fc kill a && cat said &&
	grep -q "cannot resume it: Internal VMM error: it rains" \
		"$VMS/a/vmm.log" && printf "OK\nNO Internal VMM error: \
it rains\n" >want && same want said && firecracker 1.12.1'
ok 'while somebody keeps it still nobody else does' '
	up && { plug -l "$VMS/a" "PAUSE
" >held & } && p=$! && until grep -q OK held; do :; done &&
	says 111 "cannot pause '\''a'\'': somebody else keeps it still" \
		bng-fc snapshot a "$T/snap" && kill $p && fails 7 do_in hello &&
	bng-fc kill a'
ok 'so is a snapshot that it cannot write; it goes on, and none is there' '
	firecracker 1.12.1 full && up &&
	says 111 "cannot save the memory of '\''a'\'': Create snapshot error: \
no room" bng-fc snapshot a "$T/snap" && ! [ -e snap ] &&
	[ -z "$(find . -maxdepth 1 -name ".new.snap*")" ] &&
	fails 7 do_in hello && bng-fc kill a && firecracker 1.12.1'
# A command in it that does not end by itself; $p is its client.
linger() {
	rm -f run
	{ timeout 100 bng-agent exec a -- linger >run 2>lost; } &
	p=$!
	until [ -s run ]; do :; done
}
# Its connection is gone, and it was told at once.
told() {
	wait "$p" || [ $? = 125 ] && cat lost &&
		grep "lost the command: the connection to the machine was" lost
}
ok 'a machine that was saved is as ready as before; who was in it is told' '
	up && linger && ready=$(stat -c "%i %z" "$VMS/a/ready") &&
	bng-fc snapshot a "$T/saved" && told && fails 7 do_in hello &&
	[ "$(stat -c "%i %z" "$VMS/a/ready")" = "$ready" ]'
ok 'it may be saved often: that is no agent that keeps restarting' '
	for i in 1 2 3 4 5 6 7 8 9; do
		rm -r saved && bng-fc snapshot a "$T/saved" || exit
	done && fails 7 do_in hello && ! [ -e "$VMS/a/error" ]'
ok 'nobody is told, and nobody leaves, where it only stood still' '
	linger && bng-fc pause a && bng-fc resume a && fails 7 do_in hello &&
	kill -0 $p && kill $p && { wait $p || true; }'
# held COMMAND ...: while it stands still somebody comes; then that is done, and
# it goes on. Who came has been let in, and had the answer.
held() {
	{ plug -l "$VMS/a" "PAUSE
" >held & } && _holds=$! && until grep -q OK held; do :; done &&
		{ do_in hello >in 2>&1 & } && _comes=$! && sleep 0.5 &&
		"$@" && [ ! -s in ] && kill $_holds && { wait $_holds || :; } &&
		{ wait $_comes || [ $? = 7 ]; } && cat in && grep -qx hello in
}
ok 'who comes while it stands still waits until it goes on, saved or not' '
	dump=$VMS/a/dump && rm -f "$dump/state" "$dump/memory" &&
	held fctell "$VMS/a" PUT /snapshot/create "{\"snapshot_path\":\
\"$dump/state\",\"mem_file_path\":\"$dump/memory\"}" && held true &&
	fails 7 do_in more'
ok 'one that somebody else saved is heard of, and configured anew' '
	linger && dump=$VMS/a/dump &&
	fctell "$VMS/a" PATCH /vm "{\"state\":\"Paused\"}" &&
	fctell "$VMS/a" PUT /snapshot/create "{\"snapshot_path\":\
\"$dump/state\",\"mem_file_path\":\"$dump/memory\"}" &&
	fctell "$VMS/a" PATCH /vm "{\"state\":\"Resumed\"}" && told &&
	fails 7 do_in hello && bng-fc kill a'
ok 'a console and a log that do not stop are bounded, their ends kept' '
	up && fails 7 do_in shout && bng-fc kill a &&
	for log in console vmm; do
		size=$(stat -c %s "$VMS/a/$log.log") && echo "$size" &&
		[ "$size" -le 4194304 ] && [ "$size" -gt 1000000 ] &&
		tail -n 9 "$VMS/a/$log.log" | grep "shout 9999 *$" || exit
	done'
ok 'no pause where it would cost the vsock' '
	firecracker 1.16.1 && up 2>/dev/null &&
	says 111 "Firecracker 1.16.1 could not be reached" bng-fc pause a &&
	bng-fc kill a && firecracker 1.12.1'
ok 'kill -9 of Firecracker: the supervisor says so and goes' '
	up && q=$(pid_of a/pid) && kill -9 "$q" &&
	ended "killed KILL" "Firecracker was killed by SIGKILL" && dead "$q"'
ok 'kill -9 of the supervisor, or of both: the state is right' '
	up && q=$(pid_of a/pid) && kill -9 "$(pid_of a/supervisor)" &&
	timeout 100 bng-fc wait a && dead "$q" && fails 1 bng-fc status a &&
	up && { kill -9 "$(pid_of a/supervisor)" "$(pid_of a/pid)" || :; } &&
	timeout 100 bng-fc wait a && fails 1 bng-fc status a >out &&
	grep -q ^stopped out && up && bng-fc kill a && gone a'
ok 'a Firecracker that is stopped is killed all the same' '
	up && bng-fc kill -s STOP a && timeout 100 bng-fc stop -t 1 a && gone a'
ok 'more clients than a stopped Firecracker takes: its supervisor hears' '
	up && s=$(pid_of a/supervisor) && bng-fc kill -s STOP a &&
	{ mkfifo crowd && exec 6<>crowd; } &&
	{ plug -n 200 "$VMS/a" 2 <crowd >said 6>&- & } &&
	until grep -q ok said; do :; done &&
	until [ "$(ls "/proc/$s/fd" | wc -l)" -gt 250 ]; do :; done &&
	kill "$s" && ended stopped && exec 6>&-'
ok 'one whose pid is on record no more is ended all the same' '
	up && rm "$VMS/a/pid" && timeout 5 bng-fc kill a && gone a'
ok 'SIGTERM to the supervisor ends the machine' '
	up && kill "$(pid_of a/supervisor)" && ended stopped'
ok 'eight machines start and end at once' '
	for n in 1 2 3 4 5 6 7 8; do fc "n$n" || exit; done &&
	for n in 1 2 3 4 5 6 7 8; do
		{ bng-fc start "n$n" && bng-agent wait -t 100 "n$n" &&
			: >"s$n"; } &
	done && wait && for n in 1 2 3 4 5 6 7 8; do
		[ -e "s$n" ] || exit
		bng-fc stop "n$n" &
	done && wait && for n in 1 2 3 4 5 6 7 8; do gone "n$n" || exit; done'
for aside in $asides; do wait "$aside"; done
# 15 s in all, and what a host that has much to do adds to them.
ok 'stop, not told how long, has killed one that hears nothing within 15 s' '
	after frozen 0 12000 16000 &&
	[ "$(cat "$VMS/frozen/exit")" = stopped ] && gone frozen'
ok 'and one whose supervisor hears nothing' '
	after deserted 0 12000 16000 && fails 1 bng-fc status deserted'
ok 'a snapshot of one that hears nothing is given up, and that said' '
	after numb 111 30000 32000 && cat numb.out && [ "$(cat numb.out)" = \
"bng-fc: cannot pause '\''numb'\'': no answer from Firecracker in 30 s" ] &&
	[ ! -e numb ] && says 111 "not answered yet" bng-fc snapshot numb \
	"$T/numb" && bng-fc kill -s CONT numb &&
	fails 7 timeout 100 bng-agent exec numb hello && bng-fc kill numb'
done_testing
