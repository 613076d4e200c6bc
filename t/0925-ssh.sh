#!/bin/sh
# OpenSSH to a real machine, and what else reaches into one
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
need qemu-system-x86_64 'a machine boots' || done_testing
store debian-minimal || exit
HOME=$T/home
export HOME
mkdir -p "$HOME"
at_end 'banger vm delete web 2>/dev/null'
ok 'a machine with an sshd, which is still far from being up' '
	banger vm run -d --name web --image debian-minimal'
vm_ssh() { timeout 300 banger vm ssh "$@"; }

ok 'a command of several words arrives as it is, with its status' '
	vm_ssh web -- printf "%s|" a "b c" "d'\''e" "\$HOME" "" >out 2>err &&
	[ "$(cat out)" = "a|b c|d'\''e|\$HOME||" ] && [ ! -s err ] &&
	fails 42 vm_ssh web -- sh -c "exit 42" &&
	fails 3 vm_ssh web -- sh -c "cat; exit 3" <"$TOP/LICENSE" >out &&
	cmp out "$TOP/LICENSE"'
ok 'one word is read by a shell in there' '
	vm_ssh web -- "cd /tmp && pwd" >out && [ "$(cat out)" = /tmp ]'
ok 'nobody'\''s known_hosts is touched, and nothing is asked' '
	[ ! -e "$HOME/.ssh" ] && [ ! -e "$BANGER_STATE/ssh/known_hosts" ]'
ok 'another host key than the one that was made is refused' '
	mv "$BANGER_STATE/vms/web/ssh_host_key.pub" key &&
	ssh-keygen -q -t ed25519 -N "" -f other && cp other.pub \
		"$BANGER_STATE/vms/web/ssh_host_key.pub" &&
	fails 255 vm_ssh web -- true 2>err && grep -qi "host key" err &&
	cp key "$BANGER_STATE/vms/web/ssh_host_key.pub"'
banger ssh-config --install -q
config=$HOME/.ssh/config
ok 'after ssh-config --install ssh and scp reach it by NAME.vm' '
	timeout 300 ssh -F "$config" web.vm hostname >out &&
	[ "$(cat out)" = web ] &&
	timeout 300 scp -q -F "$config" "$TOP/LICENSE" web.vm:/root/l &&
	timeout 300 scp -q -F "$config" web.vm:/root/l back &&
	cmp back "$TOP/LICENSE"'
mkfifo p
echod http >p &
at_end "kill $! 2>/dev/null"
read -r port <p
ok 'a port of this host is the machine'\''s' '
	vm_ssh -R "127.0.0.1:7777:127.0.0.1:$port" web -- \
		"exec 3<>/dev/tcp/127.0.0.1/7777; echo x >&3; cat <&3" >out &&
	grep -q hello out'
eval "$(ssh-agent)" >/dev/null
at_end "kill $SSH_AGENT_PID"
ok 'an authentication agent is forwarded' '
	ssh-add -q other && vm_ssh -A web -- ssh-add -l >out &&
	grep -q ED25519 out'
ok 'an sshd that was stopped is started' '
	banger vm exec web -- systemctl stop ssh &&
	vm_ssh web -- true'
ok 'ports shows it, with its name; stats shows what the machine uses' '
	banger vm ports web >out && grep -Eq "^22 +tcp6? .* sshd " out &&
	banger vm stats --json web >out && jq -e ".[0].guest.memory.total >
		100000000 and .[0].host.cpu_seconds > 0 and
		.[0].host.disk_bytes > 0 and .[0].guest.uptime_seconds > 0" out'
banger vm forward web 0:22 >p &
at_end "kill $! 2>/dev/null"
read -r at _ <p
ok 'forward reaches it' '
	visit "${at##*:}" </dev/null >out && grep -q "^SSH-2.0" out'
mkdir -p tree/d && echo x >tree/d/f && chmod 640 tree/d/f &&
	ln -s d/f tree/l && truncate -s 1G tree/holes
ok 'cp takes a tree in and out, holes and modes as they were' '
	timeout 300 banger vm cp tree web: && timeout 300 banger vm cp \
		web:tree back.d && diff -r tree/d back.d/d &&
	[ "$(readlink back.d/l)" = d/f ] &&
	[ "$(stat -c %a back.d/d/f)" = 640 ] &&
	[ "$(stat -c %s back.d/holes)" = 1073741824 ] &&
	[ "$(stat -c %b back.d/holes)" -lt 100 ] &&
	banger vm exec web -- stat -c "%u %a %b" /root/tree/d/f \
		/root/tree/holes >out && grep -qx "$(id -u) 640 [0-9]*" out'
ok 'a guest whose disk is full says so, and keeps what was there' '
	banger vm exec web -- sh -c "mount -t tmpfs -o size=1M x /mnt &&
		echo good >/mnt/f" && head -c 3000000 /dev/urandom >f &&
	says 1 "No space left" banger vm cp f web:/mnt &&
	banger vm exec web -- ls -A /mnt >out && [ "$(cat out)" = f ] &&
	[ "$(banger vm exec web -- cat /mnt/f)" = good ]'
ok 'a machine without an sshd says so' '
	banger vm exec web -- sh -c "systemctl stop ssh &&
		mv /usr/sbin/sshd /usr/sbin/sshd.gone" &&
	fails 255 vm_ssh web -- true 2>err && grep -q "has no sshd" err'
done_testing
