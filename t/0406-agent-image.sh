#!/bin/sh
# what the image says is what a command begins with; what is asked goes before
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"

cat >say <<-'END'
	#!/bin/sh
	printf '<%s>' "$@"
	echo
END
chmod 755 say . && mkdir -m 755 at
AGENT_IMAGE='{"env":["PATH='"$T"':/bin","A=1 2","HOME=/h","B=image"],
"cwd":"'"$T"'/at","user":"daemon","entrypoint":["say","-v"],
"cmd":["a b","c"],"stop_signal":"SIGQUIT"}'
[ "$(id -u)" = 0 ] || AGENT_IMAGE=$(printf %s "$AGENT_IMAGE" |
	sed 's/"user":"daemon",//')
export AGENT_IMAGE
agentd_start image -m || exit
image=$vm
export AGENT_IMAGE='{}'
agentd_start none -m || exit
none=$vm vm=$image
run() { bng-agent exec "$@"; }
# id_of SPEC: uid, gid and all groups of who that is.
id_of() { run -u "$1" "$vm" sh -c 'echo "$(id -u) $(id -g) $(id -G)"'; }

ok 'the environment is the image'\''s, under the one of the request' '
	run -e B=mine -e C= "$vm" env >out && grep -qx "A=1 2" out &&
	grep -qx B=mine out && grep -qx C= out && grep -qx HOME=/h out &&
	grep -qx "PATH=$T:/bin" out && [ "$(grep -c ^B= out)" = 1 ] &&
	grep -qx LANG=C.UTF-8 out'
ok 'the command is looked for in the PATH of the image' '
	run "$vm" say x >out && echo "<x>" | cmp - out &&
	fails 127 run "$none" say x'
ok 'it begins in the directory of the image, or in the one of the request' '
	[ "$(run "$vm" pwd)" = "$T/at" ] && [ "$(run -C / "$vm" pwd)" = / ] &&
	[ "$(run "$none" pwd)" = "$(run "$none" sh -c "cd && pwd")" ]'
ok 'without a command, what the image runs; with other arguments, or never' '
	run "$vm" >out && echo "<-v><a b><c>" | cmp - out &&
	run -E "$vm" x "y z" >out && echo "<-v><x><y z>" | cmp - out &&
	run -E "$vm" >out && echo "<-v><a b><c>" | cmp - out &&
	says 125 "its image names none" run "$none" &&
	says 125 "its image names none" run -E "$none" x'
ok 'or only where the command is not there' '
	run -o "$vm" nosuch >out && echo "<-v><a b><c>" | cmp - out &&
	[ "$(run -o "$vm" echo hi)" = hi ] &&
	says 127 "nosuch: command not found" run -o "$none" nosuch'
ok 'a session begins so, too, and is said to be there' '
	bng-session start -n one "$vm" -- sh -c "pwd; echo \$A" &&
	bng-session logs -f "$vm" one >out &&
	printf "$T/at\n1 2\n" | cmp - out &&
	[ "$(bng-session show -j "$vm" one | jq -r .cwd)" = "$T/at" ]'
need ROOT 'the user is the image'\''s, or the one of the request' '
	[ "$(run "$vm" id -un)" = daemon ] &&
	run -u root "$vm" env >out && grep -qx HOME=/root out &&
	grep -qx USER=root out && grep -qx "A=1 2" out &&
	[ "$(run -u games "$vm" sh -c "echo \$HOME \$LOGNAME")" = \
		"/usr/games games" ]'
need ROOT 'by name or number, with a group or with all of theirs' '
	[ "$(id_of games)" = "5 60 60" ] && [ "$(id_of 5)" = "5 60 60" ] &&
	[ "$(id_of games:daemon)" = "5 1 1" ] &&
	[ "$(id_of games:77)" = "5 77 77" ] &&
	[ "$(id_of 4321)" = "4321 0 0" ] &&
	[ "$(id_of 4321:daemon)" = "4321 1 1" ] &&
	[ "$(id_of :daemon)" = "0 1 1" ] &&
	[ "$(run -u 4321 "$vm" sh -c "echo \$HOME \$USER")" = "/ 4321" ]'
need ROOT 'who is nobody there is an error that says so' '
	says 125 "no user '\''nosuch'\''" run -u nosuch "$vm" true &&
	says 125 "no group '\''nosuch'\''" run -u games:nosuch "$vm" true &&
	says 125 "no user '\''-1'\''" run -u -1 "$vm" true &&
	says 125 "no user '\''4294967295'\''" run -u 4294967295 "$vm" true &&
	says 125 "no group '\'''\''" run -u games: "$vm" true &&
	says 125 "too long" run -u "$(printf %0300d 1)" "$vm" true'

# A passwd of our own is seen in a mount namespace of its own.
if need ROOT 'groups are those of /etc/group'; then
	mkdir etc
	printf '%s\n' 'app:x:1001:1002::/srv/app:/bin/app' 'broken' \
		'bad:x:many:1::/:' 'hi:x:1003:1002:::' >etc/passwd
	printf '%s\n' 'app:x:1002:' 'www:x:33:hi,app' 'wheel:x:10:apple,app' \
		'docker:x:99:app,app' 'no:x:y:app' >etc/group
	cat >there <<-'END'
		set -e
		mount --bind "$T/etc" /etc
		BNG_TOP=$TOP
		. "$TOP/t/lib.sh"
		AGENT_IMAGE='{"user":"app"}' && export AGENT_IMAGE
		. "$TOP/t/agentd.sh"
		agentd_start own -m
		bng-agent exec "$vm" sh -c 'echo $(id -u) $(id -g) $(id -G)
			echo $HOME $SHELL $USER'
		bng-agent exec -u hi "$vm" sh -c 'echo $(id -G) $HOME $SHELL'
		bng-agent exec -u root "$vm" sh -c 'echo $(id -u) $HOME'
		bng-agent exec -u bad "$vm" true
	END
	ok 'groups are those of /etc/group, whatever else stands there' '
		{ fails 125 unshare -m --propagation private sh there \
			>out 2>err; } &&
		cat err && cat out && printf "%s\n" "1001 1002 1002 10 33 99" \
			"/srv/app /bin/app app" "1002 33 / /bin/sh" \
			"0 /root" | cmp - out &&
		grep -q "no user .bad. in the machine" err'
fi
done_testing
