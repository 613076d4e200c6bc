#!/bin/sh
# A machine's life under whatever VMM this host has: QEMU here, Firecracker in
# the box (t/hostbox/10-life.sh).
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

vms=$BANGER_STATE/vms
version=$(bng-store field "$BANGER_KERNEL_PATH/debian/manifest.json" version)
new() { banger vm create -q --image tiny --vcpu 1 --memory 128M "$@"; }
in_web() { banger vm exec web -- "$@"; }
state() { banger vm list | awk -v n="$1" '$1 == n { print $2 }'; }
# Words of what is on its disks, which nobody mounts now.
clean() {
	for _disk in overlay work; do
		e2fsck -fn "$vms/$1/$_disk.ext4" || return
	done
}

# One whose init hears nothing is stopped beside what follows: how that ended,
# and after how many seconds, is in deaf.end.
stop_deaf() {
	banger vm create -q --no-start --name deaf --image tiny --vcpu 1 \
		--memory 128M &&
		bng-disk mkdir -p "$vms/deaf/overlay.ext4" /upper/sbin &&
		printf '%s\n' '#!/bin/sh' 'trap "" HUP INT TERM USR1 USR2' \
			'while :; do sleep 1000; done' |
		bng-disk put -m 755 "$vms/deaf/overlay.ext4" \
			/upper/sbin/init &&
		banger vm start -q deaf &&
		banger vm exec deaf -- sh -c 'cat /proc/1/comm
			echo kept >/root/file; echo too >/etc/too' || return
	_deaf_began=$(date +%s)
	banger vm stop -q deaf
	echo "$? $(($(date +%s) - _deaf_began))" >deaf.end
}

ok 'a command runs, and the first line says under what' '
	banger vm run --rm --image tiny --vcpu 1 --memory 128M -- uname -r \
		>out 2>err && cat err && [ "$(cat out)" = "$version" ] &&
	head -n 1 err | grep -Eq \
		"^spec: .* \| [a-z]+( [0-9.]+)? (kvm|tcg .*)$" &&
	[ -z "$(banger vm list -q)" ]'
ok 'a machine that was made runs under the same' '
	[ "$(new --name web)" = web ] && [ "$(state web)" = running ] &&
	read -r vmm <"$vms/web/vmm" && grep -q "| $vmm " err &&
	read -r _ <"$vms/web/vmm_version"'
stop_deaf >deaf.out 2>&1 &
deaf=$!
ok 'commands keep their words, bytes and statuses' '
	head -c 300000 /dev/urandom >big && in_web cat <big >out &&
	same big out && in_web sh -c "echo out; echo err >&2" >out 2>err &&
	[ "$(cat out err)" = "out
err" ] && fails 7 in_web sh -c "exit 7" &&
	fails 127 in_web no-such-command && fails 126 in_web /etc/passwd &&
	fails 143 in_web sh -c "kill -TERM \$\$"'
ok 'it can be stopped still, and goes on' '
	read -r vmm <"$vms/web/vmm" && in_web sh -c "echo here >/tmp/ram" &&
	parts=$(sed -n "s/^SHARE=//p" "$(command -v banger)") &&
	drive=$(sed -n "s/^	\"\$1\" $vmm \([^ ]*\).*/\1/p" \
		"${parts:-$TOP}/sh/vmms") &&
	"$drive" pause web && "$drive" status web | grep -q "^paused" &&
	"$drive" resume web && [ "$(in_web cat /tmp/ram)" = here ]'
# A kernel writes what it counts where it finds something else.
overhead() { dumpe2fs -h "$1" 2>/dev/null | grep "^Overhead clusters: *[1-9]"; }
ok 'stop and start keep /root, and what was written elsewhere' '
	in_web sh -c "echo kept >/root/file; echo too >/etc/too" &&
	banger vm stop web && [ "$(state web)" = stopped ] && clean web &&
	bng-disk format -s 8G fresh && overhead fresh >want &&
	overhead "$vms/web/work.ext4" >got && same want got && rm fresh &&
	banger vm set -q web memory=256M --disk-size 9G && clean web &&
	banger vm start -q web && [ "$(in_web cat /root/file /etc/too)" = "kept
too" ]'
ok 'and it has the memory and the disk that it was given meanwhile' '
	in_web cat /proc/meminfo | awk "/^MemTotal/ { exit !(\$2 > 180000) }" &&
	[ "$(in_web df -k /root | awk "END { print (\$2 > 8600000) }")" = 1 ]'
ok 'a guest that reboots itself comes back' '
	boot=/proc/sys/kernel/random/boot_id && was=$(in_web cat $boot) &&
	{ in_web sh -c "echo 2 >/root/file; reboot; sleep 1000" || :; } &&
	until now=$(in_web cat $boot) && [ "$now" != "$was" ]; do
		bng-agent wait web || [ "$(state web)" != stopped ] || exit 1
	done && [ "$(in_web cat /root/file)" = 2 ]'
ok 'kill ends it at once; it starts again with what was synced' '
	in_web sh -c "echo 3 >/root/file; sync" && banger vm kill web &&
	[ ! -e "$vms/web/ready" ] && clean web && banger vm start -q web &&
	[ "$(in_web cat /root/file)" = 3 ]'
wait "$deaf"
# In 15 s, and what a host that has much to do adds to them.
ok 'an init that never ends is not waited for: off in 15 s, nothing lost' '
	cat deaf.out deaf.end && read -r status took <deaf.end &&
	[ "$status" = 0 ] && [ "$took" -ge 8 ] && [ "$took" -le 17 ] &&
	grep -qx init deaf.out &&
	[ "$(state deaf)" = stopped ] &&
	for disk in overlay work; do
		e2fsck -p "$vms/deaf/$disk.ext4" || [ $? = 1 ] || exit
	done &&
	[ "$(bng-disk get "$vms/deaf/work.ext4" /root/file)" = kept ] &&
	[ "$(bng-disk get "$vms/deaf/overlay.ext4" /upper/etc/too)" = too ] &&
	banger vm delete deaf'
ok 'deleted, it leaves nothing' '
	read -r pid _ <"$vms/web/pid" && read -r sup _ <"$vms/web/supervisor" &&
	banger vm delete web && [ -z "$(ls -A "$vms")" ] &&
	! kill -0 "$pid" && timeout 100 tail --pid="$sup" -f /dev/null &&
	[ -z "$(banger gc)" ]'

done_testing
