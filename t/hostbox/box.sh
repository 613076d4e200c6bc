# box.sh - the rest of this file runs inside the host-in-a-box
#
#	. "${0%/*}/box.sh"		(first, instead of lib.sh)
#	box_user=root			(before it: not as the ordinary user)
#	box_reboot			(reboot the box, and run this file
#					again, with BNG_BOX one higher)
#	no_process NAME			(none is called so, or only just ends)
#
# Outside, it hands the file over to t/hostbox/host and never returns. Inside,
# it is lib.sh with the store: image tiny, kernel debian.
#
# shellcheck shell=sh disable=SC2154
if [ -z "${BNG_BOX-}" ]; then
	exec sh "${0%/*}/host" run "$0" "${box_user-}"
fi
# shellcheck disable=SC2034 # lib.sh's
BNG_TOP=/srv/banger
. "$BNG_TOP/t/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

# Machines in an emulated one that has to share its processor are slow.
BANGER_READY_TIMEOUT=700
export BANGER_READY_TIMEOUT

# A process lets go of its locks a moment before it is gone.
no_process() {
	for _ in $(seq 200); do
		pgrep -x "$1" >/dev/null || return 0
	done
	pgrep -lx "$1"
	return 1
}

[ "$BNG_BOX" = 1 ] || . ~/.box
box_reboot() {
	printf '_n=%d _failed=%d\n' "$_n" "$_failed" >~/.box
	exit 99
}
