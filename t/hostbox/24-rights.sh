#!/bin/sh
# /dev/kvm without rights, and then with; memory that is not there.
box_user=root
. "${0%/*}/box.sh"
at_end 'chmod 660 /dev/kvm; echo 0 >"$overcommit"'
overcommit=/proc/sys/vm/overcommit_memory
mkdir home
chown dev home
chmod 755 "$T"
dev() {
	runuser -u dev -- env -u BANGER_STATE -u BANGER_CACHE -u BANGER_RUN \
		HOME="$T/home" "$@"
}
new() {
	dev banger vm create --image tiny --vcpu 1 --memory 128M \
		--disk-size 64M "$@"
}

ok 'without rights it would be emulated, which is said, and why' '
	chmod 600 /dev/kvm && new --no-start a 2>err && cat err &&
	grep -q "qemu tcg (no usable KVM: no permission for /dev/kvm" err &&
	{ dev banger doctor >out || :; } && cat out &&
	grep -q "^WARN  kvm .*no permission" out'
ok 'Firecracker that was asked for says so itself' '
	new --no-start --vmm firecracker b &&
	says 1 "cannot start machine '\''b'\''" dev banger vm start -q b &&
	grep -q "Firecracker ended with status 1: .*[Kk][Vv][Mm].*denied" .err'
ok 'with them it starts, without being made anew' '
	chmod 660 /dev/kvm && dev banger vm start -q b &&
	dev banger vm exec b -- true && dev banger vm delete a b'
ok 'more memory than there is: refused by Firecracker, in a line' '
	new --no-start --vmm firecracker --memory 64G big &&
	echo 2 >$overcommit && says 1 "cannot start machine '\''big'\''" \
		dev banger vm start -q big && echo 0 >$overcommit &&
	grep -q "Firecracker ended with status 1: .*mmap.*Out of memory" .err &&
	no_process firecracker && dev banger vm delete big'

done_testing
