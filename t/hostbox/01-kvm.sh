#!/bin/sh
# The box is what the other files take it for.
. "${0%/*}/box.sh"

ok 'an ordinary user in group kvm, without more rights' '
	[ "$(id -un)" = dev ] && id -nG | grep -qw kvm && ! sudo -n true &&
	! head -c 1 /dev/vda'
ok 'systemd is up, and nothing failed' '
	systemctl is-system-running && systemctl is-active systemd-resolved'
ok 'the processor has virtualisation, and KVM can be used' '
	grep -qw svm /proc/cpuinfo && ls -l /dev/kvm && [ -w /dev/kvm ] &&
	[ "$(bng-qemu probe)" = kvm ]'
ok 'doctor says so' '
	banger doctor >out && cat out && grep -q "^PASS  kvm " out'
ok 'the real Firecracker runs' '
	firecracker --version >out &&
	[ "$(head -n 1 out)" = "Firecracker v1.12.1" ]'

done_testing
