#!/bin/sh
# the agent in a machine of its own, without an init
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
need qemu-system-x86_64 'the agent boots a machine' || done_testing
store || exit

mkdir -p "$BANGER_STATE/ssh"
echo 'ssh-ed25519 AAAA test' >"$BANGER_STATE/ssh/id_ed25519.pub"
boot() {
	bng-qemu start guest && timeout 300 bng-agent wait guest
}
make_machine() {
	dir=$(bng-state new -n guest tiny net=user nat=no ephemeral=yes \
		vcpu=2 memory_mib=512) &&
		bng-disk format -s 1G "$dir/overlay.ext4" "$dir/work.ext4" &&
		echo secret >"$dir/ssh_host_key" && bng-state commit "$dir"
}
at_end 'bng-qemu kill guest'
in_guest() { timeout 300 bng-agent exec guest "$@"; }

ok 'a machine boots, and becomes the one it was told to be' '
	make_machine && boot &&
	in_guest hostname >out && echo guest | cmp - out &&
	in_guest cat /etc/machine-id | cmp - "$BANGER_STATE/vms/guest/id"'
ok 'its clock is ours' '
	in_guest date +%s >out && read -r theirs <out && ours=$(date +%s) &&
	[ $((ours - theirs)) -lt 10 ] && [ $((theirs - ours)) -lt 10 ]'
ok 'how fast it runs is what it was told, as nothing here can measure it' '
	in_guest sh -c "cat /proc/cmdline && dmesg" >out &&
	khz=$(sed -n "1s/.* tsc_early_khz=\([0-9]*\).*/\1/p" out) &&
	grep "tsc: Detected $((khz / 1000)).$(printf %03d \
		$((khz % 1000))) MHz" out'
ok 'it has its address, a route and a resolver' '
	in_guest ip -4 addr show eth0 >out && grep -q 10.0.2.15/24 out &&
	in_guest ip route >out && grep -q "default via 10.0.2.2" out &&
	[ "$(in_guest cat \
		/proc/sys/net/ipv6/conf/eth0/router_solicitations)" = 0 ] &&
	in_guest cat /etc/resolv.conf >out &&
	grep -qx "nameserver 10.0.2.3" out'
ok '/ is the overlay, /root the work disk, and both can be written' '
	in_guest sh -c "touch /x /root/x && mount" >out &&
	grep -q "^overlay on / " out && grep -q "^/dev/vdc on /root " out &&
	grep -q "^/dev/vdb on /var/lib/docker " out &&
	grep -q "on /lib/modules .*ro" out'
ok 'only its owner can read /root and the keys in it' '
	in_guest stat -c "%a %U %n" /root /root/.ssh \
		/root/.ssh/authorized_keys >out &&
	printf "%s\n" "700 root /root" "700 root /root/.ssh" \
		"600 root /root/.ssh/authorized_keys" | cmp - out &&
	in_guest cat /root/.ssh/authorized_keys |
		cmp - "$BANGER_STATE/ssh/id_ed25519.pub"'
ok 'the OOM killer spares the agent, and nothing that the agent starts' '
	in_guest sh -c "cd /proc &&
		cat self/oom_score_adj \$PPID/oom_score_adj" >out &&
	printf "%s\n" 0 -1000 | cmp - out'
ok 'configuring it again changes nothing and breaks nothing' '
	in_guest sh -c "mount; ip route; cat /etc/hosts" >before &&
	bng-agent configure guest &&
	in_guest sh -c "mount; ip route; cat /etc/hosts" >after &&
	same before after'
ok '100 MB out of it and into it, byte for byte' '
	head -c 100000000 /dev/urandom >in &&
	timeout 300 bng-agent exec -i guest tee /tmp/in <in >out &&
	same in out && in_guest cat /tmp/in >out && same in out && rm in out'
ok '25 commands at once' '
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 \
		24 25; do { in_guest sh -c "echo $i; exit $i" >o.$i
		echo $? >>o.$i; } & done && wait && for i in 1 7 25; do
		printf "$i\n$i\n" | cmp - o.$i || exit; done'
ok 'who is gone takes the command along' '
	mkfifo up && { bng-agent exec guest sh -c \
		"trap \"\" HUP; echo \$\$; while :; do sleep 1; done" >up & } &&
	p=$! && exec 8<up && read -r pid <&8 && kill -9 $p && exec 8<&- &&
	in_guest sh -c "while kill -0 $pid 2>&-; do usleep 50000; done"'
ok 'dial carries a connection, each direction with its end' '
	{ in_guest nc -l -p 7 -e /bin/rev & } &&
	in_guest sh -c \
		"until netstat -ltn | grep -q :7; do usleep 20000; done" &&
	bng-agent ports guest >ports &&
	grep -q "^tcp6*	[^	]*	7	" ports &&
	echo hello | timeout 100 bng-agent dial guest 7 >out &&
	echo olleh | cmp - out && wait'
ok 'dialling a port where nothing listens: 111, and why' '
	says 111 "Connection refused" bng-agent dial guest 9'
ok 'stats are JSON with the figures in it' '
	bng-agent stats guest >out && bng-store field out uptime &&
	grep -q "\"agent_rss\":[1-9]" out'
ok 'the agent takes at most 1.5 MiB' '
	bng-agent stats guest >out &&
	rss=$(sed "s/.*agent_rss\":\([0-9]*\).*/\1/" out) &&
	[ "$rss" -lt 1572864 ]'
ok 'shutdown switches it off, what was written is there the next time' '
	in_guest sh -c "echo kept >/kept; echo kept >/root/kept" &&
	bng-agent shutdown guest && timeout 300 bng-qemu wait guest &&
	echo poweroff | cmp - "$BANGER_STATE/vms/guest/exit" &&
	boot && in_guest cat /kept /root/kept >out &&
	printf "kept\nkept\n" | cmp - out'
ok 'orphans are reaped' '
	in_guest sh -c "(sleep 0.1 &) ; (sleep 0.1 &)" &&
	in_guest sh -c "while ps | grep \"\[sleep\]\|sleep 0[.]\"; do
		usleep 50000; done"'
done_testing
