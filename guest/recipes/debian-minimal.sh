# debian-minimal - the smallest Debian that is still a place to work
#
# systemd with udev and dbus, sshd, and what `banger vm run ./repo -- make
# test` takes for granted: git, make, CA certificates. git brings perl along,
# a third of the image; without it a workspace is only files.
#
# shellcheck shell=sh disable=SC2034
recipe_distro='Debian 12 (bookworm), minimal'
recipe_suite=bookworm
recipe_variant=apt
recipe_init=/sbin/init
recipe_kernel=debian
recipe_packages='
	systemd-sysv libpam-systemd dbus udev kmod
	openssh-server iproute2 procps
	ca-certificates git make
'

recipe_customise() { :; }
