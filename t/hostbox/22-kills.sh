#!/bin/sh
# kill -9 of what runs a machine: of Firecracker, of its supervisor, of both.
. "${0%/*}/box.sh"
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

vms=$BANGER_STATE/vms
new() {
	banger vm create -q --image tiny --vcpu 1 --memory 128M \
		--disk-size 64M "$@"
}
state() { banger vm list | awk -v n="$1" '$1 == n { print $2 }'; }
pid() { read -r pid _ <"$vms/$1" && printf '%s\n' "$pid"; }
gone() { timeout 100 tail --pid="$1" -f /dev/null; }
# What a crash left is whole once its journal has been read.
clean() {
	for _disk in overlay work; do
		cp --sparse=always "$vms/$1/$_disk.ext4" disk &&
			e2fsck -E journal_only -y disk &&
			e2fsck -fn disk || return
	done
}
write() { banger vm exec a -- sh -c "echo $1 >/root/file; sync"; }
holds() { [ "$(banger vm exec a -- cat /root/file)" = "$1" ]; }

ok 'Firecracker killed: an error that says so; it starts with its data' '
	new a && write 1 && p=$(pid a/pid) && kill -9 "$p" &&
	bng-fc wait -t 100 a && [ "$(state a)" = error ] &&
	grep -q "killed by SIGKILL" "$vms/a/error" && clean a &&
	banger vm start -q a && holds 1'
ok 'its supervisor killed: Firecracker ends too; stopped, starts again' '
	write 2 && p=$(pid a/pid) && s=$(pid a/supervisor) && kill -9 "$s" &&
	gone "$p" && [ "$(state a)" = stopped ] && clean a &&
	banger vm start -q a && holds 2'
ok 'both killed: the same' '
	write 3 && p=$(pid a/pid) && s=$(pid a/supervisor) &&
	{ kill -9 "$s" "$p" || :; } && gone "$p" && gone "$s" &&
	[ "$(state a)" = stopped ] &&
	clean a && banger vm start -q a && holds 3'
ok 'gc has nothing more to do then, and delete leaves nothing' '
	banger gc && [ -z "$(banger gc)" ] && banger vm delete a &&
	[ -z "$(ls -A "$vms")" ] && no_process firecracker'

done_testing
