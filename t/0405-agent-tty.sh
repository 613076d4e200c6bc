#!/bin/sh
# a terminal in a machine: bng-agent exec -it, used by a person (tmux)
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
. "$TOP/t/screen.sh"
need tmux 'a terminal is one' || done_testing
agentd_start tty -m || exit

size() { mux resize-window -t s -x "$1" -y "$2"; }
screen_start || exit

# What is typed once a command has said that it is up finds its terminal.
in_guest="bng-agent exec -it $vm"

ok 'a command has a terminal, of our size and kind' '
	enter "$in_guest env PS1=guest:\\> bash --norc; echo st=\$?" &&
	sees "^guest:>" && keys "tty; stty size; echo \$TERM" Enter &&
	sees "^/dev/pts/" && sees "^30 100" && sees "^screen\|^tmux"'
# One job, that a key stops whatever of it is at work.
sizes='while :; do stty size; sleep 0.1; done'
ok 'its size follows ours' '
	size 80 25 && enter "sh -c \"$sizes\"" &&
	sees "^25 80" && size 90 20 && sees "^20 90"'
ok 'Ctrl-C is for the command' '
	keys C-c && enter "echo int=\$?" && sees "^int="'
ok 'Ctrl-Z stops it, fg goes on' '
	enter "sh -c \"echo up; exec sleep 1000\"" && sees "^up" &&
	keys C-z && sees "Stopped" && keys "fg" Enter && sees "^sh -c" &&
	keys C-c && keys "echo back=\$?" Enter && sees "^back=130"'
ok 'UTF-8 goes through' 'enter "echo é☃" && sees "^é☃"'
ok 'its status is ours at the end, our terminal is as before' '
	enter "exit 7" && sees "^st=7" &&
	enter "stty -a >$T/after; echo ok" && sees "^ok" &&
	grep -q " icanon" after && grep -q " echo " after'
ok 'a command killed with its terminal open leaves ours in order' '
	enter "$in_guest sh -c '\''kill -9 \$\$'\''; echo killed=\$?" &&
	sees "^killed=137" && rm after &&
	enter "stty -a >$T/after; echo now" && sees "^now" &&
	grep -q " icanon" after'
ok 'Ctrl-D ends the input' '
	enter "$in_guest sh -c '\''echo up; cat'\''; echo end=\$?" &&
	sees "^up" && keys C-d && sees "^end=0"'
ok 'a terminal that goes takes the command along' '
	enter "$in_guest \
sh -c '\''echo \$\$ >$T/pid; echo up; sleep 1000'\''" &&
	sees "^up" && read -r pid <pid && mux kill-server &&
	timeout 100 tail --pid="$pid" -f /dev/null'
done_testing
