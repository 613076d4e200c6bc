#!/bin/sh
# attached to a session: by bng-session, by programs of other people
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
# Two ways to the same sessions.
agentd_start first -m || exit
first=$vm carrier=$agentd
agentd_start kept -m || exit

# start NAME [-C DIR] VM COMMAND...: anew, whatever was so called.
start() {
	bng-session kill "$vm" "$1" 2>/dev/null
	bng-session start -p -n "$@" >/dev/null
}
attach() { timeout 300 bng-session attach "$vm" "$@"; }
is() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }
# attached NAME: by whom.
attached() { bng-session show -j "$vm" "$1" | jq -r .attached.who; }
# left NAME: nobody is attached any more, as soon as the keeper has noticed.
left() {
	_left=0
	until is "$(attached "$1")" null; do
		_left=$((_left + 1))
		[ $_left -lt 2000 ] || return 1
		sleep 0.05
	done
}
# taken NAME: our hold has got it.
taken() {
	until is "$(attached "$1")" "process $held of the host"; do
		kill -0 $held || return
		sleep 0.05
	done
}
# frame CHANNEL TEXT
frame() {
	printf "\\$(printf %o "$1")\\000\\000\\000\\$(printf %o ${#2})%s" "$2"
}
# What an echo with a voice of its own does with each line.
echo_sh='while read -r l; do [ "$l" != end ] || exit 7; echo "<$l>"
	echo "($l)" >&2; done'

ok 'input goes in, both streams come out, the status is the command'\''s' '
	start e "$vm" sh -c "$echo_sh" && printf "a\nb\nend\n" >in &&
	fails 7 attach e <in >out 2>err &&
	printf "<a>\n<b>\n" | same - out && printf "(a)\n(b)\n" | same - err'
ok 'a signal that ends it is 128 + n' '
	start e "$vm" sh -c "read -r l; kill -9 \$\$" && echo >in &&
	fails 137 attach e <in'
ok 'one that has ended cannot be attached to' '
	says 125 "session '\''e'\'' has ended" attach e'
ok 'megabytes pass both ways at once, byte for byte' '
	head -c 20000000 /dev/urandom >in && start cat "$vm" \
		head -c 20000000 && attach cat <in >out && same in out &&
	rm in out'
ok 'what was written before is there, once' '
	mkfifo said && start e -C "$T" "$vm" sh -c \
		"echo early; echo >said; $echo_sh" && read -r _ <said &&
	bng-session send "$vm" e one && mkfifo in1 &&
	{ attach e <in1 >out 2>err & } && p=$! && exec 8>in1 &&
	echo two >&8 && echo end >&8 && exec 8>&- && { wait $p; is $? 7; } &&
	printf "early\n<one>\n<two>\n" | same - out'

# hold NAME [VM]: attach; its input is our descriptor 8, its output our 9.
hold() {
	rm -f i o && mkfifo i o || return
	"$BUILD/bng-session" attach "${2:-$vm}" "$1" <i >o 2>held.err &
	held=$!
	exec 8>i 9<o
}
ok 'a second is refused, and told who is attached' '
	start e "$vm" sh -c "$echo_sh" && hold e && echo x >&8 &&
	read -r line <&9 && is "$line" "<x>" &&
	is "$(attached e)" "process $held of the host" &&
	says 125 "is attached already, by process $held of the host" \
		attach e && kill -9 $held && left e'
ok 'killed, it hurts nobody: the next one goes on' '
	hold e && echo y >&8 && read -r line <&9 && is "$line" "<y>" &&
	kill -9 $held && left e && exec 8>&- 9<&- &&
	bng-session send "$vm" e z && hold e && read -r line <&9 &&
	is "$line" "<z>" && kill -9 $held && left e'
ok 'so does the end of what carried its connection' '
	hold e "$first" && echo x >&8 && read -r line <&9 &&
	is "$line" "<x>" && kill -9 "$carrier" && left e && exec 8>&- 9<&- &&
	hold e && echo back >&8 && read -r line <&9 && is "$line" "<back>" &&
	kill -9 $held && left e'
ok 'the end of our input is not the session'\''s' '
	hold e && exec 8>&- && { bng-session send "$vm" e w || exit 1; } &&
	read -r line <&9 && is "$line" "<w>" && is "$(attached e)" \
		"process $held of the host" && exec 9<&- && left e &&
	wait $held'
ok 'a reader that is gone is a reason to leave' '
	hold e && echo x >&8 && read -r line <&9 && exec 9<&- && wait $held &&
	left e && exec 8>&-'
ok 'who does not read makes the command wait, and loses nothing' '
	start n "$vm" sh -c "read -r l; seq 300000" && hold n && echo >&8 &&
	read -r line <&9 && is "$line" 1 &&
	bng-session show "$vm" n | grep "^status *running" &&
	{ echo 1; cat <&9; } >out && wait $held &&
	seq 300000 | same - out && exec 8>&-'
# bytes NAME: of its stdout, so far. full NAME: until there are no more.
bytes() { bng-session show -j "$vm" "$1" | jq .stdout_bytes; }
full() {
	_full=
	until is "$(bytes "$1")" "$_full"; do
		_full=$(bytes "$1")
	done
}
# In pieces of which a full pipe holds less than 64 KiB.
ok 'nor what was in its pipe when it ended' '
	seq 900000 >all && start n "$vm" sh -c \
		"read -r l; exec dd bs=3000 status=none if=$T/all" &&
	hold n && echo >&8 && read -r line <&9 && is "$line" 1 && full n &&
	bng-session kill -s TERM "$vm" n && { echo 1; cat <&9; } >out &&
	{ wait $held; is $? 143; } && exec 8>&- &&
	is "$(wc -c <out)" "$(bytes n)" && cmp -n "$(bytes n)" all out'
ok 'while nobody is attached the oldest goes, and that is said' '
	start n "$vm" sh -c "seq 300000; exec cat" &&
	mkfifo f && { bng-session logs -f "$vm" n | grep -m1 -x 300000 >f & } &&
	read -r _ <f && hold n && taken n && exec 8>&- &&
	bng-session send -e "$vm" n end && cat <&9 >out && wait $held &&
	seq 300000 >all && echo end >>all &&
	[ "$(wc -c <out)" -gt 400000 ] && tail -c "$(wc -c <out)" all |
	same - out && grep -q "bytes that were written meanwhile are lost" \
		held.err'

ok 'another program attaches by agent.sock alone' '
	start e "$vm" sh -c "$echo_sh" &&
	{ frame 4 "{\"v\":1,\"op\":\"session.attach\",\"name\":\"e\"}"
	frame 1 "hi
end
"; } | timeout 100 frames "$vm" >out && head -n 1 out | sed "s/^4 //" |
	jq -e ".type == \"attached\" and .tty == false and .stdout == 0" &&
	grep -qx "2 <hi>" out && grep -qx "3 (hi)" out &&
	tail -n 1 out | sed "s/^4 //" |
	jq -e ".type == \"exit\" and .exit_code == 7"'
ok 'and goes on from any byte that is kept' '
	start s "$vm" cat &&
	bng-session send "$vm" s 0123456789 && hold s && read -r line <&9 &&
	is "$line" 0123456789 && kill -9 $held && left s &&
	frame 4 "{\"v\":1,\"op\":\"session.attach\",\"name\":\"s\",
		\"stdout\":4}" | timeout 100 frames -n 2 "$vm" >out &&
	grep -qx "2 456789" out'
ok 'mux is the same on stdin and stdout' '
	start e "$vm" sh -c "$echo_sh" && frame 1 "hi
end
" >in && timeout 100 bng-session mux "$vm" e <in | frames - >out &&
	head -n 1 out | grep -q "^4 .*\"type\":\"attached\"" &&
	grep -qx "2 <hi>" out &&
	tail -n 1 out | grep -q "^4 .*\"exit_code\":7"'
ok 'an error is one frame of it' '
	timeout 100 bng-session mux "$vm" e </dev/null | frames - >out &&
	sed "s/^4 //" out | jq -e ".type == \"error\" and
		.error == \"session '\''e'\'' has ended\""'
ok 'an empty frame ends the input' '
	start c "$vm" cat && { frame 1 x; frame 1 ""; } |
	timeout 100 bng-session mux "$vm" c | frames - >out &&
	grep -qx "2 x" out && tail -n 1 out | grep -q "\"exit_code\":0"'
ok 'a signal frame is one' '
	start c "$vm" cat && frame 4 "{\"type\":\"signal\",\"signal\":10}" |
	timeout 100 bng-session mux "$vm" c | frames - >out &&
	tail -n 1 out | grep -q "\"exit_code\":138"'
ok 'serve does it on a socket, for one after the other' '
	start e "$vm" sh -c "$echo_sh" && mkfifo at &&
	{ bng-session serve "$vm" e "$T/e.sock" >at & } && s=$! &&
	read -r path <at && is "$path" "$T/e.sock" &&
	is "$(stat -c %a e.sock)" 600 &&
	says 1 "serves '\''$T/e.sock'\'' already" \
		bng-session serve "$vm" e "$T/e.sock" &&
	frame 1 "one
" | timeout 100 frames -n 3 "$T/e.sock" >out && grep -qx "2 <one>" out &&
	left e && frame 1 "end
" | timeout 100 frames "$T/e.sock" >out && tail -n 1 out |
	grep -q "\"exit_code\":7" && kill $s && { wait $s; is $? 143; } &&
	[ ! -e e.sock ]'
done_testing
