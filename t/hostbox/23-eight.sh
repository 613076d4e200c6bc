#!/bin/sh
# Eight machines at once.
. "${0%/*}/box.sh"
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

vms=$BANGER_STATE/vms
new() {
	banger vm create -q --image tiny --vcpu 1 --memory 128M \
		--disk-size 64M "$@"
}

ok 'eight at once: all run, each is its own, none is left' '
	for i in 1 2 3 4 5 6 7 8; do
		new --name "m$i" & eval "p$i=$!"
	done && for i in 1 2 3 4 5 6 7 8; do
		eval "wait \$p$i" &&
		[ "$(banger vm exec "m$i" -- hostname)" = "m$i" ] || exit 1
	done && [ "$(pgrep -xc firecracker)" = 8 ] &&
	banger vm delete m1 m2 m3 m4 m5 m6 m7 m8 &&
	[ -z "$(ls -A "$vms")" ] && no_process firecracker'

done_testing
