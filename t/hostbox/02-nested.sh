#!/bin/sh
# QEMU with KVM, and machines that are to have a KVM of their own.
box_user=root BANGER_VMM=qemu
. "${0%/*}/box.sh"
export BANGER_VMM
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
run() {
	banger vm run -q --rm --image tiny --vcpu 1 --memory 128M \
		"$@"
}
allow() { modprobe -r kvm_amd && modprobe kvm_amd nested="$1"; }

ok 'QEMU uses KVM, and the guest has no virtualisation' '
	run -- cat /proc/cpuinfo >out && ! grep -qw svm out &&
	banger vm create -q --image tiny --vcpu 1 --memory 128M \
		plain && [ "$(cat "$BANGER_STATE/vms/plain/accel")" = kvm ] &&
	banger vm delete plain'
ok 'with --nested it has the one of the host' '
	run --nested -- cat /proc/cpuinfo >out && grep -qw svm out'
ok 'where the module does not allow it, it is refused, and nothing is left' '
	allow 0 && says 125 "kvm_amd does not allow it" run --nested -- true &&
	[ -z "$(banger vm list -q)" ] && run -- true && allow 1'

done_testing
