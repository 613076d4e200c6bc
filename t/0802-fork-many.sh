#!/bin/sh
# Ten machines out of one, a Debian with systemd and sshd: nothing that has to
# be its own is another's. Random bytes are not asked for here: they differed
# also when the agent seeded nobody anew, as all that runs takes some of them.
# t/0801-snapshot-verbs.sh asks it of two machines in which nothing runs, and
# t/hostbox/28-forks.sh of ten.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store debian-minimal || exit 1

vms=$BANGER_STATE/vms
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
in_vm() { banger vm exec "$1" -- sh -c "$2"; }
# The host key that a machine's sshd shows to a client.
shown_key() {
	in_vm "$1" 'ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null' |
		cut -d ' ' -f 2,3
}
all='1 2 3 4 5 6 7 8 9 10'
# Ten lines, no two of them the same.
ten() { sort -u "$1" >sorted && [ "$(grep -c . sorted)" = 10 ]; }

ok 'ten forks of a machine with systemd become ready' '
	banger vm run -q -d --image debian-minimal --memory 384M --vcpu 1 \
		--wait boot --name web &&
	in_vm web "head -c 16 /dev/urandom | od -An -tx1 >/dev/shm/nonce
		date -s @1500000000" &&
	for i in $all; do banger vm fork -q web "f$i" || exit; done'
ok 'each has the memory of the first' '
	in_vm web "cat /dev/shm/nonce" >nonces && [ -s nonces ] &&
	for i in $all; do in_vm "f$i" "cat /dev/shm/nonce"; done >>nonces &&
	[ "$(sort -u nonces | grep -c .)" = 1 ]'
ok 'no two have the same machine-id, for systemd or for dbus' '
	for i in $all; do
		in_vm "f$i" "cat /etc/machine-id" &&
		in_vm "f$i" "[ ! -e /var/lib/dbus/machine-id ] ||
			cmp /etc/machine-id /var/lib/dbus/machine-id" || exit
	done >ids && ten ids'
ok 'the sshd of each shows the key that the host made for it' '
	for i in $all; do
		shown_key "f$i" >shown &&
		cut -d " " -f 1,2 "$vms/f$i/ssh_host_key.pub" >made &&
		same made shown && cat shown || exit
	done >keys && ten keys'
ok 'each has its own name and address on the wire' '
	for i in $all; do
		[ "$(in_vm "f$i" "hostname; cat /etc/hostname" | sort -u)" = \
			"f$i" ] &&
		in_vm "f$i" "cat /sys/class/net/eth0/address" || exit
	done >macs && ten macs && in_vm f1 "getent hosts f1"'
ok 'each has the time of the host' '
	for i in $all; do
		before=$(date +%s) && then=$(in_vm "f$i" "date +%s") &&
		now=$(date +%s) && [ "$then" -ge $((before - 10)) ] &&
		[ "$then" -le $((now + 10)) ] || exit
	done'
ok 'the first is who it was' '
	[ "$(in_vm web hostname)" = web ] && shown_key web >shown &&
	cut -d " " -f 1,2 "$vms/web/ssh_host_key.pub" >made && same made shown'
done_testing
