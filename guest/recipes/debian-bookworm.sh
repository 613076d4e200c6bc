# debian-bookworm - the default image: Debian 12 to develop in
#
# shellcheck shell=sh disable=SC2034
recipe_distro='Debian 12 (bookworm)'
recipe_suite=bookworm
recipe_variant=apt
recipe_init=/sbin/init
recipe_kernel=debian
recipe_packages='
	systemd-sysv libpam-systemd dbus udev kmod
	openssh-server openssh-client iproute2 iputils-ping procps psmisc
	ca-certificates curl wget netcat-openbsd bind9-host lsof strace
	git make build-essential pkg-config gdb
	python3 python3-venv python3-pip python3-dev
	docker.io iptables
	bash-completion file jq less nano patch ripgrep fd-find rsync
	sudo tmux tree unzip vim-tiny xz-utils zip zstd tzdata e2fsprogs
'

# Docker starts at its first use: at each boot it would cost seconds of it.
recipe_customise() {
	chroot "$1" systemctl -q disable docker.service containerd.service
	chroot "$1" systemctl -q enable docker.socket
	ln -sf fdfind "$1/usr/bin/fd"
}
