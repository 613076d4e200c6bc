#!/bin/sh
# The box is what the other files take it for.
. "${0%/*}/box.sh"

ok 'an ordinary user in group kvm, without more rights' '
	[ "$(id -un)" = dev ] && id -nG | grep -qw kvm &&
	command -v sudo && ! sudo -n true &&
	! head -c 1 /dev/vda'
ok 'systemd is up, and nothing failed' '
	systemctl is-system-running && systemctl is-active systemd-resolved'
ok 'its kernel has KVM for both makes of processors' '
	PATH=$PATH:/sbin modinfo -n kvm_amd kvm_intel'
ok 'the processor has virtualisation, and KVM can be used' '
	grep -qw svm /proc/cpuinfo && ls -l /dev/kvm && [ -w /dev/kvm ] &&
	[ "$(bng-qemu kvm)" = yes ]'
ok 'doctor says so' '
	banger doctor >out && cat out && grep -q "^PASS  kvm " out &&
	grep -q "^PASS  firecracker  *1.12.1, " out && ! grep ^FAIL out'
ok 'the real Firecracker runs' '
	firecracker --version >out &&
	[ "$(head -n 1 out)" = "Firecracker v1.12.1" ]'

done_testing
