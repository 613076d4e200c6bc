# debian-host - a Debian to run banger in: the machine of a person who uses it
#
# systemd with its resolver, sudo, and an ordinary user `dev` who may use KVM
# and nothing more. What banger runs on is there (sh/deps, group run; of the
# build group the libraries), banger itself is not. Its own tests boot this
# with --nested (see t/hostbox).
#
# shellcheck shell=sh disable=SC2034
recipe_distro='Debian 12 (bookworm), to run machines in'
recipe_suite=bookworm
recipe_variant=apt
recipe_init=/sbin/init
recipe_kernel=debian
recipe_packages='
	systemd-sysv libpam-systemd systemd-resolved dbus udev kmod
	sudo iproute2 procps
	qemu-system-x86 mmdebstrap uidmap e2fsprogs openssh-client git tar
	ca-certificates
	libcjson1 libmnl0 libcurl4 libssl3 libarchive13 libext2fs2 libisal2
'

recipe_customise() {
	chroot "$1" useradd -m -s /bin/bash -G kvm dev
	# In other images the agent alone looks after names.
	rm -f "$1/etc/systemd/system/systemd-resolved.service"
	chroot "$1" systemctl -q enable systemd-resolved.service
}
