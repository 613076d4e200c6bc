#!/bin/sh
# Which VMM a machine gets, and what happens when that fails: stand-ins only.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"

vms=$BANGER_STATE/vms
empty() { [ -z "$(ls -A "$vms" 2>/dev/null)" ]; }
create() { : >"$T/asked"; banger vm create --image fake "$@"; }
spec() { sed -n 's/^spec: .* | //p' "$1"; }
asked() { grep -qx "$1" "$T/asked"; }

ok 'where Firecracker is not usable, QEMU it is, and the value says so' '
	create q 2>err && spec err |
		grep -q "^qemu tcg (no usable KVM: the cpu " &&
	asked "qemu start q" && [ "$(cat "$vms/q/vmm")" = qemu ] &&
	banger vm delete q'
ok '--vmm firecracker without one is refused before anything is made' '
	says 1 "cannot run: Firecracker is not installed" \
		create --vmm firecracker x && grep -q "vmm pull" .err && empty'
ok 'a VMM that there is not is refused, from the environment too' '
	says 2 "none of: auto firecracker qemu" create --vmm bhyve x &&
	says 2 "none of: auto" env BANGER_VMM=x banger vm run -- true && empty'

: >"$T/fc"
ok 'where Firecracker is usable it is taken, and said with its version' '
	create f 2>err && [ "$(spec err)" = "firecracker 1.12.1 kvm" ] &&
	asked "fc start f" && ! asked "qemu start f" &&
	[ "$(cat "$vms/f/vmm")" = firecracker ]'
ok 'its verbs go to the VMM that runs it' '
	: >asked && banger vm stop f && banger vm start -q f &&
	banger vm kill f && banger vm delete f && cat asked &&
	asked "fc stop f" && asked "fc start f" && asked "fc kill f" &&
	! grep -q "^qemu [^p]" asked && empty'
ok '--vmm qemu, or BANGER_VMM, has its way' '
	create --vmm qemu q 2>err && spec err | grep -q ^qemu &&
	asked "qemu start q" && banger vm delete q &&
	BANGER_VMM=qemu create q && asked "qemu start q" && banger vm delete q'
ok 'nested means QEMU; with Firecracker it is refused in one line' '
	create --nested n 2>err && spec err | grep -q ^qemu &&
	asked "qemu start n" && banger vm delete n &&
	says 2 "have no virtualisation" create --nested --vmm firecracker n &&
	empty'
ok 'a start that fails under Firecracker falls back to QEMU, and says so' '
	echo "banger: cannot start '\''a'\'': it rains" >fail.fc.start &&
	create a 2>err && grep -qx "banger: '\''a'\'': it failed under \
firecracker (it rains), trying qemu" err && asked "fc start a" &&
	asked "qemu start a" && [ "$(cat "$vms/a/vmm")" = qemu ]'
ok 'a warning is not the reason of a restore or a save that was killed' '
	mkdir -p "$vms/a/snapshots/s" && echo "banger: net: none" |
		tee killed.restore >killed.snapshot && banger vm stop a &&
	says 1 "cannot restore machine '\''a'\'': the process that does it was \
killed by signal 9" banger vm restore a s &&
	says 1 "cannot save machine '\''a'\'': the process that does it was \
killed by signal 9" banger vm snapshot a t && rm -r killed.restore \
		killed.snapshot "$vms/a/snapshots" &&
	banger vm start -q a'
ok 'that is remembered' '
	banger vm stop a && : >asked && banger vm start -q a &&
	! asked "fc start a" && asked "qemu start a" && banger vm delete a'
ok 'who asked for Firecracker gets the error, not another VMM' '
	says 1 "it rains" create --vmm firecracker b &&
	! asked "qemu start b" && rm fail.fc.start && empty'
ok 'one that dies before it is ready falls back once' '
	echo "KVM cannot" >dies.fc && create c 2>err &&
	grep -q "failed under firecracker (KVM cannot), trying qemu" err &&
	[ "$(cat "$vms/c/vmm")" = qemu ] && banger vm delete c'
# Its guest never answers: no end, no error, and bng-agent waits in vain.
ok 'one that never answers falls back once, and that is remembered' '
	rm dies.fc && : >hangs.fc && create e 2>err && cat err &&
	grep -q "failed under firecracker (no answer in 300 s), trying qemu" \
		err && asked "fc kill e" && [ "$(cat "$vms/e/vmm")" = qemu ] &&
	banger vm stop e && : >asked && banger vm start -q e &&
	! asked "fc start e" && asked "qemu start e" && banger vm delete e'
ok 'who asked for Firecracker gets that error, and its machine stays' '
	says 1 "did not become ready: no answer" \
		create --vmm firecracker -q h && ! asked "fc kill h" &&
	! asked "qemu start h" && rm hangs.fc && banger vm delete h'
ok 'when QEMU dies as well, that is the error, and nobody tries again' '
	echo "KVM cannot" >dies.fc && echo "nor QEMU" >dies.qemu &&
	says 1 "did not become ready: nor QEMU" create -q d &&
	[ "$(grep -c "start d" asked)" = 2 ] && rm dies.fc dies.qemu &&
	banger vm delete d && empty'

# As USER COMMAND...: whose number USER is, as the front end sees it.
as() {
	printf '#!/bin/sh\necho %s\n' "$1" >"$T/fake/id" &&
		chmod +x "$T/fake/id" || return
	shift
	BANGER_VMM_JAILER=1 "$@"
	set -- $?
	rm "$T/fake/id"
	return "$1"
}
ok 'root gets the jailer that is asked for' '
	as 0 create --no-start j 2>err && [ "$(cat "$vms/j/jailer")" = yes ] &&
	[ "$(spec err)" = "firecracker 1.12.1 kvm" ] && banger vm delete j'
ok 'nobody else does, nor does QEMU, which the first line says' '
	as 1000 create --no-start j 2>err &&
	[ "$(cat "$vms/j/jailer")" = no ] && [ "$(spec err)" = \
		"firecracker 1.12.1 kvm, not jailed: a jailer needs root" ] &&
	banger vm delete j && as 0 create --no-start --nested j 2>err &&
	[ "$(cat "$vms/j/jailer")" = no ] &&
	spec err | grep -q "not jailed: qemu has no jailer$" &&
	banger vm delete j && empty'
done_testing
