#!/bin/sh
# vm snapshot, snapshots, restore and fork, as a person meets them.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

vms=$BANGER_STATE/vms
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
in_vm() { banger vm exec "$1" -- sh -c "$2"; }

ok 'without a machine there is nothing to list' '
	banger vm snapshots && [ "$(banger vm snapshots --json)" = "[]" ] &&
	says 1 "no machine" banger vm snapshot web &&
	says 1 "no machine" banger vm snapshots web &&
	says 2 "required" banger vm restore'
ok 'a snapshot without a name gets one, and the pause is told' '
	banger vm run -q -d --image tiny --vcpu 1 --memory 128M --name web &&
	in_vm web "mkdir -p /ram /etc/ssh && mount -t tmpfs none /ram &&
		echo 1 >/ram/n" &&
	[ "$(banger vm snapshot web 2>err)" = snap-1 ] &&
	grep -Eq "^web stood still for [0-9]+\.[0-9] s$" err &&
	in_vm web "echo 2 >/ram/n" &&
	[ "$(banger vm snapshot web second)" = second ] &&
	in_vm web "echo 3 >/ram/n"'
ok 'they are listed by age, with size; show names them' '
	[ "$(banger vm snapshots -q web | tr "\n" " ")" = "snap-1 second " ] &&
	banger vm snapshots | grep -Eq "^web +snap-1 +128 MiB +[0-9.]+ MiB" &&
	[ "$(banger vm snapshots --json | tr , "\n" |
		grep -c "\"kind\":\"memory\"")" = 2 ] &&
	banger vm show web | grep -qx "snapshots  *snap-1, second" &&
	banger vm show --json web | grep -q "\"snapshots\":\[\"snap-1\","'
ok 'names are checked, and never taken twice' '
	says 1 "already" banger vm snapshot web second &&
	says 2 "cannot name" banger vm snapshot web ../x &&
	says 2 "unexpected" banger vm snapshot web a b'
ok 'what runs is not thrown away unasked' '
	says 1 "is already running" banger vm restore web &&
	[ "$(in_vm web "cat /ram/n")" = 3 ] &&
	says 1 "no snapshot" banger vm restore -f web absent &&
	base=$BANGER_STATE/vms/web/snapshots/second/base &&
	cp "$base" kept && echo other >"$base" &&
	says 1 "was replaced since" banger vm restore -f web second &&
	cp kept "$base" && [ "$(in_vm web "cat /ram/n")" = 3 ]'
ok 'asked to, it goes back: to the newest, or to the one named' '
	banger vm restore -f web && [ "$(in_vm web "cat /ram/n")" = 2 ] &&
	banger vm restore -q -f web snap-1 &&
	[ "$(in_vm web "cat /ram/n")" = 1 ]'
ok 'by three at once, too, and none is told to ask for what it asked for' '
	for i in 1 2 3; do
		banger vm restore -q -f web snap-1 2>"err.$i" >out.$i & done &&
	wait && cat err.1 err.2 err.3 >err && cat err && ! grep -e "-f" err &&
	cat out.1 out.2 out.3 | grep -qx web &&
	[ "$(in_vm web "cat /ram/n")" = 1 ]'
ok 'what is typed most says what the long way says, and does the same' '
	back() {
		banger vm kill web >/dev/null && banger "$@" >out 2>err &&
		[ "$(cat out)" = web ] && [ "$(in_vm web "cat /ram/n")" = 2 ]
	} && banger vm restore -f web >/dev/null &&
	in_vm web "echo 4 >/ram/n" &&
	back vm restore --quiet web second && cp err long &&
	! grep restoring long && back vm restore -q web second &&
	same long err &&
	back vm restore -f web second && cp err long &&
	grep restoring long && back vm restore web second && same long err &&
	says 1 "is already running" banger vm restore web second &&
	says 1 "no snapshot" banger vm restore web absent &&
	says 1 "no machine" banger vm restore absent second &&
	says 2 "unexpected" banger vm restore web second third'
ok 'what follows -- is run then, by one command, the short way and the long' '
	run() { banger vm kill web >/dev/null && banger vm restore "$@"; } &&
	[ "$(echo in | run -q web second -- sh -c "cat /ram/n; cat")" = "2
in" ] && fails 3 run -q web second -- sh -c "exit 3" &&
	fails 3 run --wait ready web second -- sh -c "exit 3" &&
	fails 127 run -q web -- nothing-such &&
	banger vm restore -f -q -C /ram --env "A=b c" --user 0:0 web \
		second -- sh -c "echo \$A; pwd" >out && [ "$(cat out)" = "b c
/ram" ] && run web snap-1 -- true >out 2>err && [ ! -s out ] &&
	[ "$(cat err)" = "restoring web" ]'
ok 'what is wrong with that is 125, and the machine is as it was' '
	for way in -q "-q --wait ready"; do
		says 125 "already running" banger vm restore $way web second \
			-- true && says 125 "no snapshot" banger vm restore \
			$way web absent -- true && says 125 "no machine" \
			banger vm restore $way absent second -- true ||
			exit 1
	done && grep -qx "try: banger vm list" .err &&
	says 125 "already running" banger vm restore -q web second -- true &&
	grep -qx "try: banger vm restore -f web second, which ends it first" \
		.err && says 2 "are for a command" banger vm restore -C / web &&
	says 2 "no command" banger vm restore web second -- &&
	for wrong in SSH_KEY=/none STATE=relative "CONFIG=/none"; do
		fails 125 env "BANGER_$wrong" banger vm restore -q web second \
			-- true || exit 1
	done && for wrong in 86401 0 -1 x; do
		says 2 "up to 86400" env BANGER_READY_TIMEOUT=$wrong banger vm \
			restore -q web second -- true || exit 1
	done && says 2 "up to 86400" env BANGER_READY_TIMEOUT=0 banger vm \
		restore -q web second &&
	[ "$(in_vm web "cat /ram/n")" = 1 ]'
ok 'what is being restored is not deleted' '
	mkfifo go && { (
		exec 8<>"$vms/web/lock" && bng-state lock 8 && read -r _ <go
	) & } && until ! bng-state lock -n 7 7<>"$vms/web/lock"; do :; done &&
	{ banger vm restore -q -f web second & } && p=$! &&
	while [ -e "$vms/web/agent.sock" ]; do :; done &&
	says 1 "it is being restored" \
		banger vm snapshot --delete web second && echo >go &&
	wait "$p" && [ "$(in_vm web "cat /ram/n")" = 2 ]'
need strace 'nor is one that a machine which did not run is made of' '
	banger vm kill web && { strace -o calls -e trace=ioctl \
		-e inject=ioctl:delay_enter=2000000:when=1 \
		bng-qemu restore web "$vms/web/snapshots/second" & } && p=$! &&
	until ! bng-state lock -n 7 7<>"$vms/web/snapshots/second/created"; do
		:
	done && says 1 "it is being restored" \
		banger vm snapshot --delete web second && wait "$p" &&
	[ "$(in_vm web "cat /ram/n")" = 2 ]'
ok 'what is no snapshot is not made one, nor is a machine ended for it' '
	mkdir "$vms/web/snapshots/odd" &&
	says 1 "is no snapshot" banger vm restore -f web odd &&
	: >"$vms/web/snapshots/odd/memory" &&
	says 125 "is no snapshot" banger vm restore -f web odd -- true &&
	[ "$(in_vm web "cat /ram/n")" = 2 ] &&
	[ "$(ls -A "$vms/web/snapshots/odd")" = memory ] &&
	banger vm snapshot --delete web odd'
ok 'a memory that is gone is missed, and nobody waits for a fifo' '
	s=$vms/web/snapshots/second && mv "$s/memory" kept &&
	says 125 "'"'memory' of its snapshot"'" banger vm restore -f \
		web second -- true && mv kept "$s/memory" &&
	mv "$s/created" kept &&
	mkfifo "$s/created" && says 1 "it is no file" timeout 60 banger vm \
		restore -f web second && rm "$s/created" &&
	mv kept "$s/created" && [ "$(in_vm web "cat /ram/n")" = 2 ]'
ok 'a command that is over is nowhere on this host' '
	banger vm kill web && fails 4 banger vm restore -q web second -- \
		sh -c "exit 4 # hush" && read -r p _ <"$vms/web/supervisor" &&
	tr "\0" " " <"/proc/$p/cmdline" >words && cat words &&
	grep "restore" words && ! grep hush words && bng-qemu status web'
ok 'nor is a machine ended for what is deleted in that moment' '
	banger vm snapshot -q web third && mkfifo gone &&
	s=$vms/web/snapshots &&
	{ (
		exec 9<>"$s/third/created" && bng-state lock 9 &&
			read -r _ <gone && mv "$s/third" "$s/.del.third.1"
	) & } && until ! bng-state lock -n 7 7<>"$s/third/created"; do
		:
	done &&
	{ banger vm restore -q -f web third 2>said & } && p=$! &&
	until grep -q -e "->" /proc/locks; do :; done && echo >gone &&
	fails 1 wait "$p" && grep "has no snapshot .third." said &&
	[ "$(in_vm web "cat /ram/n")" = 2 ]'
ok 'restored as itself it is as it was, with the time and randomness of now' '
	in_vm web "echo mine >/etc/hostname; date -s 202001010000" &&
	banger vm snapshot -q web moment &&
	for i in 1 2; do
		banger vm restore -q -f web moment &&
		[ "$(in_vm web "cat /etc/hostname")" = mine ] &&
		[ "$(in_vm web "date +%Y")" -gt 2020 ] &&
		in_vm web "head -c 32 /dev/urandom | od -An -tx1" >"r$i" ||
			exit
	done && fails 1 cmp r1 r2'
ok 'and where the host says something new of it, it is made that' '
	key=$BANGER_STATE/ssh/id_ed25519.pub &&
	printf "# %s\n" another >>"$key" &&
	banger vm restore -q -f web moment &&
	[ "$(in_vm web "cat /etc/hostname")" = web ] &&
	in_vm web "cat /root/.ssh/authorized_keys" | same "$key" - &&
	banger vm restore -q -f web snap-1'
ok 'a fork goes on from the same moment, as somebody else' '
	in_vm web "echo disk >/root/f" &&
	[ "$(banger vm fork web child)" = child ] &&
	[ "$(in_vm child "cat /ram/n /root/f")" = "$(in_vm web \
		"cat /ram/n /root/f")" ] &&
	[ "$(in_vm child hostname)" = child ] &&
	for what in "cat /etc/machine-id" "cat /sys/class/net/e*/address
		[ -e /sys/class/net/eth0 ] || cat /etc/hostname" \
		"head -c 32 /dev/urandom | od -An -tx1"; do
		[ "$(in_vm web "$what")" != "$(in_vm child "$what")" ] || exit
	done && in_vm child "cat /etc/ssh/ssh_host_ed25519_key.pub" >key &&
	same key "$vms/child/ssh_host_key.pub" &&
	fails 1 cmp key "$vms/web/ssh_host_key.pub"'
ok 'what one does the other does not see' '
	in_vm child "echo child >/ram/n; echo child >/root/f" &&
	[ "$(in_vm web "cat /ram/n /root/f" | tr "\n" " ")" = "1 disk " ] &&
	banger vm delete web &&
	[ "$(in_vm child "cat /root/f")" = child ] &&
	[ "$(banger vm snapshots -q child)" = "" ]'
ok 'a deleted machine takes its snapshots along' '[ ! -e "$vms/web" ]'
ok 'a fork reboots, stops and starts like any machine' '
	banger vm stop child && banger vm start -q child &&
	[ "$(in_vm child "cat /root/f")" = child ]'
ok 'the fork of a stopped machine has its disks, and is stopped' '
	banger vm stop child && [ "$(banger vm fork child twin)" = twin ] &&
	banger ps | grep -q "^twin  *created" && banger vm start -q twin &&
	[ "$(in_vm twin "cat /root/f; hostname" | tr "\n" " ")" = \
		"child twin " ]'
ok 'who forks one machine at once waits for the others' '
	pids= && for i in 1 2 3; do
		banger vm fork -q twin "b$i" 2>"e$i" & pids="$pids $!"
	done && for p in $pids; do wait "$p" || { cat e?; exit 1; }; done &&
	for i in 1 2 3; do
		[ "$(in_vm "b$i" hostname)" = "b$i" ] || exit
	done && banger vm delete -q b1 b2 b3'
ok 'a fork without a name gets one, and a taken one is refused' '
	new=$(banger vm fork -q twin) && banger vm delete "$new" &&
	says 1 "exists already" banger vm fork twin child &&
	says 1 "no machine" banger vm fork none some'
ok 'of a stopped machine a snapshot holds the disks' '
	banger vm snapshot child cold && banger vm start -q child &&
	in_vm child "rm /root/f; sync" && banger vm restore -q -f child cold &&
	banger ps | grep -Eq "^child  *(stopped|error)" &&
	banger vm start -q child && in_vm child "test -f /root/f"'
# What a machine's VMM has read so far, in bytes.
has_read() {
	read -r pid _ <"$vms/$1/pid" &&
		sed -n "s/^rchar: //p" "/proc/$pid/io"
}
ok 'the first command after a restore finds the shell in memory' '
	banger vm run -q -d --image tiny --vcpu 1 --memory 128M --name fresh &&
	banger vm snapshot -q fresh s && banger vm restore -q -f fresh s &&
	before=$(has_read fresh) && in_vm fresh : &&
	now=$(has_read fresh) && [ $((now - before)) -lt 500000 ]'
ok 'snapshots are deleted by name' '
	says 1 "no snapshot" banger vm snapshot --delete child absent &&
	[ "$(banger vm snapshot --delete child cold)" = cold ] &&
	[ -z "$(ls -A "$vms/child/snapshots")" ] &&
	says 1 "no snapshots" banger vm restore child'
done_testing
