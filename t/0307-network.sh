#!/bin/sh
# What a machine reaches: the world and its names, nothing of the host's own.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

# A host whose loopback, world and resolver are this test's alone.
if [ -z "${ALONE-}" ]; then
	[ "$(id -u)" = 0 ] || set -- -r
	ALONE=yes unshare "$@" -nm --propagation private \
		sh "$TOP/t/${0##*/}"
	exit
fi
ip link set lo up && ip addr add 198.51.100.1/32 dev lo &&
	echo 'nameserver 127.0.0.77' >resolv.conf &&
	mount --bind resolv.conf /etc/resolv.conf && mkfifo ready || exit 1
python3 "$TOP/t/netd.py" >ready &
at_end "kill $!"
read -r _ <ready
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
in_guest() { banger vm exec web -- sh -c "$@"; }

ok 'the rules let through what they should, and nothing else' 'guardtest rules'
ok 'frames come whole and in order, however they were cut' '
	for cut in 1 3 64 65 4096; do guardtest stream $cut || exit; done'
ok 'one that takes nothing back is not waited for, and gets whole frames' '
	guardtest stall >out && [ "$(cat out)" = some ]'

ok 'a machine reaches the world, by its name and its address' '
	banger vm run -q -d --image tiny --memory 256M --name web &&
	in_guest "nslookup world.example" | grep -q "Address: 198.51.100.1" &&
	[ "$(in_guest "nc -w 10 198.51.100.1 8080 </dev/null")" = world ]'
# attempts WORDS: what came of them, failing or not.
attempts() {
	in_guest "$1" >out 2>&1
	cat out
	! grep -q secret out
}
# All at once: of those that get no answer, each takes its time.
ok 'not what listens on the loopback of the host, by whatever address' '
	attempts "for to in 10.0.2.2 10.0.2.3 10.0.2.15 10.0.2.77; do
		nc -w 2 \$to 8080 </dev/null & done; wait"'
ok 'not even by the address of a loopback, as root in there might try' '
	attempts "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
		ip addr del 127.0.0.1/8 dev lo
		ip route add 127.0.0.0/8 via 10.0.2.2 src 10.0.2.15
		nc -w 2 127.0.0.1 8080 </dev/null &
		nc -w 2 127.0.0.77 8080 </dev/null & wait" &&
	[ "$(in_guest "nc -w 10 198.51.100.1 8080 </dev/null")" = world ]'
ok 'without nat it reaches nothing' '
	banger vm stop web && banger vm set web --no-nat &&
	banger vm start -q web &&
	attempts "nc -w 1 198.51.100.1 8080 </dev/null" && ! grep world out'
done_testing
