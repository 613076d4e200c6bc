#!/bin/sh
# a person attached to a session, on a terminal (tmux)
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
. "$TOP/t/screen.sh"
need tmux 'a terminal is one' || done_testing
agentd_start tty -m || exit

screen_start || exit
attach="bng-session attach $vm"

ok 'a session on a terminal has it, as wide as ours, when we attach' '
	bng-session start -t -n sh "$vm" env PS1=guest:\> bash --norc &&
	enter "$attach sh; echo st=\$?" && sees "^guest:>" &&
	keys "tty; stty size; echo \$TERM" Enter && sees "^/dev/pts/" &&
	sees "^30 100"'
ok 'its size follows ours' '
	keys "clear; trap \"stty size\" WINCH; echo set" Enter && sees "^set" &&
	mux resize-window -t s -x 80 -y 25 && sees "25 80" &&
	mux resize-window -t s -x 90 -y 20 && sees "20 90" &&
	keys "trap - WINCH" Enter'
ok 'Ctrl-C is the session'\''s' '
	keys "clear; sh -c \"echo up; exec sleep 1000\"" Enter &&
	sees "^up" && keys C-c && keys "echo int=\$?" Enter &&
	sees "^int=130"'
ok 'Ctrl-] leaves it, our terminal is as before' '
	keys "i=5" Enter && keys C-] && sees "left session .sh., which" &&
	sees "^st=0" && enter "stty -a >$T/after; echo ok" && sees "^ok" &&
	grep -q " icanon" after && grep -q " echo " after'
ok 'it went on, and is where it was' '
	enter "$attach sh; echo st=\$?" && keys Enter && sees "^guest:>" &&
	keys "echo it=\$i" Enter && sees "^it=5"'
ok 'killed, we leave our terminal in order, and the session in peace' '
	pid=$(bng-session show -j "$vm" sh | jq -r .attached.who |
		tr -dc 0-9) && kill "$pid" && sees "^st=143\|Terminated" &&
	rm after && enter "stty -a >$T/after; echo now" && sees "^now" &&
	grep -q " icanon" after &&
	bng-session list "$vm" | grep "^sh *running"'
ok 'when it ends, its status is ours' '
	enter "$attach sh; echo st=\$?" && keys "clear; exit 7" Enter &&
	sees "^st=7"'
ok 'stop hangs up a shell that does not mind TERM' '
	bng-session start -t -n sh "$vm" bash --norc -i &&
	timeout 100 bng-session stop -t 600 "$vm" sh'
ok 'without a terminal of its own, lines go in, Ctrl-D leaves' '
	bng-session start -p -n cat "$vm" cat && enter "$attach cat" &&
	keys "hello" Enter && sees "^hello" && keys C-d &&
	sees "left session .cat., which goes" &&
	bng-session list "$vm" | grep "^cat *running"'
ok 'nothing of a log makes the terminal do something' '
	bng-session start -n esc "$vm" printf \
		"\\033[2J\\033]0;title\\007bell\\302\\233mx\\r\\n" &&
	bng-session logs -f "$vm" esc >raw && grep -q "$(printf "\\033")" raw &&
	script -qec "bng-session logs $vm esc" typescript </dev/null &&
	grep "\[2J" typescript | tr -d "\r" >out &&
	echo "[2J]0;titlebellmx" | same - out'
done_testing
