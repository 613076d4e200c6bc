#!/bin/sh
# sessions: commands that stay in a machine, seen from bng-session
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
agentd_start kept -m || exit

start() { bng-session start "$@"; }
# status NAME: what show says, once it has ended.
status() {
	bng-session logs -f "$vm" "$1" >/dev/null 2>&1
	bng-session show "$vm" "$1" | sed -n 's/^status  *//p'
}
is() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }

ok 'there is none at first, as JSON too' '
	bng-session list -j "$vm" | jq -e ". == []" &&
	[ "$(bng-session list "$vm" | wc -l)" = 1 ]'
ok 'start prints a name made of the command'\''s, each its own' '
	is "$(start "$vm" true)" true && is "$(start "$vm" /bin/true)" true-2 &&
	is "$(start "$vm" sh -c :)" sh &&
	is "$(start -n a.B_1+ "$vm" true)" a.B_1+'
ok 'exact arguments, directory and environment' '
	start -n env -C /usr -e "A=b c" "$vm" -- sh -c \
		"pwd; echo \"\$A\"; for a; do printf \"<%s>\" \"\$a\"; done" \
		x "" "a
b" "é \"q\"" >/dev/null && bng-session logs -f "$vm" env >out &&
	printf "/usr\nb c\n<><a\nb><é \"q\">" >want && same out want'
ok 'each stream is kept on its own' '
	start -n two "$vm" sh -c "echo out; echo err >&2" >/dev/null &&
	is "$(status two)" "exited 0" &&
	bng-session logs "$vm" two >out 2>err && is "$(cat out)" out &&
	is "$(cat err)" err &&
	is "$(bng-session logs -s stdout "$vm" two 2>&1)" out &&
	is "$(bng-session logs -s stderr "$vm" two 2>&1)" err'
ok 'how it ended is told: status, signal' '
	start -n st "$vm" sh -c "exit 42" >/dev/null &&
	is "$(status st)" "exited 42" &&
	start -n si "$vm" sh -c "kill -USR1 \$\$" >/dev/null &&
	is "$(status si)" "killed by USR1"'
ok 'and when, and how much it wrote' '
	bng-session show -j "$vm" two | jq -e ".exit == 0 and .signal == null
		and .stdout_bytes == 4 and .stderr_lost == 0 and .tty == false
		and .stdin == \"detached\" and .ended >= .started
		and .started > 1700000000 and .command[0] == \"sh\""'
ok 'list shows all, sorted, and which run' '
	start -n run "$vm" sleep 1000 >/dev/null &&
	bng-session list "$vm" >out && grep -q "^run  *running " out &&
	grep -q "^st  *exited 42 .* sh -c exit 42$" out &&
	bng-session list -q "$vm" >names && sort names | same - names &&
	bng-session list -j "$vm" |
		jq -e "map(select(.status == \"running\").name) == [\"run\"]"'
ok 'nothing starts in a directory that is not there' '
	says 111 "cannot enter '\''/nosuch'\'': No such file" \
		start -n no -C /nosuch "$vm" true &&
	says 1 "there is no session '\''no'\''" bng-session show "$vm" no'
ok 'nor without its command, or one that it requires' '
	says 111 "there is no command '\''nosuch'\''" start "$vm" nosuch &&
	says 111 "there is no command '\''gone'\''" \
		start -r sh -r gone "$vm" true &&
	says 111 "command '\''/etc/passwd'\'' is not executable" \
		start "$vm" /etc/passwd &&
	says 111 "no command '\''true'\''" start -e PATH=/nosuch "$vm" true &&
	says 111 "no command '\'''\''" start "$vm" "" &&
	start -r sh -r ls "$vm" true'
ok 'a name that runs is taken; one that ended is free' '
	says 111 "session '\''run'\'' is running already" \
		start -n run "$vm" true &&
	start -n st "$vm" sh -c "exit 3" >/dev/null &&
	is "$(status st)" "exited 3"'
ok 'a bad name is refused' '
	fails 100 start -n "" "$vm" true && fails 100 start -n .x "$vm" true &&
	fails 100 start -n a/b "$vm" true &&
	says 111 "cannot name a session" start -n "$(printf %064d 1)" "$vm" \
		true && fails 1 bng-session show "$vm" ../run'
ok 'what is not there, or has ended, is said to be so' '
	for v in attach send stop kill show logs; do
		bng-session $v "$vm" nix </dev/null 2>err && exit 1
		grep -q "there is no session '\''nix'\''" err || exit 1
	done && for v in attach send stop kill; do
		bng-session $v "$vm" two </dev/null 2>err && exit 1
		grep -q "session '\''two'\'' has ended" err || exit 1
	done'

ok 'send writes a line, or what it reads, and ends the input' '
	start -p -n in "$vm" cat >/dev/null &&
	bng-session send "$vm" in "a  b" && printf "c\000d" |
	bng-session send "$vm" in && bng-session send "$vm" in "" &&
	bng-session send -e "$vm" in end && is "$(status in)" "exited 0" &&
	bng-session logs "$vm" in >out &&
	printf "a  b\nc\000d\nend\n" >want && same out want'
ok 'megabytes are sent as they are' '
	head -c 3000000 /dev/urandom >big &&
	start -p -n sum -C "$T" "$vm" sh -c "cat >got" >/dev/null &&
	bng-session send -e "$vm" sum <big && status sum && same big got'
ok 'a detached session takes no input' '
	says 111 "is detached: its input is not a pipe" \
		bng-session send "$vm" run x &&
	says 125 "is detached: its input is not a pipe" \
		bng-session attach "$vm" run'
ok 'a command that closed its input says so to who sends' '
	mkfifo shut && start -p -n shut -C "$T" "$vm" sh -c \
		"exec <&-; echo >shut; exec sleep 1000" >/dev/null &&
	read -r _ <shut && says 111 "does not read its input any more" \
		bng-session send "$vm" shut x'

ok 'stop is TERM, and returns when it is over' '
	start -n trap "$vm" sh -c "trap \"exit 9\" TERM; echo up
		while :; do sleep 0.02; done" >/dev/null &&
	bng-session logs -f "$vm" trap | { read -r _; cat >/dev/null & } &&
	bng-session stop "$vm" trap &&
	is "$(status trap)" "exited 9" &&
	bng-session stop "$vm" shut'
ok 'and KILL after the grace, for what it started too' '
	mkfifo pids && start -n deaf -C "$T" "$vm" sh -c \
		"trap \"\" TERM; sh -c \"trap : TERM; echo \\\$\\\$ >pids
		while :; do sleep 1; done\" & wait; sleep 1000" \
		>/dev/null && read -r child <pids &&
	bng-session stop -t 1 "$vm" deaf &&
	is "$(status deaf)" "killed by KILL" &&
	timeout 100 tail --pid="$child" -f /dev/null'
ok 'kill kills, or sends what it is told' '
	start -n k "$vm" sleep 1000 >/dev/null && bng-session kill "$vm" k &&
	is "$(status k)" "killed by KILL" &&
	start -n k "$vm" sleep 1000 >/dev/null &&
	bng-session kill -s HUP "$vm" k && is "$(status k)" "killed by HUP" &&
	says 100 "bad signal" bng-session kill -s NIX "$vm" run'

ok 'logs -f goes on until the end' '
	start -p -n flow "$vm" cat >/dev/null &&
	{ bng-session logs -f "$vm" flow >flow & } && p=$! &&
	bng-session send "$vm" flow one && bng-session send "$vm" flow two &&
	bng-session send -e "$vm" flow three && wait $p &&
	printf "one\ntwo\nthree\n" | same - flow'
ok 'a keeper that is killed takes its command along; both are told' '
	start -n orphan "$vm" sh -c "echo; exec sleep 1000" >/dev/null &&
	pid=$(bng-session show -j "$vm" orphan | jq .pid) &&
	mkfifo told && { bng-session logs -f "$vm" orphan >told & } &&
	p=$! && exec 9<told && read -r _ <&9 &&
	keeper=$(sed "s/.*) //" /proc/$pid/stat | cut -d" " -f2) &&
	kill -9 "$keeper" && wait $p &&
	timeout 100 tail --pid="$pid" -f /dev/null &&
	is "$(status orphan)" lost && start -n orphan "$vm" true'
ok 'the oldest output goes, and that is said' '
	start -n many "$vm" seq 200000 >/dev/null && status many &&
	bng-session logs "$vm" many >out 2>err &&
	grep -q "the first 830143 bytes of stdout are not kept" err &&
	seq 200000 >all && [ "$(wc -c <out)" = 458752 ] &&
	tail -c 458752 all | same - out'
ok 'also where its keeper dies, and had closed all but its lock before' '
	dir=$AGENT_SESSIONS/ghost && cp -r "$AGENT_SESSIONS/two" "$dir" &&
	sed -i "s/\"two\"/\"ghost\"/" "$dir/about" && rm "$dir/end" &&
	exec 9<>"$dir/lock" && bng-state lock 9 && mkfifo ghost &&
	{ timeout 20 bng-session logs -f -s stdout "$vm" ghost >ghost 9>&- &
	} && p=$! && exec 8<ghost && read -r said <&8 && is "$said" out &&
	exec 9>&- && wait $p && exec 8<&-'
ok 'so it is to who follows more slowly than the command writes' '
	start -p -n fast "$vm" sh -c "echo; read -r l; seq 500000" >/dev/null &&
	mkfifo slow && { bng-session logs -f "$vm" fast >slow 2>err & } &&
	p=$! && exec 9<slow && read -r _ <&9 &&
	bng-session send "$vm" fast go && status fast && cat <&9 >out &&
	wait $p && lost=$(awk "/: here .* of stdout are lost/ { n += \$3 }
		END { print n + 0 }" err) &&
	[ "$lost" -gt 0 ] &&
	is "$((lost + $(wc -c <out)))" "$(seq 500000 | wc -c)"'
ok 'there are 32 at most: the one that ended first goes' '
	i=0 && while [ $i -lt 40 ]; do
		start -n "n$i" "$vm" true >/dev/null && i=$((i + 1)) || exit 1
	done && bng-session list -q "$vm" >out &&
	[ "$(wc -l <out)" = 32 ] && grep -qx run out && grep -qx n39 out &&
	! grep -qx n0 out'
ok '32 that run keep the next one out' '
	i=0 && while [ $i -lt 31 ]; do
		start -n "n$i" "$vm" sleep 1000 >/dev/null && i=$((i + 1)) ||
			exit 1
	done && says 111 "32 sessions are running: that is the most" \
		start "$vm" true'
kill "$agentd"
agentd_start again -m
ok 'sessions outlive the agent that started them' '
	bng-session list "$vm" >out && grep -q "^run  *running" out &&
	bng-session kill "$vm" run && is "$(status run)" "killed by KILL"'
done_testing
