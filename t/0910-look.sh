#!/bin/sh
# vm stats, vm ports, vm forward: without a guest, the real agent in its place
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
. "$TOP/t/machine.sh"
# machine_with AGENT NAME [FLAG]: a machine that "runs", with this agent.
BANGER_STATE=$T
VMS=$T/vms
cp -r state/images state/kernels .
machine_with() {
	AGENT=$1
	machine "$2" && agentd_start "$2" ${3-} || return
	echo 5 >"$VMS/$2/ready" && echo 1 >"$VMS/$2/started" &&
		started $$ >"$VMS/$2/pid"
}
real=$AGENT
machine_with "$real" web -m || exit
hold 7 web || exit
machine idle disk_bytes=16777216
echo x >"$VMS/idle/overlay.ext4"
# server MODE VARIABLE: one on the host that the agent's loopback is.
server() {
	mkfifo "port.$2"
	echod "$1" >"port.$2" &
	at_end "kill $! 2>/dev/null"
	read -r "$2" <"port.$2"
}
server echo echo
server http http
server count count
server still still

ok 'stats: a row a machine, figures of a running one, the disk of each' '
	banger vm stats >out && grep -q "^NAME  *STATE  *CPU" out &&
	grep -Eq "^idle +created +- +- +- +4 KiB( +-){5}$" out &&
	grep -Eq "^web +running +[0-9.]+ s +[0-9.]+% +[0-9.]+ [KMG]iB .* of " \
		out'
ok 'stats --json: the same, as numbers' '
	banger vm stats --json web idle >out &&
	python3 "$TOP/t/fits.py" vm-stats out &&
	jq -e ".[0].host.cpu_seconds >= 0 and .[0].host.pss_bytes > 0 and
		.[0].guest.memory.total > 0 and .[0].guest.load >= 0 and
		.[0].guest.disk.free >= 0 and .[1].guest == null and
		.[1].host.disk_bytes == 4096 and
		.[1].host.cpu_seconds == null" out'
ok 'stats of a machine that is not there, beside one that is' '
	says 1 "there is no machine" banger vm stats nobody &&
	says 1 "there is no machine" bng-look stats idle nobody'
ok 'ports: what listens, who that is, whether it speaks HTTP' '
	banger vm ports web >out && grep -Eq "^PORT +PROTO" out &&
	grep -Eq "^$http +tcp +127.0.0.1 +echod +http +banger vm forward web" \
		out && grep -Eq "^$echo +tcp +127.0.0.1 +echod +- " out'
ok 'ports --json: the same' '
	banger vm ports --json web >out &&
	python3 "$TOP/t/fits.py" vm-ports out &&
	jq -e ".[] | select(.port == $http)
		| .http and .process == \"echod\" and .open == null" out &&
	jq -e ".[] | select(.port == $still) | .http | not" out'

# forward ARGUMENT...: in the background; its lines in forwarded.
forward() {
	rm -f forwarded
	mkfifo forwarded
	banger vm forward web "$@" >forwarded 2>forward.err &
	forwarder=$!
	at_end "kill $forwarder 2>/dev/null"
}
ok 'forward says where it listens, each port with what is behind it' '
	forward 0:$echo "127.0.0.1:0:$count" "[::1]:0:$http" 0:$still 0:1 &&
	{ read -r a b; read -r c d; read -r e f; read -r g _; read -r h _; } \
		<forwarded && [ "$b,$d,$f" = "$echo,$count,$http" ] &&
	case $a,$c,$e in
	127.0.0.1:*,127.0.0.1:*,"[::1]:"*) ;;
	*) false ;;
	esac &&
	printf "%s\n" "e=${a##*:} c=${c##*:} s=${g##*:} no=${h##*:}" \
		"w=$forwarder" >vars'
. ./vars
ok 'what goes in comes back, whole' '
	head -c 3000000 /dev/urandom >data &&
	visit "$e" <data >back && cmp data back'
ok 'one half ends and the other goes on' '
	visit "$c" <data >back && [ "$(cat back)" = 3000000 ]'
ok 'a hundred connections at once' 'timeout 300 visit -n 100 "$e"'
ok 'who does not read holds nobody up, and what is kept is bounded' '
	{ timeout 300 visit "$s" </dev/zero & } >/dev/null 2>&1 && p=$! &&
	visit -n 20 "$e" && visit "$e" <data >back && cmp data back &&
	rss=$(sed -n "s/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$w/status") &&
	kill $p && [ "$rss" -lt 20000 ]'
ok 'a port where nothing listens: the connection is reset, and why is said' '
	fails 1 visit "$no" </dev/null && grep -q "port 1 of machine" \
		forward.err'
# slowly COMMAND...: while the forwarder is late with whatever it receives.
slowly() {
	strace -qq -o late -p "$w" -e trace=recvfrom \
		-e inject=recvfrom:delay_enter=200000 &
	tracer=$!
	while ! grep -q "^TracerPid:.*[1-9]" "/proc/$w/status"; do
		kill -0 $tracer || return 100
	done
	got=0
	"$@" || got=$?
	kill $tracer
	wait $tracer
	return "$got"
}
need strace 'and so it is when the answer is there before the client ends' '
	fails 1 slowly visit "$no" </dev/null'
ok 'ports knows the address to open, stats goes on' '
	banger vm ports web >out &&
	grep -Eq "^$http .* http://\[::1\]:[0-9]+/$" out &&
	grep -Eq "^$echo .* 127.0.0.1:$e$" out && banger vm stats web'
recorded=$(ls "$VMS/web/forwards")
kill "$w"
wait "$w" 2>/dev/null
ok 'a signal ends it, and its record' '
	[ "$recorded" = "$w" ] && fails 1 visit "$e" </dev/null &&
	[ -z "$(ls "$VMS/web/forwards")" ]'
ok 'a taken address, bad ports and addresses are refused by name' '
	says 1 "cannot listen on 127.0.0.1:$echo" \
		banger vm forward web $echo:80 &&
	for bad in 80 80:x :80 80: 70000:80 80:0 -1:80 1:2:3:4:x a:b:80 \
		"80:80 " "a b:80:80"; do
		fails 2 banger vm forward web "$bad" || exit 1
	done &&
	says 1 "is not an address" banger vm forward web 1.2.3:80:80 &&
	says 1 "is not running" banger vm forward idle 80:80 &&
	says 2 "is required" banger vm forward web'
ok 'what kill -9 leaves is gone when somebody looks' '
	forward 0:$echo && read -r _ <forwarded &&
	set -- "$VMS"/web/forwards/* && kill -9 "$forwarder" &&
	{ wait "$forwarder" || :; } 2>err &&
	banger vm ports web >out && [ -z "$(ls "$VMS/web/forwards")" ]'

# Now one that lies.
LIAR=$T/lie
export LIAR
: >lie
machine_with "$BUILD/t/liar" liar || exit
hold 8 liar || exit
esc=$(printf '\033')
ok 'what a machine says of its ports reaches no terminal as it is' '
	printf "{\"ports\":[{\"proto\":\"t\\\\u001b[31m\",
		\"addr\":\"\\\\u009b\",\"port\":80,
		\"process\":\"a\\\\nb\\\\u0007%s\"},7,{\"port\":1e9},
		{\"port\":\"x\"}]}" "$esc" | tr -d "\n\t" >lie &&
	banger vm ports liar >out && ! grep -q "$esc" out &&
	[ "$(wc -l <out)" = 2 ] && [ "$(tr -d "\040-\176\n\t" <out |
		wc -c)" = 0 ] &&
	banger vm ports --json liar >out && jq -e "length == 1" out'
ok 'figures that are none are none' '
	printf "{\"memory\":{\"total\":-5,\"available\":\"%s[31m\"},
		\"load\":[1e99],\"disk\":{\"total\":1,\"free\":9},
		\"procs\":1e300,\"work\":[]}" "$esc" >lie &&
	banger vm stats liar >out &&
	! grep -q "$esc" out && grep -Eq "^liar .*( +-){5}$" out &&
	banger vm stats --json liar | jq -e ".[0].guest.load == null"'
ok 'noise, nothing, or no end: what is known of the host is shown' '
	for lie in "" "{" "[]" "x"; do
		printf %s "$lie" >lie
		banger vm stats liar >out && grep -q "^liar" out || exit 1
		says 1 "cannot list" banger vm ports liar || exit 1
	done'
need ROOT 'who may not have a port is told which are free to have' '
	says 1 "cannot listen on 0.0.0.0:80: ports below 1024 are root" \
		unshare -n setpriv --bounding-set=-net_bind_service \
		--inh-caps=-net_bind_service "$BUILD/banger" vm forward web \
		0.0.0.0:80:80 &&
	[ "$(wc -l <.err)" = 2 ] && grep -q "^try: .*8080" .err'
done_testing
