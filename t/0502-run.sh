#!/bin/sh
# vm run and its relatives, with stand-ins for guests: what is made, what is
# left, and which status comes out, also when it goes wrong half-way.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"

vms=$BANGER_STATE/vms
empty() { [ -z "$(ls -A "$vms" 2>/dev/null)" ]; }
run() { banger vm run --image fake "$@"; }

# broken VERB TEXT COMMAND...: it, while that verb of the stand-ins fails so.
broken() {
	echo "bng-x: $2" >"fail.$1"
	_broken_verb=$1
	shift 2
	("$@")
	_broken_status=$?
	rm "fail.$_broken_verb"
	return "$_broken_status"
}

# hung VERB COMMAND...: it in the background, as $hung, until that verb of
# the stand-ins hangs.
hung() {
	: >"hang.$1"
	shift
	"$@" &
	hung=$!
	read -r _ <hung
}
# A job of a shell ignores INT, and what is ignored cannot be trapped.
rm_run() {
	exec env --default-signal=INT "$T/fake/banger" vm run --rm -q \
		--image fake -- sleep 1000
}

# signal SIGNAL STAGE STATUS: sent to banger alone while it hangs in that
# stage; it ends with STATUS and nothing is left.
signal() {
	hung "$2" rm_run
	kill -"$1" "$hung"
	fails "$3" wait "$hung" && empty
}

ok 'what the image is to run has to be known of it, before a machine is made' '
	says 125 "it names no command" run -q --entrypoint -- true && empty &&
	says 125 "cannot find a kernel" run -q --kernel nope -- true && empty'
ok 'a state that cannot be used is a failure of ours: 125' '
	(BANGER_STATE=relative && says 125 "is not an absolute path" \
		run -q -- true && says 125 "is not an absolute path" \
		banger vm exec x -- true && says 1 "is not an absolute path" \
		banger vm list) &&
	mkdir newer && echo 999 >newer/version && (BANGER_STATE=$T/newer &&
		fails 125 run -q -- true && fails 1 banger vm list &&
		echo 0 >newer/version && says 1 "version does not say 1" \
			banger vm list)'
ok 'the status of a command is ours, its output is apart' '
	fails 42 run -q --rm -- sh -c "echo out; echo err >&2; exit 42" \
		>out 2>err &&
	[ "$(cat out)" = out ] && [ "$(cat err)" = err ] && empty &&
	fails 0 run -q --rm -- true &&
	fails 255 run -q --rm -- sh -c "exit 255"'
ok 'the words of a command arrive as they are' '
	run -q --rm -- printf "[%s]" "" " a  b " "\$HOME" "*" "q\"'\''q" "-n" \
		"--rm" "--" "$(printf "new\nline")" >out &&
	printf "[%s]" "" " a  b " "\$HOME" "*" "q\"'\''q" "-n" "--rm" "--" \
		"$(printf "new\nline")" >want && same out want'
ok 'a thousand words arrive in no time' '
	seq 1000 >want && xargs sh -c "timeout 100 banger vm run -q --rm \
		--image fake -- printf \"%s\\n\" \"\$@\"" sh <want >out &&
	same out want'
ok 'the environment given is the environment got' '
	run -q --rm --env A=1 --env "B=two words=\"x\"" --env=C= -- \
		sh -c "printf %s, \"\$A\" \"\$B\" \"\${C-unset}\"" >out &&
	[ "$(cat out)" = "1,two words=\"x\",," ]'
ok 'standard input reaches the command, also when it is closed' '
	seq 1 100000 >big && run -q --rm -- cat <big >out && same big out &&
	run -q --rm -- cat <&- >out && [ ! -s out ]'
ok 'a closed stdout and stderr do not end up in a file of ours' '
	{ run --rm -- sh -c "echo a; echo b >&2" >&- 2>&- || true; } && empty'
ok 'what cannot be written to a closed stdout is an error' '
	(says 1 "cannot write to standard output: Bad file descriptor" \
		banger vm list >&-) && run -q --rm -- true >&- && empty'
ok 'spec: comes first, then the steps, then that it is ready' '
	run --rm --vcpu 2 --memory 1G --disk-size 4G -- true 2>err &&
	[ "$(head -n 1 err)" = "spec: 2 vcpu | 1024 MiB | 4 GiB disk |\
 qemu tcg (no usable KVM: the cpu is a fake)" ] &&
	tail -n 1 err | grep -Eqx "ready in [0-9]+\.[0-9] s"'
ok 'quiet says nothing at all' '
	run --rm -q -- true >out 2>&1 && [ ! -s out ]'
ok 'what was asked for is in the values of the machine' '
	run -q -d --name full --vcpu 2 --memory 1G --disk-size 1T --no-nat \
		--nested >out && [ "$(cat out)" = full ] &&
	bng-state get full vcpu memory_mib disk_bytes nat nested ephemeral \
		>got && [ "$(tr "\n" " " <got)" = \
		"2 1024 1099511627776 no yes no " ] &&
	banger vm delete full && empty'
ok 'what a session leaves running is said' '
	run --name left -- true 2>err &&
	grep -q "left'\'' is still running" err &&
	[ -d "$vms/left" ] && banger vm delete left'
ok 'the host key is made on the host' '
	run -q -d --name keys && [ -s "$vms/keys/ssh_host_key" ] &&
	[ "$(stat -c %a "$vms/keys/ssh_host_key")" = 600 ] &&
	grep -q "^ssh-ed25519 " "$vms/keys/ssh_host_key.pub" &&
	[ -s "$BANGER_STATE/ssh/id_ed25519" ] && banger vm delete keys'
full() {
	says 125 "No space left" run --rm -- true && empty &&
		says 1 "No space left" banger vm create --image fake x && empty
}
ok 'a full disk is said in one line, and nothing stays' '
	broken format "cannot write: No space left on device" full'
unstartable() {
	says 125 "cannot find qemu" run -- true && empty &&
		says 1 "cannot find qemu" banger vm create --image fake x &&
		empty
}
ok 'a machine that cannot start is said in one line, and does not stay' '
	broken start "cannot find qemu-system-x86_64" unstartable'
unready() {
	says 125 'did not become ready' run --rm --name stuck -- true &&
		grep -q "^it still runs; try: banger vm logs stuck, " .err &&
		[ -d "$vms/stuck" ] && banger vm delete stuck
}
ok 'one that never became ready stays, with a hint, even with --rm' '
	broken wait no unready && empty'
ok 'a time to wait that is no number is refused' '
	(export BANGER_READY_TIMEOUT=abc &&
		says 2 "is not a number of seconds" run --rm -- true) && empty'
ok 'a signal that is none is refused' '
	says 2 "is not a signal" banger vm kill --signal BOGUS stuck'
ok 'without QEMU nothing is begun' '
	mkdir -p few && for c in sh git; do
		ln -sf "$(command -v $c)" few/$c || exit
	done && says 125 "qemu-system-x86_64 is not installed" env \
		PATH="$T/few" BANGER_BIN="$T/few" \
		"$BUILD/banger" vm run -- true &&
	empty'
ok 'a name taken is refused before anything is made' '
	run -q -d --name twice && says 125 "exists already" \
		run --name twice -- true &&
	says 1 "exists already" banger vm create --image fake twice &&
	banger vm delete twice && empty'
ok 'of two that want one name at the same moment one gets it' '
	for i in 1 2 3; do
		run -q --name same -d >1.out 2>1.err & one=$!
		run -q --name same -d >2.out 2>2.err & two=$!
		wait $one; s1=$?; wait $two; s2=$?
		[ "$s1,$s2" = 0,125 ] || [ "$s1,$s2" = 125,0 ] || exit 1
		banger vm delete same || exit 1
	done >log && empty'
ok 'a command that lost its machine has a status, and --rm holds' '
	broken exec "the machine ended" fails 111 run -q --rm -- true && empty'
ok 'TERM and HUP while it boots: at once, and nothing is left' '
	signal TERM wait 143 && signal HUP wait 129 && signal INT wait 130'
ok 'TERM and HUP during the command reach it, and nothing is left' '
	signal TERM exec 143 && signal HUP exec 129 && signal INT exec 130'
ok 'kill -9 leaves a machine to gc, which deletes it' '
	hung exec rm_run && kill -9 "$hung" && fails 137 wait "$hung" &&
	! empty && banger gc >out 2>&1 && empty'
ok 'create makes and starts, or only makes; start, stop and kill answer' '
	[ "$(banger vm create -q --image fake one)" = one ] &&
	[ "$(banger vm create -q --image fake --no-start --name two)" = two ] &&
	[ -e "$vms/one/ready" ] && [ ! -e "$vms/two/started" ] &&
	[ "$(banger vm start -q two)" = two ] && [ -e "$vms/two/ready" ] &&
	[ "$(banger vm stop -q two)" = two ] && : >asked &&
	[ "$(banger vm kill --signal USR1 one)" = one ] &&
	grep -qx "qemu kill -s USR1 one" asked'
ok 'many names: answers in the order given, once each, the worst status' '
	banger vm stop -q one && fails 1 banger vm start two nobody one two \
		>out 2>err && [ "$(tr "\n" " " <out)" = "two one " ] &&
	grep -q "no machine '\''nobody'\''" err && [ "$(wc -l <err)" = 2 ] &&
	banger vm delete two one >out 2>&1 &&
	[ "$(tr "\n" " " <out)" = "two one " ] &&
	empty'
ok 'list, ps and show answer for people and as JSON' '
	banger vm create -q --no-start --image fake seen && banger ps >out &&
	grep -q "^seen  *created  *fake" out && banger vm list -q >out &&
	[ "$(cat out)" = seen ] &&
	[ "$(banger list --json | jq -r ".[0].name")" = seen ] &&
	[ "$(banger vm show --json seen | jq -r .name)" = seen ] &&
	says 1 "was never started" banger vm logs seen &&
	banger vm delete seen'
ok 'logs are shown without what a terminal would act on' '
	banger vm create -q --image fake log &&
	printf "a\033[31mb\r\n\a" >"$vms/log/console.log" &&
	banger vm logs log >out && same out "$vms/log/console.log" &&
	script -qec "banger vm logs log" /dev/null >out &&
	! grep -q "$(printf "\033")" out && grep -q "a\[31mb" out &&
	banger vm delete log'

# An ssh that says what it was to do.
ssh_says() {
	mkdir -p bin && cat >bin/ssh <<-"END" && chmod +x bin/ssh &&
	#!/bin/sh
	printf "%s\n" "$@" >>"$T/ssh.asked"
	exit 7
	END
	PATH=$T/bin:$PATH "$@"
}
ok 'vm_run_login = "ssh": a shell comes through sshd, a command does not' '
	BANGER_VM_RUN_LOGIN=ssh && export BANGER_VM_RUN_LOGIN &&
	fails 7 ssh_says run --rm -q --name shell && cat ssh.asked &&
	grep -x shell.vm ssh.asked && rm ssh.asked &&
	ssh_says run --rm -q -- true && [ ! -e ssh.asked ] &&
	says 2 "--env needs a command" run --env A=b && empty'
ok 'another value of it is refused' '
	BANGER_VM_RUN_LOGIN=telnet && export BANGER_VM_RUN_LOGIN &&
	says 2 "neither agent nor ssh" run && empty'

done_testing
