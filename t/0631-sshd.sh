#!/bin/sh
# An image from elsewhere that has no sshd gets one, by its own package manager
. "$(dirname "$0")/lib.sh"
. "$TOP/t/inits.sh"

# plan LINE...: what is done for an os-release of these lines.
plan() { printf '%s\n' "$@" | bng-agent sshplan; }
# by FAMILY COMMAND LINE...: by that family's, with that command.
by() {
	_by_family=$1 _by_command=$2
	shift 2
	plan "$@" >plan && sh -n plan 2>/dev/null &&
		[ "$(sed -n 's/^family	//p' plan)" = "$_by_family" ] &&
		grep -qF -- "$_by_command" plan
}
ok 'each family has its own package manager, by ID' '
	by debian "apt-get -q -y" "NAME=Debian" "ID=debian" &&
	by debian openssh-server ID=ubuntu ID_LIKE=debian &&
	by alpine "apk add --no-cache openssh-server" "ID=alpine" &&
	by fedora "dnf microdnf yum" "ID=fedora" "VARIANT_ID=container" &&
	by fedora "install openssh-server" "ID=\"rhel\"" &&
	by arch "pacman -Sy --noconfirm" "ID=arch" &&
	by suse "zypper --non-interactive install" "ID=sles"'
ok 'or by the first of ID_LIKE that is known, however it is quoted' '
	by debian apt-get "ID=linuxmint" "ID_LIKE=\"ubuntu debian\"" &&
	by fedora yum "ID=\"rocky\"" "ID_LIKE=\"rhel centos fedora\"" &&
	by fedora yum "ID_LIKE='\''unheard centos'\''" "ID=x" &&
	by arch pacman "ID=manjaro" "ID_LIKE=arch" &&
	by suse zypper "ID_LIKE=\"suse opensuse\"" "ID=opensuse-leap"'
ok 'an unknown one is said to be so' '
	says 1 "on '\''void'\''" plan "ID=\"void\"" "ID_LIKE=debianish" &&
	says 1 "on '\''an unknown system'\''" plan "BUG_ID=debian" &&
	head -c 200000 /dev/zero | tr "\0" x >long &&
	fails 1 bng-agent sshplan <long'

need qemu-system-x86_64 'it is done in a machine' || done_testing
inits sshd || exit
HOME=$T/home
export HOME
mkdir -p "$HOME"
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
guest() { timeout 300 banger vm exec -q web -- "$@"; }
vm_ssh() { timeout 300 banger vm ssh "$@"; }

ok 'commands run at once, and vm ssh says what is being done' '
	banger vm create -q --image init-sshd --name web --vcpu 1 \
		--memory 256M &&
	guest sh -c "until grep -q install /var/log/banger-sshd.log
		do usleep 50000; done" &&
	fails 255 vm_ssh web -- true 2>err && cat err &&
	grep -q "no sshd: openssh-server is being installed by apt-get; its \
log is /var/log/banger-sshd.log; banger vm exec" err'
ok 'its plan can be looked at' '
	banger vm ssh --plan web >out && grep -q "^family	debian" out'
ok 'one that fails says so, and is begun anew at the next boot' '
	guest sh -c "echo badly >/srv/go
		until grep -q \"could not\" /run/banger/sshd
		do usleep 50000; done" &&
	fails 255 vm_ssh web -- true 2>err && cat err &&
	grep -q "could not be installed (status 3): see /var/log" err &&
	guest sh -c "echo well >/srv/go" && banger vm restart -q web'
ok 'then ssh logs in, by the key that was made and to the one that is pinned' '
	guest sh -c "while [ -e /run/banger/sshd ]; do usleep 50000; done" &&
	vm_ssh web -- hostname >out && [ "$(cat out)" = web ] &&
	guest cat /etc/ssh/ssh_host_ed25519_key.pub |
		cmp - "$BANGER_STATE/vms/web/ssh_host_key.pub" &&
	guest ls /etc/ssh >out && ! grep -q rsa out'
ok 'who says so, or throws the machine away, gets none' '
	banger vm create -q --no-start --no-bootstrap --image init-sshd a &&
	[ "$(cat "$BANGER_STATE/vms/a/bootstrap")" = no ] &&
	BANGER_INSTALL_SSHD=0 banger vm create -q --no-start \
		--image init-sshd b &&
	[ "$(cat "$BANGER_STATE/vms/b/bootstrap")" = no ] &&
	[ "$(cat "$BANGER_STATE/vms/web/bootstrap")" = yes ]'
done_testing
