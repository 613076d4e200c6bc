# box.sh - the rest of this file runs inside the host-in-a-box
#
#	. "${0%/*}/box.sh"		(first, instead of lib.sh)
#	box_user=root			(before it: not as the ordinary user)
#
# Outside, it hands the file over to t/hostbox/host and never returns. Inside,
# it is lib.sh, and shows the machines' logs when a claim failed.
#
# shellcheck shell=sh disable=SC2154
if [ -z "${BNG_BOX-}" ]; then
	exec sh "${0%/*}/host" run "$0" "${box_user-}"
fi
# shellcheck disable=SC2034 # lib.sh's
BNG_TOP=/srv/banger
. "$BNG_TOP/t/lib.sh"

# Both store and lib.sh would have it made here.
BANGER_IMAGE_PATH=$TOP/build/store/images
BANGER_KERNEL_PATH=$TOP/build/store/kernels
export BANGER_IMAGE_PATH BANGER_KERNEL_PATH

box_logs() {
	[ "$_failed" != 0 ] || return 0
	set +f
	for _log in "$BANGER_STATE"/vms/*/error "$BANGER_STATE"/vms/*/*.log; do
		[ ! -s "$_log" ] || {
			printf '# --- %s\n' "${_log#"$BANGER_STATE"/}"
			tail -n 20 "$_log" | tr -d '\r' | sed 's/^/# /'
		}
	done >&2
	set -f
}
at_end box_logs
