#!/bin/sh
# Firecracker under its own jailer, both real, on a host with cgroups.
box_user=root
. "${0%/*}/box.sh"

printf '%s\n' 'vmm = "firecracker"' 'vmm_jailer = true' >banger.toml
BANGER_CONFIG=$T/banger.toml vms=$BANGER_STATE/vms
export BANGER_CONFIG vms
end() {
	for _end in j k; do
		bng-fc kill "$_end" 2>/dev/null
	done
}
at_end end

pid_of() { read -r _pid _ <"$vms/$1" && echo "$_pid"; }
children() { ps -o pid= --ppid "$1"; }
group() { echo "/sys/fs/cgroup/banger/$(cat "$vms/$1/id")"; }
# Nothing of the jail of $1 is left: no group, no directory, no mount.
clean() {
	ls -la "$vms/$1" && ! [ -e "$vms/$1/jail" ] &&
		! [ -e "$(group "$1")" ] && ! [ -e "$vms/$1/api.sock" ] &&
		! grep "$vms" /proc/self/mountinfo &&
		! pgrep -r R,S,D,T -f "firecracker --id $(cat "$vms/$1/id")"
}
# Gone, or a zombie; it lets go of its locks a moment before.
dead() {
	for _ in $(seq 200); do
		grep -qs "^State:	[^ZX]" "/proc/$1/status" || return 0
	done
	return 1
}

ok 'groups of many machines come and go at once, and none is left' '
	for n in 1 2 3; do
		{ groups "$(printf %032d "$n")" 200; echo $? >"$n"; } &
	done && wait && [ "$(cat 1 2 3 | tr -d "\n")" = 000 ] &&
	! [ -e /sys/fs/cgroup/banger ]
'
ok 'a machine runs jailed, and does what one does that is not' '
	banger vm create --image tiny --vcpu 1 --memory 128M j &&
	[ "$(cat "$vms/j/jailer")" = yes ] &&
	[ "$(banger vm exec j -- echo hello)" = hello ] &&
	banger vm exec j -- sh -c "echo kept >/root/kept; sync" &&
	bng-fc status j | grep running
'
ok 'it is a user of its own, without rights, root or secrets' '
	pid=$(pid_of j/pid) && cat "/proc/$pid/status" &&
	uid=$(awk "/^Uid:/ { print \$2, \$3, \$4 }" "/proc/$pid/status") &&
	[ "${uid%% *}" -ge 1879048192 ] &&
	[ "$uid" = "${uid%% *} ${uid%% *} ${uid%% *}" ] &&
	grep -x "CapEff:	0000000000000000" "/proc/$pid/status" &&
	grep -x "NoNewPrivs:	1" "/proc/$pid/status" &&
	grep -x "Seccomp:	2" "/proc/$pid/status" &&
	grep -x "Groups:	 *" "/proc/$pid/status" &&
	tr "\0" "\n" <"/proc/$pid/environ" >env && ! grep -q . env
'
ok 'its root holds its files and no more, the shared ones read-only' '
	pid=$(pid_of j/pid) && cd "/proc/$pid/root" && find . -xdev | sort &&
	[ "$(ls | tr "\n" " ")" = "dev firecracker firecracker.json\
 firecracker.pid image kernel run sockets vm " ] &&
	[ "$(ls image kernel vm | grep -c .)" -ge 7 ] &&
	cat "/proc/$pid/mountinfo" &&
	awk "\$5 ~ \"^/(image|kernel)/\" && \$6 !~ \"^ro,\" { exit 1 }" \
		"/proc/$pid/mountinfo" &&
	! awk "{ print \$5 }" "/proc/$pid/mountinfo" |
		grep -vE "^/((vm|image|kernel|sockets)(/|$)|$)"
'
ok 'it has its three descriptors, its files, and run.lock for one of them' '
	pid=$(pid_of j/pid) && ls -l "/proc/$pid/fd" &&
	[ "$(readlink "/proc/$pid/fd/0")" = "$vms/j/run.lock" ] &&
	! ls -l "/proc/$pid/fd" | grep -- "->" | grep -v -e run.lock \
		-e "anon_inode:" -e "pipe:" -e "socket:" -e /jail/sockets/log \
		-e "> /image/" -e "> /kernel/" -e "> /vm/" -e "> /dev/" \
		-e "> /sockets/log"
'
ok 'it has no network, and no others to see' '
	pid=$(pid_of j/pid) &&
	for ns in net mnt ipc uts; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != \
			"$(readlink "/proc/self/ns/$ns")" ] || exit
	done && nsenter -t "$pid" -n ip -o link | grep -c . | grep -x 1
'
ok 'its group has limits, and it is in it' '
	pid=$(pid_of j/pid) && g=$(group j) && cat "/proc/$pid/cgroup" &&
	grep -x "0::/banger/$(cat "$vms/j/id")" "/proc/$pid/cgroup" &&
	[ "$(cat "$g/memory.max")" = $(((128 + 8 + 256) * 1048576)) ] &&
	[ "$(cat "$g/pids.max")" = 17 ] &&
	[ "$(cat "$g/cpu.max")" = "200000 100000" ]
'
ok 'what it logs is where it always is' '
	grep "Running Firecracker" "$vms/j/vmm.log" &&
	! grep "Running Firecracker" "$vms/j/console.log"
'
# The last of 8 MiB has been read but for what a pipe holds.
ok 'its log is bounded, however much it says' '
	yes "$(printf %099d 7)" | head -n 84000 >"$vms/j/jail/sockets/log" &&
	ls -l "$vms/j" && size=$(stat -c %s "$vms/j/vmm.log") &&
	[ "$size" -le 4194304 ] && [ "$size" -ge 1048576 ] &&
	! grep "Running Firecracker" "$vms/j/vmm.log" &&
	[ "$(banger vm exec j -- echo hello)" = hello ]
'
ok 'stopped, nothing of its jail is left, and it starts again' '
	banger vm stop j && clean j && banger vm start j &&
	[ "$(banger vm exec j -- cat /root/kept)" = kept ]
'
ok 'kill -9 of the supervisor ends the VMM; gc cleans up' '
	s=$(pid_of j/supervisor) && p=$(pid_of j/pid) && kill -9 "$s" &&
	timeout 100 bng-fc wait j && dead "$p" && [ -e "$(group j)" ] &&
	bng-state gc && clean j
'
start() { bng-fc start "$1" && [ -e "$(group "$1")" ]; }
ok 'kill -9 of all three: gc cleans up' '
	start j && s=$(pid_of j/supervisor) && all=$(children "$s") &&
	{ kill -9 "$s" $all 2>/dev/null || :; } && timeout 100 bng-fc wait j &&
	bng-state gc && clean j
'
ok 'kill -9 of all but the VMM: it holds run.lock until gc ends it' '
	start j && s=$(pid_of j/supervisor) && p=$(pid_of j/pid) &&
	kill -STOP "$s" && guard=$(children "$s" | grep -vw "$p") &&
	kill -9 $guard "$s" && says 1 "already running" bng-fc start j &&
	bng-state gc && dead "$p" && clean j
'
ok 'kill -9 while it starts: gc cleans up' '
	for n in 1 2 3 4 5; do
		bng-fc start j 2>/dev/null &
		s=$! && until [ -e "$vms/j/jail" ]; do :; done
		kill -9 "$s" $(children "$s")
		wait "$s"
		pkill -9 -f "^bng-fc start j" && timeout 100 bng-fc wait j
		bng-state gc && clean j || exit
	done
'
ok 'what is left of it goes with the machine' '
	start j && kill -9 "$(pid_of j/supervisor)" &&
	timeout 100 bng-fc wait j && g=$(group j) && [ -e "$g" ] &&
	banger vm delete j && ! [ -e "$g" ] && ! [ -e "$vms/j" ]
'
ok 'it needs root, and Firecracker, and its jailer' '
	chmod 755 "$T" && machine=$(bng-state new -n k tiny vmm=firecracker \
		jailer=yes) && bng-disk format -s 16M "$machine/overlay.ext4" \
		"$machine/work.ext4" && bng-state commit "$machine" &&
	says 111 "cannot run the jailer" env BANGER_JAILER=/none \
		bng-fc start k &&
	chown -R dev "$T/state" &&
	says 111 "the jailer needs root" runuser -u dev -- env \
		BANGER_STATE="$BANGER_STATE" PATH="$PATH" bng-fc start k
'
ok 'who is not root gets one that is not jailed, and is told' '
	chown dev banger.toml && runuser -u dev -- env PATH="$PATH" \
		BANGER_CONFIG="$BANGER_CONFIG" BANGER_STATE="$BANGER_STATE" \
		banger vm create --no-start --image tiny u 2>err && cat err &&
	grep -q "kvm, not jailed: a jailer needs root$" err &&
	[ "$(cat "$vms/u/jailer")" = no ] && rm -r "$vms/u"
'
ok 'root runs a machine of somebody else as that one' '
	bng-fc start k && p=$(pid_of k/pid) &&
	[ "$(stat -c %U "/proc/$p")" = dev ] && bng-fc kill k && clean k
'
done_testing
