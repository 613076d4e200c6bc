# small.sh - a test with banger's state on a small file system of its own
#
#	. ./lib.sh; . ./small.sh
#	small SIZE	it is mounted at $T/small, and holds the state
#
# The mount is seen by this test alone and goes with it: the file is run once
# more in a mount namespace of its own. The store is there, and machines are
# deleted at the end.
#
# shellcheck shell=sh
. "$TOP/t/store.sh"
[ "$(id -u)" = 0 ] || need ROOT 'a small file system is mounted' ||
	done_testing
store || exit 1
if [ -z "${ALONE-}" ]; then
	ALONE=yes unshare -m --propagation private sh "$TOP/t/${0##*/}"
	exit
fi

small() {
	mkdir small && mount -t tmpfs -o "size=$1" none small || exit 1
	export BANGER_STATE="$T/small/state" BANGER_RUN="$T/small/run"
	# shellcheck disable=SC2034 # the test reads it
	vms=$BANGER_STATE/vms
	# shellcheck disable=SC2016 # at_end evaluates it
	at_end 'umount -l "$T/small"'
	# shellcheck disable=SC2016
	at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
}
