#!/bin/sh
# The board without PCI: what works on q35 works on microvm.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1
real=$BANGER_KERNEL_PATH/debian
size='--image tiny --vcpu 1 --memory 192M --disk-size 64M'
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null 2>&1'
in_vm() { banger vm exec "$@"; }
ended() { timeout 300 bng-qemu wait "$1" && cat "$BANGER_STATE/vms/$1/exit"; }

# The distribution's kernel, with the modules that its initrd had.
version=$(bng-store field "$real/manifest.json" version)
mkdir -p dir/modules
cp "$real/vmlinux" dir
cp -r "$real/early" "dir/modules/$version"

ok 'a kernel is imported for that board' '
	banger kernel import -q --machine microvm mm dir &&
	bng-store field "$BANGER_STATE/kernels/mm/manifest.json" machine |
		grep -x microvm'
ok 'it boots, without a PCI bus, and the agent answers' '
	banger vm create -q $size --kernel mm a &&
	[ "$(in_vm a -- echo hello)" = hello ] &&
	in_vm a -- sh -c "[ -z \"\$(ls /sys/bus/pci/devices)\" ]"'
ok 'the disks are in their order, the network card is there' '
	in_vm a -- mount >out && cat out && grep "^/dev/vdc on /root " out &&
	grep "^/dev/vdd on /lib/modules " out &&
	grep "^/dev/vdb on /var/lib/docker " out &&
	in_vm a -- ip addr show eth0 | grep "inet 10\.0\.2\.15/24"'
ok 'its clock is told how fast it runs, and keeps time' '
	in_vm a -- cat /proc/cmdline | grep " tsc_early_khz=" &&
	before=$(date +%s) && then=$(in_vm a -- date +%s) &&
	now=$(date +%s) && [ "$then" -ge $((before - 10)) ] &&
	[ "$then" -le $((now + 10)) ]'
ok 'a copy of it runs on with what it had in memory' '
	in_vm a -- sh -c "echo kept >/dev/shm/x" &&
	banger vm fork a b && [ "$(in_vm b -- cat /dev/shm/x)" = kept ] &&
	[ "$(in_vm a -- cat /dev/shm/x)" = kept ]'
ok 'it switches itself off' '
	{ in_vm b -- poweroff || :; } && ended b | grep -x poweroff'
boot_id() { in_vm a -- cat /proc/sys/kernel/random/boot_id; }
# Who asks too early asks the machine that is about to reboot.
ok 'it reboots itself' '
	was=$(boot_id) &&
	{ in_vm a -- sh -c "reboot; sleep 1000" || :; } &&
	until now=$(boot_id) && [ "$now" != "$was" ]; do
		bng-qemu status a || exit
	done'
ok 'a panic of its kernel is seen as one' '
	fails 125 in_vm a -- sh -c "echo c >/proc/sysrq-trigger" &&
	ended a | grep -x panic'
ok 'two processors are two' '
	banger vm set a --vcpu 2 && banger vm start -q a &&
	[ "$(in_vm a -- nproc)" = 2 ]'

done_testing
