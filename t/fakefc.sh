# fakefc.sh - machines under a stand-in for Firecracker; nothing boots
#
#	. ./lib.sh; . ./machine.sh; . ./fakefc.sh
#	firecracker VERSION [MODE]	what BANGER_FIRECRACKER is from here on
#	fc NAME [KEY=VALUE ...]		a machine for it
#	gone NAME			nothing of it runs, or says that it does
#
# Modes: ok; dies, killed, hangs at once; silent (no agent); resets before it
# is ready; stubborn (refuses to pause); sticky (refuses to go on); full (saves
# nothing); mute (answers no --version).
#
# shellcheck shell=sh
_fakefc_end() {
	set +f
	for _fakefc_vm in "$VMS"/*/; do
		bng-fc kill "$_fakefc_vm" 2>/dev/null
	done
	set -f
}
at_end _fakefc_end

printf '\177ELF and no more' >"$BANGER_STATE/kernels/k/vmlinux"
: >"$BANGER_STATE/kernels/k/initrd"
# The oldest versions have no ACPI.
bng-store manifest -u "$BANGER_STATE/kernels/k" devices=cmdline

firecracker() {
	cp -f "$BUILD/t/fakefc" "$T/firecracker.new" &&
		printf '\nfakefc: version=%s mode=%s\n' "$1" "${2:-ok}" \
			>>"$T/firecracker.new" &&
		mv "$T/firecracker.new" "$T/firecracker"
	export BANGER_FIRECRACKER="$T/firecracker"
}

fc() {
	_fc_name=$1
	shift
	machine "$_fc_name" net=none vmm=firecracker "$@" &&
		: >"$VMS/$_fc_name/overlay.ext4" &&
		: >"$VMS/$_fc_name/work.ext4"
}

gone() {
	for _gone in pid supervisor ready agent.sock api.sock vsock.sock \
		vsock.sock_1024; do
		[ ! -e "$VMS/$1/$_gone" ] || {
			echo "$_gone is still there"
			return 1
		}
	done
	fails 1 bng-fc status "$1"
}
