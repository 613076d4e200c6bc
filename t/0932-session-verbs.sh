#!/bin/sh
# vm session and vm acp as people type them
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
BANGER_STATE=$T
agentd_start web -m || exit
mkdir vms/off

session() { _verb=$1; shift; banger vm session "$_verb" "$@"; }
is() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }

ok 'a planner'\''s day, to the letter' '
	is "$(session start web --name planner --cwd "$T" --stdin-mode pipe \
		-- sh -c "echo hm >&2; exec cat")" planner &&
	session list web >out && grep -q "^planner  *running" out &&
	session send web planner "go  on" && session send web planner <out &&
	session send --eof web planner bye &&
	{ echo "go  on"; cat out; echo bye; } >want &&
	session logs -f web planner --stream stdout | same - want &&
	is "$(session logs web planner --stream=stderr 2>&1)" hm &&
	session show --json web planner | jq -e ".exit == 0"'
ok 'attach is the command'\''s status' '
	session start web --name a --stdin-mode pipe --cwd / -- \
		sh -c "read -r l; echo \"<\$l>\"; exit 7" && echo x >in &&
	fails 7 session attach web a <in >out && echo "<x>" | same - out'
ok 'environment, directory and words are exact' '
	session start web --name e --env "A=b c" --env B= --cwd /usr -- sh -c \
		"pwd; echo \"\$A|\$B|\$1|\$2\"" x "" "y  z" &&
	session logs -f web e >out && printf "/usr\nb c|||y  z\n" | same - out'
ok 'a session starts where the copy of a repository is' '
	mkdir vms/web/workspace &&
	echo /usr/lib >vms/web/workspace/guest_path &&
	session start web --name w -- pwd &&
	is "$(session logs -f web w)" /usr/lib && rm -r vms/web/workspace'
ok 'on a terminal, as wide as ours is not' '
	session start web --name t -t --cwd / -- sh -c "tty; stty -a" &&
	session logs -f web t >out && grep -q "^/dev/" out'
ok 'required commands are looked for before it starts' '
	says 1 "a session in '\''web'\'': there is no command '\''x1'\''" \
		session start web --cwd / --require-command sh \
		--require-command x1 -- true &&
	says 1 "cannot enter '\''/nosuch'\''" \
		session start web --cwd /nosuch -- true'
ok 'stop and kill print the name' '
	session start -q web --name s --cwd / -- sleep 1000 >out &&
	is "$(session stop --timeout 100 web s)" s &&
	session start web --name s --cwd / -- sleep 1000 >out &&
	is "$(session kill --signal SIGHUP web s)" s &&
	session logs -f web s && session show web s | grep -q "killed by HUP"'
ok 'what cannot be is one line, and what to type' '
	for v in "stop web nix" "kill web nix" "show web ..x" "attach web /"
	do
		session $v </dev/null 2>err; is "$(wc -l <err)" 2 || exit 1
		grep -q "^banger: .*there is no session" err || exit 1
		grep -qx "try: banger vm session list web" err || exit 1
	done && says 1 "there is no machine '\''nix'\''" session list nix &&
	says 1 "machine '\''off'\'' is not running" session list off &&
	says 125 "there is no machine '\''nix'\''" session attach nix x'
ok 'misuse is 2, and nothing has happened' '
	fails 2 session start && fails 2 session start web &&
	says 2 "a command is required" session start web &&
	fails 2 session start web -- && fails 2 session start web true &&
	says 2 "neither pipe nor detached" session start web --stdin-mode x \
		-- true &&
	says 2 "exclude each other" session start web -t --stdin-mode=detached \
		-- true &&
	says 2 "--name '\''.x'\''" session start web --name .x -- true &&
	says 2 "NAME=VALUE" session start web --env x -- true &&
	says 2 "neither stdout nor stderr" session logs web a --stream x &&
	says 2 "is not a signal" session kill -s NIX web a &&
	says 2 "is not a number" session stop --timeout 1h web a &&
	says 2 "exclude each other" session attach --mux --socket x web a &&
	fails 2 session attach web && fails 2 session show web &&
	fails 2 session send web && fails 2 session nix web &&
	session list -q web | sort >out && printf "%s\n" a e planner s t w |
	same - out'

ok 'acp passes bytes through, both ways, and the status' '
	head -c 300000 /dev/urandom >in && fails 9 banger vm acp --cwd / \
		web -- sh -c "cat; echo err >&2; exit 9" <in >out 2>err &&
	same in out && is "$(cat err)" err'
ok 'its command is configured, its directory given' '
	is "$(BANGER_ACP="sh -c pwd" banger vm acp --cwd /usr web </dev/null)" \
		/usr'
ok 'a machine without one says so' '
	says 127 "banger: there is no command '\''opencode'\'' in the machine" \
		banger vm acp --cwd / web </dev/null &&
	says 125 "cannot enter '\''/nosuch'\''" banger vm acp --cwd /nosuch \
		web -- cat </dev/null &&
	says 125 "is not running" banger vm acp off </dev/null'
ok 'it ends when the client ends, the agent too' '
	mkfifo i o && { banger vm acp --cwd / web -- sh -c \
		"echo \$\$; cat >/dev/null; exec sleep 1000" <i >o & } &&
	p=$! && exec 8>i 9<o && read -r pid <&9 && kill -0 "$pid" &&
	exec 8>&- 9<&- && wait $p &&
	timeout 100 tail --pid="$pid" -f /dev/null'
ok 'it ends when the agent ends, the client still there' '
	exec 7<>i && fails 3 banger vm acp --cwd / web -- \
		sh -c "echo hi; exit 3" <i >out && is "$(cat out)" hi'
# told STATUS TEXT HINT COMMAND...: it fails so, and says what to type.
told() {
	_status=$1 _text=$2 _hint=$3
	shift 3
	says "$_status" "$_text" "$@" </dev/null &&
		[ "$(wc -l <.err)" = 2 ] && grep -qxF "$_hint" .err
}
ok 'in a machine that does not run, each says how to start it' '
	_off="machine '\''off'\'' is not running" &&
	_start="try: banger vm start off" &&
	for verb in list "start off -- true" "show off s" "attach off s" \
		"logs off s" "send off s x" "stop off s" "kill off s"; do
		case $verb in
		list) verb="list off" ;;
		esac
		case $verb in
		attach*) status=125 ;;
		*) status=1 ;;
		esac
		told $status "$_off" "$_start" banger vm session $verb ||
			exit 1
	done && told 125 "$_off" "$_start" banger vm acp off &&
	told 125 "$_off" "$_start" banger vm exec off -- true'
ok 'of a session that is not there, runs or has ended: where they are listed' '
	list="try: banger vm session list web" &&
	session start web --name on --cwd / -- sleep 600 &&
	session start web --name over --cwd / --stdin-mode pipe -- true &&
	session logs -f web over &&
	told 1 "session '\''on'\'' is running already" "$list" \
		banger vm session start --name on --cwd / web -- true &&
	for verb in show send logs stop kill; do
		told 1 "no session '\''none'\''" "$list" \
			banger vm session $verb web none || exit 1
	done && told 125 "no session '\''none'\''" "$list" \
		banger vm session attach web none &&
	told 1 "session '\''over'\''" "$list" \
		banger vm session send web over x &&
	session kill web on'
done_testing
