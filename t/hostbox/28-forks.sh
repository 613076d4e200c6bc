#!/bin/sh
# Ten machines out of one under Firecracker: nothing that has to be its own is
# another's. t/0802-fork-many.sh asks more of ten under QEMU.
. "${0%/*}/box.sh"

vms=$BANGER_STATE/vms
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
in_vm() { banger vm exec "$1" -- sh -c "$2"; }
# Ten lines, no two of them the same.
ten() { sort -u "$1" >sorted && [ "$(grep -c . sorted)" = 10 ]; }

ok 'ten forks of a machine go on with its memory' '
	banger vm create -q --vmm firecracker --image tiny --vcpu 1 \
		--memory 128M --disk-size 64M web &&
	in_vm web "mkdir /etc/ssh && echo here >/dev/shm/nonce" &&
	for i in 1 2 3 4 5 6 7 8 9 10; do
		banger vm fork -q web f && in_vm f "cat /dev/shm/nonce
			head -c 32 /dev/urandom | od -An -tx1 -w32
			cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub
			" >is && [ "$(grep -c . is)" = 4 ] &&
		grep -qxF -f "$vms/f/ssh_host_key.pub" is && cat is >>all &&
		banger vm delete -q f || exit
	done && [ "$(grep -cx here all)" = 10 ]'
ok 'no two have random bytes, a machine-id or a host key in common' '
	awk "NR % 4 == 2" all >bytes && ten bytes &&
	awk "NR % 4 == 3" all >ids && ten ids &&
	awk "NR % 4 == 0 { print \$2 }" all >keys && ten keys'

done_testing
