#!/bin/sh
# Snapshots of a real guest: its memory, its disks, and what must not change.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

vms=$BANGER_STATE/vms
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
# The applet of the VMM that runs it: with KVM, Firecracker may.
vmm() { _verb=$1 _name=$2; shift 2
	case $(cat "$vms/$_name/vmm") in
	firecracker) bng-fc "$_verb" "$_name" "$@" ;;
	*) bng-qemu "$_verb" "$_name" "$@" ;;
	esac
}
in_vm() { banger vm exec "$1" -- sh -c "$2"; }
up() { timeout 300 bng-agent wait "$1"; }
# However long it takes to ask, and to be told.
its_time_is_ours() {
	before=$(date +%s) && then=$(in_vm web 'date +%s') &&
		now=$(date +%s) && [ "$then" -ge $((before - 10)) ] &&
		[ "$then" -le $((now + 10)) ]
}

ok 'a guest holds a nonce that is nowhere but in its memory' '
	banger vm run -q -d --image tiny --memory 128M --name web &&
	in_vm web "mkdir /ram && mount -t tmpfs none /ram &&
		head -c 16 /dev/urandom | od -An -tx1 >/ram/nonce &&
		echo then >/root/file && sync && cat /ram/nonce" >nonce &&
	[ -s nonce ]'
ok 'a snapshot of it tells how long it stood still, and it runs on' '
	in_vm web "date -s @1000000000" &&
	vmm snapshot web "$T/one" >ms && [ "$(cat ms)" -gt 0 ] &&
	[ "$(cat "$vms/web/vmm_version")" = "$(cat one/vmm_version)" ] &&
	vmm status web | grep -q ^running &&
	[ "$(in_vm web "cat /root/file")" = then ]'
ok 'nor does its clock fall behind' '
	its_time_is_ours'
ok 'the snapshot is private and takes no room for what is empty' '
	[ "$(stat -c %a one)" = 700 ] && [ "$(stat -c %a one/memory)" = 600 ] &&
	[ "$(du -sm one | cut -f 1)" -lt 120 ]'
ok 'after a change the machine is what it was, under another supervisor' '
	in_vm web "echo now >/root/file; rm /ram/nonce; sync" &&
	read -r old <"$vms/web/supervisor" && vmm kill web &&
	vmm restore web "$T/one" && up web &&
	read -r new <"$vms/web/supervisor" && [ "$old" != "$new" ] &&
	in_vm web "cat /ram/nonce" >back && same nonce back &&
	[ "$(in_vm web "cat /root/file")" = then ] &&
	[ "$(cat "$vms/web/restored")" = one ]'
ok 'its clock is that of the host' '
	its_time_is_ours'
ok 'one that was left alone, and then was not, is what it was as well' '
	vmm kill web && sleep 3 && vmm restore web "$T/one" && up web &&
	in_vm web "echo now >/root/file; sync" && vmm kill web &&
	vmm restore web "$T/one" && up web &&
	[ "$(in_vm web "cat /root/file")" = then ]'
ok 'a command that ran in the snapshot is ended, its client long gone' '
	{ banger vm exec web -- sh -c "echo \$\$ >/ram/pid; exec sleep 1000" &
	} && client=$! &&
	in_vm web "until [ -s /ram/pid ]; do :; done" &&
	vmm snapshot web "$T/two" && vmm kill web && ! wait $client &&
	vmm restore web "$T/two" && up web &&
	in_vm web "while kill -0 \$(cat /ram/pid) 2>/dev/null; do
		sleep 0.1; done"'
ok 'it goes on as a command: an applet of this executable, or another one' '
	again() { vmm kill web && vmm restore web "$T/one" "$@"; } &&
	fails 5 again bng-agent exec -w 300 web -- sh -c "exit 5" &&
	again bng-agent wait -n -t 300 web >said && [ "$(cat said)" = web ] &&
	again echo 1 2 >said && [ "$(cat said)" = "1 2" ] &&
	[ "$(again sh -c "ls /proc/\$\$/fd" | tr "\n" " ")" = "0 1 2 " ] &&
	says 127 "cannot execute" again nothing-such &&
	says 126 "cannot execute" again "$T" && up web'
ok 'a machine that runs is not restored' '
	says 1 "already running" vmm restore web "$T/one" &&
	[ "$(in_vm web "cat /root/file")" = then ]'
ok 'nothing is written over, and what is no snapshot is not restored' '
	says 1 "already" vmm snapshot web "$T/one" &&
	mkdir none && vmm kill web && says 111 "is no snapshot" \
		vmm restore web "$T/none" &&
	says 1 "no snapshot" vmm restore web "$T/absent" &&
	! vmm status web'
ok 'of a stopped machine it holds the disks, and restoring starts nothing' '
	vmm snapshot web "$T/disks" && [ ! -e disks/memory ] &&
	banger vm start -q web && in_vm web "rm /root/file" &&
	banger vm stop web && vmm restore web "$T/disks" &&
	! vmm status web && banger vm start -q web &&
	[ "$(in_vm web "cat /root/file")" = then ]'
ok 'with a size changed since, the size of the snapshot counts' '
	banger vm stop web && bng-state set web vcpu=1 memory_mib=300 &&
	vmm restore web "$T/one" && up web &&
	in_vm web "cat /ram/nonce" >back && same nonce back &&
	[ "$(cat "$vms/web/memory_mib")" = 128 ]'
ok 'one that was paused stays so, and its snapshot runs' '
	vmm pause web && vmm snapshot web "$T/still" &&
	vmm status web | grep -q ^paused && vmm resume web &&
	in_vm web "cat /ram/nonce" >back && same nonce back &&
	vmm kill web && vmm restore web "$T/still" && up web &&
	in_vm web "cat /ram/nonce" >back && same nonce back'
ok 'a restored machine that reboots has booted' '
	{ banger vm exec web -- reboot -f || :; } &&
	while [ -e "$vms/web/restored" ]; do :; done && up web &&
	in_vm web "[ ! -e /ram/nonce ]"'
done_testing
