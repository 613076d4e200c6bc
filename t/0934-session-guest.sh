#!/bin/sh
# sessions in a real machine: what only one shows
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
need qemu-system-x86_64 'sessions live in a machine' || done_testing
store || exit 1
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

session() { _verb=$1; shift; timeout 300 banger vm session "$_verb" "$@"; }
is() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }
# A counter that lives in memory alone.
count='n=0; while read -r l; do n=$((n + 1)); echo "$n $l"; done'

banger vm run -q -d --name web --image tiny --memory 256M || exit

ok 'a session stays when its client has gone, and starts in /root' '
	session start web --name c --stdin-mode pipe -- sh -c "pwd; $count" &&
	session send web c one && session show web c | grep "^cwd  */root"'
ok 'attached, killed, and attached again' '
	mkfifo i o && { "$BUILD/bng-session" attach web c <i >o & } && p=$! &&
	exec 8>i 9<o && read -r pwd <&9 && is "$pwd" /root &&
	read -r line <&9 && is "$line" "1 one" &&
	says 125 "is attached already, by process $p of the host" \
		session attach web c && kill -9 $p && exec 8>&- 9<&- &&
	session send web c two && echo three >in && mkfifo o2 &&
	{ session attach web c <in >o2 & } && p=$! && exec 9<o2 &&
	read -r line <&9 && is "$line" "2 two" &&
	session send web c four && session send --eof web c five &&
	cut -d" " -f1 <&9 >o3 && wait $p && printf "%s\n" 3 4 5 | same - o3'
ok 'megabytes of output in order, as fast as we read' '
	session start web --name m --stdin-mode pipe -- \
		sh -c "read -r l; seq 100000" && echo go >in &&
	session attach web m <in >out && seq 100000 | same - out'
ok 'a session on a terminal' '
	session start web --name t -t -- sh &&
	session send web t "tty; stty size; exit 4" &&
	session logs -f web t | grep /dev/pts &&
	session show web t | grep "^status  *exited 4"'
ok 'acp is there, in /root/repo when that is there' '
	is "$(banger vm acp web -- pwd </dev/null)" /root &&
	banger vm exec web -- mkdir /root/repo &&
	is "$(banger vm acp web -- pwd </dev/null)" /root/repo &&
	says 127 "no command '\''opencode'\''" banger vm acp web </dev/null'
ok 'a fork goes on with them, each by itself' '
	session start web --name k --stdin-mode pipe -- sh -c "$count" &&
	session send web k a && banger vm fork -q web twin &&
	session send web k b && session send twin k c &&
	session send --eof web k d && session send --eof twin k e &&
	session logs -f web k >one && session logs -f twin k >two &&
	printf "1 a\n2 b\n3 d\n" | same - one &&
	printf "1 a\n2 c\n3 e\n" | same - two && banger vm delete twin'
ok 'a restore brings back what ran then, with nobody attached' '
	session start web --name r --stdin-mode pipe -- sh -c "$count" &&
	mkfifo i2 o3f o4f && { "$BUILD/bng-session" attach web r <i2 >o3f & } &&
	exec 8>i2 9<o3f && echo a >&8 && read -r line <&9 &&
	banger vm snapshot -q web s && exec 8>&- 9<&- &&
	session kill web r && banger vm restore -q -f web s &&
	echo b >in && { session attach web r <in >o4f & } && p=$! &&
	exec 9<o4f && read -r line <&9 && is "$line" "2 b" &&
	session send --eof web r c && is "$(cat <&9)" "3 c" && wait $p'
ok 'a machine that starts again knows nothing of them' '
	session start web --name z -- sleep 1000 && banger vm stop -q web &&
	says 1 "is not running" session list web && banger vm start -q web &&
	session list --json web | jq -e ". == []" &&
	says 1 "there is no session" session show web z'
done_testing
