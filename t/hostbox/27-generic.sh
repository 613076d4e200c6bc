#!/bin/sh
# The kernel of our own under Firecracker.
if [ -z "${BNG_BOX-}" ] &&
	[ ! -d "${0%/*}/../../build/store/kernels/generic-6.12" ]
then
	echo '1..0 # SKIP there is no kernel generic-6.12 (make kernel)'
	exit
fi
. "${0%/*}/box.sh"
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
size='--image tiny --vcpu 1 --memory 128M --disk-size 64M'
in_vm() { banger vm exec "$@"; }

ok 'it boots, and the agent answers' '
	banger vm create -q --vmm firecracker $size --kernel generic-6.12 a &&
	in_vm a -- uname -r | grep banger &&
	[ "$(cat "$BANGER_STATE/vms/a/vmm")" = firecracker ]'
ok 'its disks are in their order' '
	in_vm a -- mount | grep "^/dev/vdc on /root "'
ok 'it is told that it is a copy, and makes itself new random numbers' '
	in_vm a -- sh -c "echo kept >/dev/shm/x" && banger vm fork a b &&
	[ "$(in_vm b -- cat /dev/shm/x)" = kept ] &&
	in_vm b -- dmesg | grep "crng reseeded due to virtual machine fork"'
ok 'it reboots itself' '
	id=/proc/sys/kernel/random/boot_id && was=$(in_vm a -- cat $id) &&
	{ in_vm a -- sh -c "reboot; sleep 1000" || :; } &&
	until now=$(in_vm a -- cat $id) && [ "$now" != "$was" ]; do
		bng-fc status a || exit
	done'
ok 'it switches itself off' '
	{ in_vm a -- poweroff || :; } && timeout 300 bng-fc wait a &&
	grep -x poweroff "$BANGER_STATE/vms/a/exit"'

done_testing
