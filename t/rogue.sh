# rogue.sh - machines whose agent is a rogue that does as it is told
#
#	. ./lib.sh; . ./store.sh; . ./rogue.sh
#	rogue KERNEL [MODE]	a kernel that boots t/helper/guest-rogue.c
#	vm NAME KERNEL [KEY=VALUE ...]
#				a committed machine, its disks small
#	gone NAME		nothing of it runs, or says that it does
#
# Every machine is killed at the end, whatever else went wrong.
#
# shellcheck shell=sh
VMS=$BANGER_STATE/vms
export VMS

_rogue_end() {
	set +f
	for _rogue_vm in "$VMS"/*/; do
		bng-qemu kill "$_rogue_vm" 2>/dev/null
	done
	set -f
}
at_end _rogue_end

rogue() {
	_rogue_from=$BANGER_KERNEL_PATH/debian
	_rogue_dir=$BANGER_STATE/kernels/$1
	mkdir -p "$_rogue_dir" &&
		ln -s "$_rogue_from/vmlinux" "$_rogue_dir" &&
		bng-disk initrd -a "$BUILD/t/guest-rogue" -o rogue.cpio &&
		cat "$_rogue_from/initrd" rogue.cpio >"$_rogue_dir/initrd" &&
		bng-store manifest "$_rogue_dir" name="$1" version=1 \
			arch=x86_64 machine=q35 source=test "cmdline=quiet \
mitigations=off tsc=reliable no_timer_check cryptomgr.notests audit=0 \
8250.nr_uarts=1 i8042.noaux i8042.nokbd rogue=${2:-agent}"
}

vm() {
	_vm_name=$1 _vm_kernel=$2
	shift 2
	_vm_dir=$(bng-state new -n "$_vm_name" tiny kernel="$_vm_kernel" \
		vcpu=1 memory_mib=256 disk_bytes=1073741824 net=none \
		ephemeral=yes "$@") &&
		bng-disk format -s 16M "$_vm_dir/overlay.ext4" \
			"$_vm_dir/work.ext4" &&
		bng-state commit "$_vm_dir" >/dev/null
}

gone() {
	for _gone in pid supervisor ready agent.sock qmp.sock; do
		[ ! -e "$VMS/$1/$_gone" ] || {
			echo "$_gone is still there"
			return 1
		}
	done
	fails 1 bng-qemu status "$1"
}
