# screen.sh - a terminal with a shell in it, and a person's eyes and hands
#
#	. "$TOP/t/screen.sh"		(after lib.sh)
#	screen_start || exit		100 columns, 30 lines; prompt "host> "
#	keys KEY ...			typed, as tmux names them
#	enter LINE			typed on a cleared screen, and Enter
#	sees REGEX			it is on the screen by and by
#	mux ...				tmux, whose session is s
#
# shellcheck shell=sh

mux() { tmux -L "bng-$$" -f /dev/null "$@"; }
keys() { mux send-keys -t s "$@"; }
# Cleared here at once, too: what was seen before must not be seen again.
enter() {
	mux send-keys -R -t s
	keys "clear; $1" Enter
}

# tmux has no event for what is seen.
sees() {
	_tries=0
	until mux capture-pane -p -t s | grep -q -e "$1"; do
		_tries=$((_tries + 1))
		[ $_tries -lt 1200 ] || { mux capture-pane -p -t s; return 1; }
		sleep 0.05
	done
}

screen_start() {
	at_end 'mux kill-server'
	mux new-session -d -s s -x 100 -y 30 "env PS1='host> ' sh" &&
		sees '^host>'
}
