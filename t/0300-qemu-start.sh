#!/bin/sh
# What bng-qemu refuses before and while it starts a VMM: nothing boots here.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"

dd if=/dev/zero of="$BANGER_STATE/kernels/k/vmlinux" bs=1k count=1 2>/dev/null
: >"$BANGER_STATE/kernels/k/initrd"
disks() { : >"$VMS/$1/overlay.ext4" && : >"$VMS/$1/work.ext4"; }
machine a net=none && disks a

# A stand-in for QEMU in a PATH of its own; its body is stdin.
stub() {
	mkdir -p "$1"
	{ echo '#!/bin/sh' && cat; } >"$1/qemu-system-x86_64"
	chmod +x "$1/qemu-system-x86_64"
}
with() { (PATH=$T/$1:$PATH && shift && "$@"); }
without() { (PATH=$BUILD && "$@"); }

ok 'a verb that there is not, and operands that are missing, are usage errors' '
	says 100 "unknown verb" bng-qemu fly a &&
	says 100 "a machine is missing" bng-qemu start &&
	says 100 "too many operands" bng-qemu start a b &&
	says 100 "unknown option" bng-qemu stop -x a &&
	says 100 "needs a value" bng-qemu stop -t &&
	says 100 "bad signal" bng-qemu kill -s NOPE a &&
	says 100 "number of seconds" bng-qemu wait -t soon a
'
ok 'a machine that there is not is an answer: no' '
	says 1 "there is no machine" bng-qemu start nobody &&
	says 1 "there is no machine" bng-qemu stop nobody
'
ok 'a machine that does not run cannot be stopped, killed or paused' '
	says 1 "is not running" bng-qemu stop a &&
	says 1 "is not running" bng-qemu kill a &&
	says 1 "is not running" bng-qemu pause a &&
	says 1 "is not running" bng-qemu resume a &&
	bng-qemu wait a
'
ok 'status of one that was never started is created' '
	fails 1 bng-qemu status a >out && [ "$(cat out)" = "created	0" ]
'
ok 'without QEMU the error names the package, and the state is error' '
	says 111 "install the package qemu-system-x86" \
		without bng-qemu start a &&
	grep -q "install the package" "$VMS/a/error" &&
	fails 1 bng-qemu status a >out && grep -q ^error out
'
ok 'a file that is missing is an error that names it' '
	rm "$VMS/a/work.ext4" &&
	says 111 "work.ext4" bng-qemu start a && disks a &&
	mv "$BANGER_STATE/kernels/k/initrd" . &&
	says 111 "kernels/k/initrd" bng-qemu start a &&
	mv initrd "$BANGER_STATE/kernels/k"
'
ok 'values that are missing or mad are errors that name them' '
	machine b net=none && disks b &&
	rm "$VMS/b/vcpu" && says 111 "vcpu" bng-qemu start b &&
	echo 99999999 >"$VMS/b/vcpu" && says 111 "vcpu" bng-qemu start b &&
	echo 1 >"$VMS/b/vcpu" && echo moon >"$VMS/b/net" &&
	says 111 "moon" bng-qemu start b &&
	echo user >"$VMS/b/net" && echo short >"$VMS/b/id" &&
	says 111 "32 hex digits" bng-qemu start b
'
ok 'manifests that are missing, no JSON, or for another machine' '
	d=$BANGER_STATE/kernels/bad && mkdir -p "$d" &&
	cp "$BANGER_STATE/kernels/k/vmlinux" "$BANGER_STATE/kernels/k/initrd" \
		"$BANGER_STATE/kernels/k/manifest.json" "$d" &&
	machine c kernel=bad net=none && disks c &&
	echo "{" >"$d/manifest.json" &&
	says 111 "not JSON" bng-qemu start c &&
	rm "$d/manifest.json" &&
	says 111 "manifest.json" bng-qemu start c &&
	bng-store manifest "$d" name=bad machine=toaster source=test &&
	says 111 "toaster" bng-qemu start c
'
ok 'when QEMU ends at once, its last line is the reason' '
	stub dies <<-"E" &&
	echo "qemu-system-x86_64: first" >&2
	echo "qemu-system-x86_64: -drive x: it is raining" >&2
	exit 3
	E
	says 111 "status 3: -drive x: it is raining" \
		with dies bng-qemu start a &&
	[ "$(cat "$VMS/a/exit")" = "status 3" ] &&
	grep -q raining "$VMS/a/error" && grep -q first "$VMS/a/vmm.log" &&
	fails 1 bng-qemu status a
'
ok 'when QEMU is killed at once, that is the reason' '
	stub killed <<-"E" &&
	kill -SEGV $$
	E
	says 111 "killed by SIGSEGV" with killed bng-qemu start a &&
	[ "$(cat "$VMS/a/exit")" = "killed SEGV" ]
'
ok 'a real QEMU that cannot read its files says so' '
	command -v qemu-system-x86_64 &&
	says 111 "cannot start" bng-qemu start a &&
	[ -s "$VMS/a/error" ]
'
ok 'QEMU has no descriptor but its own, and stays away from the terminal' '
	stub fds <<-"E" &&
	ls -l /proc/$$/fd >&2
	exit 9
	E
	: >"$VMS/a/vmm.log" && exec 5>leak &&
	fails 111 with fds bng-qemu start a && exec 5>&- &&
	cat "$VMS/a/vmm.log" && ! grep -q leak "$VMS/a/vmm.log" &&
	grep -q " 3 -> .*run.lock" "$VMS/a/vmm.log" &&
	grep -q " 9 -> .*kernels/k" "$VMS/a/vmm.log" &&
	[ "$(grep -c -- "->" "$VMS/a/vmm.log")" = 12 ] # 10 and 11: dash
'
ok 'what QEMU refuses reaches whoever wants the machine to be still' '
	stub rain <<-"E" &&
	exec >&5
	while read -r line <&5; do
		case $line in
		*pause*) echo "{\"id\":\"pause\",\"error\":{\"desc\":\
	\"it rains\"}}" ;;
		*) echo "{\"return\":{}}" ;;
		esac
	done
	E
	with rain bng-qemu start a && plug -p "$VMS/a" >said &&
	bng-qemu kill a &&
	echo "NO it rains" >want && same want said
'
ok 'it gets no new privileges, no core, its own session, and default signals' '
	stub limits <<-"E" &&
	while read -r l; do
		case $l in NoNewPrivs*|SigBlk*|SigIgn*) echo "$l" >&2; esac
	done </proc/$$/status
	ulimit -c >&2
	read -r l </proc/self/stat
	set -- ${l##*) }
	[ "$4" != "$$" ] || echo leader >&2
	exit 9
	E
	(trap "" HUP && fails 111 with limits bng-qemu start a) &&
	tail -n 5 "$VMS/a/vmm.log" >got &&
	printf "%s\n" "SigBlk:	0000000000000000" \
		"SigIgn:	0000000000000000" \
		"NoNewPrivs:	1" 0 leader | sort >want && sort got >got2 &&
	same want got2
'
# See lib/qemucmd.c.
ok 'QEMU emulates in one thread, and in parallel for who asks for it' '
	stub how <<-"E" &&
	echo "$*" >&2
	exit 9
	E
	for how in "" parallel; do
		: >"$VMS/a/vmm.log" &&
		BANGER_EMULATION=$how fails 111 with how bng-qemu start a &&
		grep -o "thread=[a-z]*" "$VMS/a/vmm.log" | head -n 1 || exit
	done >got && printf "thread=%s\n" single multi >want && same want got
'
ok 'leftovers of an earlier life are gone when it starts, and after' '
	for f in ready exit error agent.sock qmp.sock; do
		echo old >"$VMS/a/$f" || exit
	done && fails 111 with dies bng-qemu start a &&
	[ ! -e "$VMS/a/ready" ] && [ ! -e "$VMS/a/agent.sock" ] &&
	[ ! -e "$VMS/a/qmp.sock" ] && ! grep -q old "$VMS/a/error"
'
ok 'a path stands for a machine too, however long it is' '
	deep=$T/$(printf %0100d 0)/$(printf %0100d 1) && mkdir -p "$deep" &&
	cp -r "$VMS/a" "$deep/a" &&
	says 111 "it is raining" with dies bng-qemu start "$deep/a"
'
ok 'a machine that was deleted while we waited for its lock is not started' '
	machine d net=none && disks d &&
	exec 8<>"$VMS/d/lock" && bng-state lock 8 &&
	{ (fails 1 with dies bng-qemu start d 2>err) 8>&- & } && waiter=$! &&
	until grep -q -- "-> OFDLCK.*:$(stat -c %i "$VMS/d/lock") " \
		/proc/locks; do :; done &&
	mv "$VMS/d" "$VMS/.del.d.1" && exec 8>&- && wait $waiter &&
	grep -q "there is no machine" err
'
ok 'probe says kvm, or why not' '
	bng-qemu probe >out && cat out &&
	tr "\t" "|" <out | grep -qE "^ok\|(kvm\|-\|/.+|tcg\|-\|/.+\|.+)$"
'

# A processor that says it can, and a QEMU that fails with KVM all the same.
with_vmx() {
	sed 's/^flags.*: /&vmx /' /proc/cpuinfo >cpuinfo &&
		unshare -m sh -c \
			'mount --bind cpuinfo /proc/cpuinfo && exec "$@"' \
			sh "$@"
}
if need ROOT 'a start that fails with KVM is tried once more without' &&
	with_vmx bng-qemu kvm | grep -q ^yes
then
	ok 'a start that fails with KVM is tried once more without' '
		stub kvm <<-"E" &&
		echo "$*" >&2
		case $* in
		*"-accel kvm"*) echo "qemu: no luck" >&2; exit 1 ;;
		*"-accel tcg"*) echo "qemu: none either" >&2; exit 2 ;;
		esac
		E
		fails 111 with kvm with_vmx bng-qemu start a 2>err && cat err &&
		grep -q "failed with KVM (QEMU ended .*: no luck)" err &&
		grep -q "cannot start .a.: QEMU ended with status 2" err &&
		grep -q "^tcg (.*no luck" "$VMS/a/accel"
	'
	ok 'random addresses are for a guest that is not emulated' '
		grep -e "-accel kvm" "$VMS/a/vmm.log" >line &&
		! grep norandmaps line &&
		grep -e "-accel tcg" "$VMS/a/vmm.log" |
			grep " clearcpuid=308 norandmaps$"
	'
fi
done_testing
