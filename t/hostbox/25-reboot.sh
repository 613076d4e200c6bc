#!/bin/sh
# The box itself reboots, with three machines running.
. "${0%/*}/box.sh"

BANGER_STATE=$HOME/banger BANGER_RUN=$HOME/banger/run
vms=$BANGER_STATE/vms
in_vm() { banger vm exec "$@"; }

if [ "$BNG_BOX" = 1 ]; then
	ok 'three machines hold something' '
		for i in 1 2 3; do
			banger vm create -q --name "m$i" --image tiny \
				--vcpu 1 --memory 128M --disk-size 64M &&
			in_vm "m$i" -- sh -c "echo $i >/root/file; sync" ||
				exit 1
		done'
	box_reboot
fi
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
ok 'after a reboot of the box none of them runs, and gc agrees' '
	banger gc && [ -z "$(banger gc)" ] && banger vm list >out && cat out &&
	[ "$(awk "\$2 == \"stopped\"" out | wc -l)" = 3 ] &&
	[ "$(ls -A "$vms" | tr "\n" " ")" = "m1 m2 m3 " ]'
ok 'they start again, and have their data' '
	for i in 1 2 3; do
		banger vm start -q "m$i" &&
		[ "$(in_vm "m$i" -- cat /root/file)" = "$i" ] || exit 1
	done'

done_testing
