#!/bin/sh
# A kernel of our own boots: without modules, on two boards, with what
# containers need. It has to be built once: make kernel.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
why=$(store_generic) || {
	echo "1..0 # SKIP $why"
	exit
}
store || exit 1
generic=$BANGER_KERNEL_PATH/generic-6.12
size='--image tiny --memory 256M --disk-size 64M'
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null 2>&1'
in_vm() { banger vm exec "$@"; }

ok 'every option that was asked for is in it' '
	awk -F= "FNR == 1 { n++ } !/^CONFIG_/ { next }
		{ v = substr(\$0, length(\$1) + 2) }
		n == 1 { has[\$1] = v; next }
		{ h = \$1 in has ? has[\$1] : \"n\"
		  if (h != v) { print \$1, v, h; bad = 1 } }
		END { exit bad }" "$generic/config" "$TOP/guest/kernel/config"'
ok 'it boots with the agent alone in its initrd' '
	! grep -q "\.ko" "$generic/initrd" &&
	[ ! -e "$generic/modules.ext4" ] &&
	banger vm create -q $size --vcpu 1 --kernel generic-6.12 a &&
	in_vm a -- uname -r | grep banger'
ok 'the network, the disks, /root and the work of containers are there' '
	in_vm a -- sh -c "ip addr show eth0; mount" >out && cat out &&
	grep "inet 10\.0\.2\.15" out && grep "^/dev/vdc on /root " out &&
	grep "^/dev/vdb on /var/lib/docker " out'
ok 'namespaces, cgroups, bridges and tunnels can be made' '
	in_vm a -- sh -ec "
		unshare -Urmpfn true
		grep -q memory /sys/fs/cgroup/cgroup.controllers
		grep -q pids /sys/fs/cgroup/cgroup.controllers
		ip link add br0 type bridge
		ip link add v0 type veth peer name v1
		ip link set v0 master br0
		ip link add mv0 link eth0 type macvlan
		ip link add vx0 type vxlan id 7 dstport 4789
		[ -c /dev/net/tun ]
		[ -c /dev/fuse ]
		[ -c /dev/loop-control ]
		zcat /proc/config.gz | grep -q CONFIG_WIREGUARD=y"'
ok 'a copy of it runs on' '
	in_vm a -- sh -c "echo kept >/dev/shm/x" && banger vm fork a b &&
	[ "$(in_vm b -- cat /dev/shm/x)" = kept ] && banger vm delete b'
ok 'it switches itself off' '
	{ in_vm a -- poweroff || :; } && timeout 300 bng-qemu wait a &&
	grep -x poweroff "$BANGER_STATE/vms/a/exit"'
ok 'it boots on q35, too, with two processors' '
	mkdir dir && cp "$generic/vmlinux" dir &&
	banger kernel import -q --machine q35 pci dir &&
	banger vm run -q --rm $size --vcpu 2 --kernel pci -- \
		sh -c "nproc; ls /sys/bus/pci/devices" >out && cat out &&
	[ "$(head -n 1 out)" = 2 ] && [ "$(wc -l <out)" -gt 5 ]'

done_testing
