#!/bin/sh
# What a VMM may touch: a burglar in QEMU's place, and QEMU itself.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
. "$TOP/t/rogue.sh"
store && rogue plain || exit
burgled=$BANGER_STATE/images/burgled
mkdir -p "$burgled" bin && : >"$burgled/rootfs.ext4" &&
	bng-store manifest "$burgled" name=burgled arch=x86_64 kernel=plain \
		source=test && ln -s "$BUILD/t/burglar" bin/qemu-system-x86_64

# victim NAME [KEY=VALUE ...]: a machine whose VMM will be the burglar.
victim() {
	_victim_name=$1
	shift
	_victim_dir=$(bng-state new -n "$_victim_name" burgled kernel=plain \
		net=none "$@") &&
		: >"$_victim_dir/overlay.ext4" && : >"$_victim_dir/work.ext4" &&
		echo secret >"$_victim_dir/ssh_host_key" &&
		bng-state commit "$_victim_dir" >/dev/null
}

# What stdin says is tried in NAME; the answers are in `log`.
burgle() {
	cat >"$burgled/rootfs.ext4"
	fails 111 env PATH="$T/bin:$PATH" SECRET=hush bng-qemu start "$1"
	mv "$VMS/$1/vmm.log" log && cat log
}

# said PATH:REASON...: the log says so of each.
said() {
	for _said; do
		grep -qxF -- "${_said%:*}: ${_said#*:}" log || {
			echo "not said: $_said"
			return 1
		}
	done
}
no='Permission denied' not='Operation not permitted'

ok 'a VMM cannot read what is not its machine'\''s, not even for root' '
	echo secret >secret && victim a && victim b &&
	printf "read %s\n" "$T/secret" /etc/passwd "$VMS/a/ssh_host_key" \
		"$VMS/a/image_dir" "$VMS/b/work.ext4" "$burgled/manifest.json" \
		"/proc/$$/environ" /proc/1/cmdline | burgle a &&
	said "read $T/secret:$no" "read /etc/passwd:$no" \
		"read $VMS/a/ssh_host_key:$no" "read $VMS/a/image_dir:$no" \
		"read $VMS/b/work.ext4:$no" \
		"read $burgled/manifest.json:$no" \
		"read /proc/$$/environ:$no" "read /proc/1/cmdline:$no"
'
ok 'it reads its image and kernel, and writes its disks' '
	printf "%s\n" "read $burgled/rootfs.ext4" \
		"read $BANGER_STATE/kernels/plain/vmlinux" \
		"read $BANGER_STATE/kernels/plain/initrd" \
		"write $VMS/a/work.ext4" "write $VMS/a/overlay.ext4" \
		"read /proc/self/status" "write /dev/null" \
		"read /dev/urandom" | burgle a &&
	[ "$(grep -c ": done$" log)" = 8 ]
'
ok 'it writes nothing else: no shared image, no value of its machine' '
	printf "%s\n" "write $burgled/rootfs.ext4" \
		"write $BANGER_STATE/kernels/plain/initrd" \
		"write $VMS/a/image_dir" "write $VMS/a/run.lock" \
		"make $VMS/a/core" "make $T/made" "make /tmp/bng-made.$$" \
		"remove $VMS/a/image_dir" "remove $VMS/a/work.ext4" |
		burgle a &&
	[ "$(grep -c ": $no$" log)" = 9 ] && [ -f "$VMS/a/image_dir" ] &&
	[ -f "$VMS/a/work.ext4" ]
'
ok 'it executes nothing, looks around nowhere, and signals nobody' '
	printf "%s\n" "exec /bin/true" "exec $(command -v bng)" "list $T" \
		"list $VMS" "list /etc" "list /root" "signal $$" | burgle a &&
	said "exec /bin/true:$no" "exec $(command -v bng):$no" "list $T:$no" \
		"list $VMS:$no" "list /etc:$no" "list /root:$no" &&
	if [ "$(bng-qemu landlock)" -ge 6 ]; then said "signal $$:$not"; fi
'
need ldd 'libraries that lie elsewhere are found, and can be read' '
	mkdir -p priv && cp "$(ldd "$BUILD/t/burglar" |
		awk "/libc.so/ { print \$3 }")" priv &&
	echo "read $T/secret" | (export LD_LIBRARY_PATH="$T/priv" &&
		burgle a) && said "read $T/secret:$no" &&
	fails 111 env PATH="$T/bin:$PATH" LD_LIBRARY_PATH="$T/priv" \
		strace -qq -f -e trace=openat -o trace bng-qemu start a &&
	grep "priv/libc.so.6\", O_RDONLY|O_CLOEXEC) = [0-9]" trace
'
ok 'it gets no environment that may hold secrets' '
	printf "env %s\n" SECRET HOME BANGER_STATE PATH | burgle a &&
	gone="No such file or directory" && said "env SECRET:$gone" \
		"env HOME:$gone" "env BANGER_STATE:$gone" "env PATH:done"
'
if need LANDLOCK4 'TCP only where its network needs it'; then
	ok 'without a network outside it makes no connection' '
		victim c net=user nat=no &&
		for vm in a c; do
			printf "%s\n" "connect 9" "bind 0" | burgle "$vm" &&
			said "connect 9:$no" "bind 0:$no" || exit
		done
	'
	ok 'with one it connects, but does not listen' '
		victim d net=user nat=yes &&
		printf "%s\n" "connect 1" "bind 0" "read /etc/resolv.conf" \
			"read /etc/shadow" | burgle d &&
		said "connect 1:Connection refused" "bind 0:$no" \
			"read /etc/shadow:$no" "read /etc/resolv.conf:done"
	'
fi
listen() {
	perl -MSocket -e 'socket S, AF_UNIX, SOCK_STREAM, 0;
		bind S, pack_sockaddr_un("\0$ARGV[0]") or die; listen S, 1;
		$| = 1; print "up\n"; sleep 60' "$1" >up &
	read -r _ <up
}
need LANDLOCK6 'it does not reach what listens without a path' '
	mkfifo up && listen "bng-$$" && perl=$! &&
	echo "abstract bng-$$" | burgle a && kill "$perl" &&
	said "abstract bng-$$:$not"
'
ok 'its descriptors are few and end where the limit is' '
	printf "#!/bin/sh\nulimit -n >&2; ulimit -Hn >&2; exit 9\n" >limits &&
	chmod +x limits && mkdir -p script && ln -sf ../limits \
		script/qemu-system-x86_64 &&
	fails 111 env PATH="$T/script:$PATH" bng-qemu start a &&
	cat "$VMS/a/vmm.log" &&
	[ "$(head -n 1 "$VMS/a/vmm.log")" -le 4096 ] &&
	[ "$(tail -n 1 "$VMS/a/vmm.log")" -le 4096 ]
'
ok 'what is a script may execute what is installed, and no more' '
	printf "#!/bin/sh\n%s\n%s\nexit 9\n" "ls /usr/lib >&2" \
		"cat $T/secret >&2" >limits && rm "$VMS/a/vmm.log" &&
	fails 111 env PATH="$T/script:$PATH" bng-qemu start a &&
	cat "$VMS/a/vmm.log" && grep -q x86_64 "$VMS/a/vmm.log" &&
	grep -q "secret.*Permission denied" "$VMS/a/vmm.log"
'
need strace 'without Landlock vmm.log says so once, and it starts yet' '
	echo "read $T/secret" >"$burgled/rootfs.ext4" &&
	rm "$VMS/a/vmm.log" &&
	fails 111 env PATH="$T/bin:$PATH" strace -qq -f -o trace \
		-e inject=landlock_create_ruleset:error=EOPNOTSUPP \
		bng-qemu start a && cat "$VMS/a/vmm.log" &&
	[ "$(grep -c "no Landlock" "$VMS/a/vmm.log")" = 1 ] &&
	grep -q "secret: done" "$VMS/a/vmm.log" &&
	fails 1 strace -qq -o trace \
		-e inject=landlock_create_ruleset:error=ENOSYS \
		bng-qemu landlock
'
need strace 'one that cannot be confined is not started' '
	fails 111 env PATH="$T/bin:$PATH" strace -qq -f -o trace \
		-e inject=landlock_restrict_self:error=E2BIG \
		bng-qemu start a 2>err && cat err &&
	grep -q "cannot confine" err && ! grep -q "secret: " err &&
	fails 111 env PATH="$T/bin:$PATH" strace -qq -f -o trace \
		-e inject=landlock_add_rule:error=ENOMEM bng-qemu start a \
		2>err && cat err && grep -q "cannot be confined" err
'

# The real one.
refused() { qmptell "$VMS/q" "$1" | tee got && grep -q "$no" got; }
ok 'QEMU starts, its guest boots' '
	vm q plain && echo secret >"$VMS/q/ssh_host_key" &&
	bng-qemu start q && timeout 300 plug -e 1 10 "$VMS/q"
'
ok 'it has no new privileges, a filter, no core dumps, its own session' '
	read -r pid _ <"$VMS/q/pid" &&
	grep -x "NoNewPrivs:	1" "/proc/$pid/status" &&
	grep -x "Seccomp:	2" "/proc/$pid/status" &&
	grep -E "Max core file size +0 +0 " "/proc/$pid/limits" &&
	grep -E "Max open files +4096 +4096 " "/proc/$pid/limits" &&
	read -r stat <"/proc/$pid/stat" &&
	set -- ${stat##*) } && [ "$4" = "$pid" ]
'
ok 'what it has open is its own, and its machine'\''s' '
	read -r pid _ <"$VMS/q/pid" &&
	for fd in $(ls "/proc/$pid/fd"); do
		readlink "/proc/$pid/fd/$fd"
	done | grep -v -e "^pipe:" -e "^socket:" -e "^anon_inode:" |
		sort -u >got && cat got &&
	store=$BANGER_KERNEL_PATH/debian &&
	printf "%s\n" /dev/null "$VMS/q" "$VMS/q/run.lock" \
		"$VMS/q/overlay.ext4" "$VMS/q/work.ext4" \
		"$BANGER_IMAGE_PATH/tiny" \
		"$BANGER_IMAGE_PATH/tiny/rootfs.ext4" \
		"$BANGER_STATE/kernels/plain" | sort >want && same want got &&
	[ "$(ls -l "/proc/$pid/fd" | grep -c "socket:")" = 3 ] &&
	[ "$(ls -l "/proc/$pid/fd" | grep -c "pipe:")" = 2 ]
'
ok 'its monitor dumps no memory over a file of somebody else' '
	: >mine && refused "{\"execute\":\"pmemsave\",\"arguments\":{\"val\":0,\
\"size\":4096,\"filename\":\"$T/mine\"}}" && [ ! -s mine ] &&
	refused "{\"execute\":\"dump-guest-memory\",\"arguments\":{\
\"paging\":false,\"protocol\":\"file:$T/new\"}}" && [ ! -e new ] &&
	refused "{\"execute\":\"pmemsave\",\"arguments\":{\"val\":0,\
\"size\":4096,\"filename\":\"$VMS/q/image_dir\"}}" &&
	[ -s "$VMS/q/image_dir" ]
'
node() {
	printf '{"execute":"blockdev-add","arguments":{"driver":"file",'
	printf '"node-name":"n%s","filename":"%s","read-only":true,' "$1" "$2"
	printf '"locking":"off"}}'
}
ok 'nor does it show the guest a file of the host; its own disk it does' '
	refused "$(node 1 "$T/secret")" &&
	refused "$(node 2 "$VMS/q/ssh_host_key")" &&
	qmptell "$VMS/q" "$(node 3 "$VMS/q/work.ext4")" >got && cat got &&
	grep -q return got
'
done_testing
