#!/bin/sh
# Whatever dies, whenever: no half snapshot, no machine that stands still, no
# torn disk, nothing left once gc was there.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

vms=$BANGER_STATE/vms
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
in_vm() { banger vm exec "$1" -- sh -c "$2"; }
vmm() {
	_verb=$1 _name=$2
	shift 2
	case $(cat "$vms/$_name/vmm") in
	firecracker) bng-fc "$_verb" "$_name" "$@" ;;
	*) bng-qemu "$_verb" "$_name" "$@" ;;
	esac
}
# A moment at random, of at most 0.$1 s: what is killed is anywhere by then.
nap() { sleep "0.$(shuf -i 10-"$1" -n 1)"; }
# The applets at work on a machine of ours; supervisors have other sessions.
at_work() { pgrep -s 0 -f "^bng-[a-z]* $1 .*$vms/"; }
# gc leaves alone what somebody is starting, and a part of a front end that
# was killed may yet start it: within seconds nobody does.
settled() {
	for _ in $(seq 50); do
		banger gc || return
		[ -e "$vms/child/maker" ] || return 0
		sleep 0.2
	done
	return 1
}
kill_applet() {
	for _pid in $(at_work "$1"); do
		kill -9 "$_pid" || :
	done
}
# A snapshot's disks, their journals replayed, have nothing to be repaired.
clean() {
	for _disk in overlay work; do
		cp --sparse=always "$1/$_disk.ext4" fsck.ext4 &&
			e2fsck -E journal_only -y fsck.ext4 &&
			e2fsck -fn fsck.ext4 || return
	done
}
# What is in a machine's snapshots/ is whole; of one that had ended before it
# was looked at, the disks alone are.
whole() {
	[ -z "$(find "$vms/$1/snapshots" -mindepth 1 -name ".*")" ] || return
	for _snap in $(bng-state snapshots -q "$1"); do
		_dir=$vms/$1/snapshots/$_snap
		[ -s "$_dir/memory" ] || {
			[ "$_snap" = doomed ] && [ ! -e "$_dir/memory" ]
		} && [ -s "$_dir/created" ] && clean "$_dir" || {
			echo "$_snap is not whole"
			ls -l "$_dir"
			return 1
		}
	done
}
pid_of() { read -r _pid _ <"$vms/$1" && echo "$_pid"; }

ok 'a guest that writes all the time' '
	banger vm run -q -d --image tiny --memory 256M --vcpu 1 --name web &&
	in_vm web "cd /root; (while :; do n=\$((n + 1)); echo \$n >n
		mkdir -p d\$((n % 50)); rmdir d\$(((n + 7) % 50))
		done) >/dev/null 2>&1 &" && banger vm snapshot -q web base'
for i in 1 2 3 4 5 6; do
	ok "the snapshot is killed ($i): the machine runs on, nothing is left" '
		{ banger vm snapshot -q web "s$i" & } && p=$! && nap 40 &&
		kill_applet snapshot && { wait "$p" || :; } &&
		in_vm web "a=\$(cat /root/n); while [ \"\$a\" = \
			\"\$(cat /root/n)\" ]; do :; done" &&
		banger gc && whole web'
done
ok 'its supervisor is killed meanwhile: stopped, and no half snapshot' '
	{ banger vm snapshot -q web doomed & } && p=$! && nap 20 &&
	kill -9 "$(pid_of web/supervisor)" && { wait $p || :; } && banger gc &&
	bng-qemu wait -t 100 web && whole web && ! vmm status web'
for i in 1 2 3 4; do
	ok "a restore is killed ($i): it can be restored, or still be started" '
		{ banger vm restore -q -f web base & } && p=$! && nap 60 &&
		kill_applet restore && { wait "$p" || :; } &&
		banger gc && [ -z "$(find "$vms/web" -name ".*ext4*")" ] &&
		{ [ -e "$vms/web/restoring" ] ||
			vmm status web || clean "$vms/web"; } &&
		banger vm restore -q -f web base && in_vm web "cat /root/n"'
done
for i in 1 2 3; do
	ok "a fork is killed ($i): there is none, and nothing of it runs" '
		{ "$BUILD/banger" vm fork -q web child & } && p=$! &&
		nap 99 && { kill -9 $p || :; } && { wait $p || :; } &&
		while at_work "(snapshot|restore)" >/dev/null; do :; done &&
		settled &&
		{ [ ! -e "$vms/child" ] || banger vm delete child; } &&
		ls -A "$vms" && [ "$(ls -A "$vms")" = web ] &&
		in_vm web true'
done
ok 'half a restore is not started' '
	banger vm stop web && echo elsewhere >"$vms/web/restoring" &&
	says 1 "interrupted" banger vm start web &&
	says 1 "interrupted" banger vm snapshot web other &&
	banger vm restore -q web base && [ ! -e "$vms/web/restoring" ]'
ok 'a client that dies while it holds the machine lets go of it' '
	in_vm web "echo still >/root/here" &&
	{ plug -l "$vms/web" "PAUSE
" >held & } && p=$! && until grep -q ok held; do :; done &&
	vmm status web | grep -q "^paused" && kill -9 $p &&
	[ "$(in_vm web "cat /root/here")" = still ]'
done_testing
