#!/bin/sh
# vm run and its relatives with real guests: the smallest there is.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

vms=$BANGER_STATE/vms
empty() { [ -z "$(ls -A "$vms" 2>/dev/null)" ]; }
run() { banger vm run --image tiny --memory 256M "$@"; }
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

ok 'a command runs in a machine that is gone afterwards' '
	fails 42 run --rm -- sh -c "echo out; echo err >&2; exit 42" \
		>out 2>err && [ "$(cat out)" = out ] &&
	head -n 1 err | grep -q "^spec: " && grep -qx err err &&
	grep -Eqx "ready in [0-9]+\.[0-9] s" err && empty'
ok 'detached, it is ready when its name is printed' '
	[ "$(run -q -d --name web)" = web ] &&
	banger ps | grep -q "^web  *running  *tiny"'
ok 'exec passes words, environment, directory and status' '
	banger vm exec web -C /tmp --env "A=b c" -- sh -c \
		"printf \"%s|\" \"\$PWD\" \"\$A\" \"\$@\"" \
		sh "" "x y" "é" >out &&
	[ "$(cat out)" = "/tmp|b c||x y|é|" ] &&
	fails 7 banger vm exec web -- sh -c "exit 7" &&
	fails 127 banger vm exec web -- no-such-command &&
	fails 126 banger vm exec web -- /etc/passwd &&
	fails 143 banger vm exec web -- sh -c "kill -TERM \$\$"'
ok 'megabytes pass through stdin and stdout byte for byte' '
	head -c 20000000 /dev/urandom >big &&
	banger vm exec web -- cat <big >out && same big out &&
	banger vm exec web -- cat <&- >out && [ ! -s out ]'
ok 'ten commands at once keep apart' '
	for i in 1 2 3 4 5 6 7 8 9 10; do
		banger vm exec web -- sh -c "echo $i; exit $i" >"out.$i" &
		eval "p_$i=$!"
	done && for i in 1 2 3 4 5 6 7 8 9 10; do
		eval "fails $i wait \$p_$i" && [ "$(cat "out.$i")" = "$i" ] ||
			exit 1
	done'
ok 'a terminal has the size of ours, and a shell that listens' '
	printf "stty size; tty; exit 3\n" >typed &&
	fails 3 script -qec "stty rows 33 cols 77; banger vm exec web" \
		/dev/null <typed >out && grep -q "^33 77" out &&
	grep -q /dev/pts/ out'
ok 'TERM ends the command, and the status tells' '
	mkfifo here && { "$BUILD/banger" vm exec web -- sh -c \
		"echo up; exec sleep 1000" >here & } && read -r _ <here &&
	kill -TERM $! && fails 143 wait $!'
ok 'a copy of a repository is where the command starts' '
	mkdir repo && git -C repo init -q && echo hello >"repo/a b" &&
	git -C repo add . && git -C repo -c user.name=a -c user.email=b \
		commit -qm 1 && run -q --rm repo -- cat "a b" >out &&
	[ "$(cat out)" = hello ]'
ok 'stop keeps what was written, start finds it' '
	banger vm exec web -- sh -c "echo kept >/root/file" &&
	banger vm stop web && banger ps | grep -q "^web  *stopped" &&
	says 1 "not running" banger vm stop web &&
	says 125 "not running" banger vm exec web -- true &&
	banger vm start -q web &&
	says 1 "already running" banger vm start web &&
	[ "$(banger vm exec web -- cat /root/file)" = kept ]'
ok 'logs are there while it runs and end with it' '
	{ banger vm logs -f web >log & } && banger vm kill web && wait $! &&
	banger ps | grep -q "^web  *\(stopped\|error\)"'
ok 'a machine that powers itself off is no longer running' '
	! run -q --name off -- poweroff -f && bng-qemu wait -t 100 off &&
	banger vm delete off'
ok 'TERM while it boots and during the command leaves nothing' '
	banger vm delete web && mkfifo up &&
	{ "$BUILD/banger" vm run -q --rm --image tiny --memory 256M -- \
		sh -c "echo up; exec sleep 1000" >up & } && read -r _ <up &&
	kill -TERM $! && fails 143 wait $! && empty'
ok 'kill -9 leaves nothing after gc' '
	{ "$BUILD/banger" vm run -q --rm --image tiny --memory 256M -- \
		sh -c "echo up; exec sleep 1000" >up & } && read -r _ <up &&
	kill -9 $! && fails 137 wait $! && banger gc && empty'

done_testing
