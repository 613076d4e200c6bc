#!/bin/sh
# Firecracker confined by Landlock, as an ordinary user runs it.
. "${0%/*}/box.sh"

BANGER_VMM=firecracker
vm=$BANGER_STATE/vms/f
export BANGER_VMM vm
at_end 'bng-fc kill f 2>/dev/null'

no='Permission denied'
refused() { fctell "$vm" "$@" >got; cat got; grep -q "^400 .*$no" got; }

ok 'the kernel of the box has Landlock, and doctor says so' '
	bng-qemu landlock && banger doctor | tee out &&
	grep "^PASS  landlock .*ABI" out
'
ok 'a machine runs confined' '
	banger vm create --image tiny --vcpu 1 --memory 128M f &&
	[ "$(banger vm exec f -- echo hello)" = hello ] &&
	! grep "no Landlock" "$vm/vmm.log"
'
ok 'no new privileges, filters in all threads, no core dumps, few files' '
	read -r pid _ <"$vm/pid" &&
	for status in $(set +f; echo "/proc/$pid/task/"*/status); do
		cat "$status" &&
		grep -x "NoNewPrivs:	1" "$status" &&
		grep -x "Seccomp:	2" "$status" || exit
	done && grep -E "Max core file size +0 +0 " "/proc/$pid/limits" &&
	awk "/Max open files/ { exit !(\$5 <= 4096) }" "/proc/$pid/limits" &&
	tr "\0" "\n" <"/proc/$pid/environ" >env && cat env &&
	! grep -v ^PATH= env
'
ok 'it has a session of its own' '
	read -r pid _ <"$vm/pid" && read -r stat <"/proc/$pid/stat" &&
	set -- ${stat##*) } && [ "$4" = "$pid" ]
'
# How many different ones there are that begin with $1.
kinds() {
	ls -l "/proc/$pid/fd" | sed -n "s/.*-> \($1.*\)/\1/p" | sort -u |
		grep -c .
}
# Two pipes: its console and its log. Three sockets: it listens at its API and
# for connections to the guest, and has that of the agent, which says hello.
ok 'its pipes and sockets are counted, and none is of a network' '
	read -r pid _ <"$vm/pid" && ls -l "/proc/$pid/fd" &&
	[ "$(kinds pipe:)" = 2 ] && [ "$(kinds socket:)" = 3 ] &&
	for socket in $(ls -l "/proc/$pid/fd" |
			sed -n "s/.*socket:\[\([0-9]*\)\]$/\1/p"); do
		grep " $socket\( \|$\)" /proc/net/unix || exit
	done >got && cat got &&
	[ "$(awk "\$4 == 00010000 { print \$8 }" got | sort |
		tr "\n" " ")" = "/proc/self/fd/4/api.sock \
/proc/self/fd/4/vsock.sock " ]
'
ok 'what else it has open is its machine'\''s' '
	read -r pid _ <"$vm/pid" && ls -l "/proc/$pid/fd" &&
	for fd in $(ls "/proc/$pid/fd"); do
		readlink "/proc/$pid/fd/$fd"
	done | grep -v -e "^pipe:" -e "^socket:" -e "^anon_inode:" \
		-e "^/memfd:" | sort -u >got &&
	{ printf "%s\n" /dev/null /dev/kvm "$vm" "$vm/run.lock" \
		"$vm/overlay.ext4" "$vm/work.ext4" "$BANGER_IMAGE_PATH/tiny" \
		"$BANGER_IMAGE_PATH/tiny/rootfs.ext4" /dev/urandom
	for file in "" /vmlinux /initrd /modules.ext4; do
		echo "$BANGER_KERNEL_PATH/debian$file"
	done; } | sort >may && ! comm -23 got may | grep .
'
ok 'asked to write or to show what is not its machine'\''s, it cannot' '
	echo secret >secret && bng-fc pause f &&
	for file in "$T/new" "$vm/image_dir" "$vm/new" "$HOME/.profile"; do
		refused PUT /snapshot/create "{\"snapshot_type\":\"Full\",\
\"snapshot_path\":\"$file\",\"mem_file_path\":\"$file\"}" || exit
	done && bng-fc resume f && [ -s "$vm/image_dir" ] &&
	! [ -e new ] && ! [ -e "$vm/new" ] &&
	refused PATCH /drives/work "{\"drive_id\":\"work\",\
\"path_on_host\":\"$T/secret\"}" &&
	refused PATCH /drives/work "{\"drive_id\":\"work\",\
\"path_on_host\":\"$vm/ssh_host_key\"}" &&
	[ "$(banger vm exec f -- echo still)" = still ]
'
done_testing
