# machine.sh - machines that only bng-state has seen
#
#	. ./lib.sh; . ./machine.sh
#	machine NAME [KEY=VALUE ...]	make and commit one
#	hold FD NAME			hold its run.lock on descriptor FD
#
# The image `tiny` and the kernel `k` have the form of real ones, no content.
#
# shellcheck shell=sh
VMS=$BANGER_STATE/vms
export VMS

mkdir -p "$BANGER_STATE/images/tiny" "$BANGER_STATE/kernels/k"
: >"$BANGER_STATE/images/tiny/rootfs.ext4"
: >"$BANGER_STATE/kernels/k/vmlinux"
bng-store manifest "$BANGER_STATE/images/tiny" name=tiny distro=none \
	arch=x86_64 kernel=k source=test
bng-store manifest "$BANGER_STATE/kernels/k" name=k version=6.1 \
	arch=x86_64 machine=q35

machine() {
	_machine_name=$1
	shift
	_machine_dir=$(bng-state new -n "$_machine_name" tiny "$@") &&
		bng-state commit "$_machine_dir" >/dev/null
}

hold() {
	eval "exec $1<>\"$VMS/$2/run.lock\"" && bng-state lock -n "$1"
}

# started PID: "PID STARTTICKS", as pid files hold it.
started() {
	read -r _started <"/proc/$1/stat"
	_started_pid=$1
	# shellcheck disable=SC2086 # the fields after the name in parentheses
	set -- ${_started##*) }
	shift 19
	printf '%s %s\n' "$_started_pid" "$1"
}
