#!/bin/sh
# what a command gets from bng-agent exec, and what comes back
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
agentd_start exec -m || exit

run() { bng-agent exec "$vm" "$@"; }
show='for a; do printf "<%s>" "$a"; done'

ok 'the exact arguments arrive: empty, newlines, quotes, UTF-8' '
	run sh -c "$show" x "" "a
b" "\"q\" '\''s'\'' \\ \$HOME" "é☃" " " "-n" >out &&
	printf "<><a\nb><\"q\" '\''s'\'' \\ \$HOME><é☃>< ><-n>" >want &&
	same out want'
ok 'bytes that are not UTF-8 arrive as they are' '
	run printf %s "$(printf "\377\376x")" >out &&
	printf "\377\376x" >want && same out want'
ok '1,000 arguments arrive' '
	i=0 && set -- && while [ $i -lt 1000 ]; do
		set -- "$@" "n $i"; i=$((i + 1)); done &&
	run sh -c "echo \$#; for last; do :; done; echo \"\$last\"" \
		x "$@" >out &&
	printf "1000\nn 999\n" >want && same out want'
ok 'an argument is as long as a kernel takes it' '
	big=$(head -c 131000 /dev/zero | tr "\0" "\n"; echo x) &&
	run printf %s "$big" >out && printf %s "$big" | cmp - out'
# with N BYTE COMMAND...: N more arguments of 100,000 such bytes.
with() {
	_count=$1 _big=$(head -c 100000 /dev/zero | tr '\0' "$2")
	shift 2
	while [ $_count -gt 0 ]; do
		set -- "$@" "$_big"
		_count=$((_count - 1))
	done
	"$@"
}
# 1,900,000 bytes, and a little environment: what a kernel takes.
ok 'so are all of them together' '
	with 19 "\"" run sh -c "printf %s \"\$@\"" x >out &&
	head -c 1900000 /dev/zero | tr "\0" "\"" | cmp - out'
ok 'input follows a long request' '
	echo hello | with 9 x bng-agent exec -i "$vm" sh -c "cat; echo \$#" x \
		>out && printf "hello\n9\n" | cmp - out'
ok 'a request that is longer is refused in one line' '
	says 125 "longer than 4 MiB" with 12 "\1" run true'

ok 'the status is the command'\''s' '
	run true && fails 1 run false && fails 42 run sh -c "exit 42" &&
	fails 255 run sh -c "exit 255"'
ok 'a signal that ends it is 128 + n' '
	fails 137 run sh -c "kill -9 \$\$" &&
	fails 143 run sh -c "kill \$\$"'
ok 'no such command: 127, and it is named' '
	says 127 "nosuch: command not found" run nosuch &&
	says 127 "/nosuch/x: command not found" run /nosuch/x &&
	fails 127 run ""'
ok 'not executable: 126' '
	echo "#!/no/such/sh" >script && chmod 755 script &&
	says 126 "$T/script: cannot execute: its interpreter" run "$T/script" &&
	says 126 "cannot execute" run /etc/passwd && fails 126 run /'
ok 'a script without an interpreter line is not given to a shell' '
	echo "echo wrong" >plain && chmod 755 plain && fails 126 run "$T/plain"'
ok 'no such directory: 125, and it is named' '
	says 125 "cannot enter '\''/nosuch'\''" \
		bng-agent exec -C /nosuch "$vm" true'
ok 'no such user: 125' '
	says 125 "no user '\''nosuch'\''" bng-agent exec -u nosuch "$vm" true'
ok 'each of these is one line of banger'\''s, with nothing for a terminal' '
	export BNG_NAME=banger && for bad in "-u nosuch" "-u 1:nosuch" \
		"-C /nosuch" "-- nosuch" "-- /etc/passwd" "-- $T/script"; do
		case $bad in
		--*) run $bad 2>err ;;
		*) bng-agent exec $bad "$vm" true 2>err ;;
		esac
		cat err && grep -q "^banger: " err && [ "$(wc -l <err)" = 1 ] ||
			exit 1
	done &&
	says 127 "banger: a?[31mb?c: command not found" \
		run "$(printf "a\033[31mb\nc")" && [ "$(wc -l <.err)" = 1 ]'

ok 'stdout and stderr stay apart' '
	run sh -c "echo out; echo err >&2" >out 2>err &&
	echo out | cmp - out && echo err | cmp - err'
ok '-C is where it runs' '
	bng-agent exec -C /usr "$vm" pwd >out && echo /usr | cmp - out'
ok 'the environment is -e and the defaults, nothing of ours' '
	FOO=leak bng-agent exec -e "A=b c" -e HOME=/x "$vm" env >out &&
	grep -qx "A=b c" out && grep -qx HOME=/x out && ! grep -q leak out &&
	grep -qx LANG=C.UTF-8 out && grep -q ^PATH=/usr/local/sbin out &&
	! grep -q ^TERM out'
ok '-e NAME passes ours on' '
	FOO="a b" bng-agent exec -e FOO -e UNSET_HERE "$vm" env >out &&
	grep -qx "FOO=a b" out && ! grep -q UNSET out'
ok 'the command gets no descriptor of the agent'\''s' '
	run sh -c "ls /proc/self/fd" >out && printf "0\n1\n2\n3\n" | cmp - out'
ok 'signals are at their defaults' '
	run grep -e SigBlk -e SigIgn /proc/self/status >out &&
	[ "$(grep -c "0000000000000000$" out)" = 2 ]'

ok 'without -i stdin is empty' 'echo x | run wc -c >out && echo 0 | cmp - out'
ok 'with -i stdin arrives, and its end' '
	printf "a\nb" | bng-agent exec -i "$vm" cat >out &&
	printf "a\nb" | cmp - out'
ok 'a closed stdin is an empty one' '
	bng-agent exec -i "$vm" wc -c <&- >out && echo 0 | cmp - out'
ok 'a command that does not read does not stall us' '
	head -c 3000000 /dev/zero | bng-agent exec -i "$vm" true'
ok '100 MB both ways, byte for byte' '
	head -c 100000000 /dev/urandom >in &&
	bng-agent exec -i "$vm" cat <in >out && same in out && rm in out'
ok 'an output that nobody reads ends it by SIGPIPE' '
	{ bng-agent exec "$vm" yes; echo $? >status; } | head -n 1 >out &&
	echo y | cmp - out && echo 141 | cmp - status'

ok 'a grandchild that holds the pipe does not keep it from ending' '
	run sh -c "sleep 60 & echo \$!" >out && read -r pid <out &&
	kill "$pid"'
ok 'what a command wrote last is not lost' '
	fails 137 run sh -c "head -c 1000000 /dev/zero; kill -9 \$\$" >out &&
	[ "$(wc -c <out)" = 1000000 ]'

many() {
	set --
	while [ $# -lt 25 ]; do
		{
			run sh -c "cat /etc/passwd; exit $#" >"o.$#"
			echo $? >"s.$#"
		} &
		set -- "$@" $!
	done
	wait "$@"
	while [ $# -gt 0 ]; do
		shift
		same "o.$#" /etc/passwd && echo $# | cmp - "s.$#" || return
	done
}
ok '25 at once' 'many'

stalled() {
	mkfifo stall
	bng-agent exec "$vm" yes >stall &
	exec 8<stall
	read -r line <&8 && run echo alive >out && echo alive | cmp - out
	set -- $?
	exec 8<&-
	return "$1"
}
ok 'one that stalls does not stall another' 'stalled'

ok 'SIGTERM goes to the command, whose status counts' '
	mkfifo up && { bng-agent exec "$vm" sh -c \
		"trap \"exit 9\" TERM; echo up; while :; do sleep 0.05; done" \
		>up & } && p=$! && read -r line <up && kill $p &&
	fails 9 wait $p'
ok 'who is gone takes the command along, its children too' '
	mkfifo up2 && { bng-agent exec "$vm" sh -c \
		"trap : HUP; sh -c \"\$0\" & wait; wait" \
		"trap \"\" HUP; echo \$\$; while :; do sleep 1; done" \
		>up2 & } && p=$! && exec 8<up2 && read -r child <&8 &&
	kill -0 "$child" && kill -9 $p && exec 8<&- &&
	timeout 100 tail --pid="$child" -f /dev/null'

ok 'not running: 125 from exec, 1 from the rest' '
	mkdir -p "$T/vms/off" && says 125 "is not running" \
		bng-agent exec "$T/vms/off/" true &&
	says 1 "is not running" bng-agent ping "$T/vms/off/"'
ok 'an agent that ends: 125, and why' '
	mkfifo up3 && { bng-agent exec "$vm" sh -c "echo up; sleep 60" \
		>up3 2>err & } && p=$! && read -r line <up3 && kill "$agentd" &&
	fails 125 wait $p && grep -q "the machine ended" err'
done_testing
