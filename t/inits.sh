# inits.sh - images of every init there is, of Debian's packages, made once
#
#	. "$TOP/t/inits.sh"		(after lib.sh)
#	inits NAME...			the images init-NAME
#
# NAME is busybox, sysvinit, openrc (sysvinit's init, OpenRC's services),
# openrc-init, runit, s6, tini, sshd or scratch. They are in build/store and
# made of busybox, packages and the libraries that these need, which are this
# host's. Each init starts /sbin/say, which writes `up` to /srv/up and, on
# SIGTERM, `down` to /srv/down; tini and sshd have no init. scratch is the one
# file /say, a static program.
#
# shellcheck shell=sh
# shellcheck disable=SC2154  # store.sh's
. "$TOP/t/store.sh"

_inits_packages='openrc libeinfo1 librc1 sysvinit-core sysvinit-utils runit
	s6 execline libskarnet2.13 libexecline2.9 libs6-2.11 tini
	openssh-server libwrap0 libnsl2 libtirpc3'

# The packages, in $_inits_debs.
_inits_fetch() {
	_inits_debs=$_store_top/build/cache/inits
	read -r _inits_was 2>/dev/null <"$_inits_debs/.all" || _inits_was=
	# shellcheck disable=SC2086 # into words
	set -- $_inits_packages
	[ "$_inits_was" != "$*" ] || return 0
	rm -rf "$_inits_debs" && mkdir -p "$_inits_debs" || return
	(cd "$_inits_debs" && apt-get -q -o APT::Sandbox::User=root download \
		"$@" >&2 && echo "$*" >.all)
}

# file MODE PATH: its content is stdin.
_inits_file() {
	mkdir -p "${2%/*}" && cat >"$2" && chmod "$1" "$2"
}

# _inits_tree PACKAGE...: busybox and these, in this directory.
_inits_tree() {
	mkdir -p bin dev etc proc root run sbin srv sys tmp usr/bin var
	chmod 1777 tmp
	cp "$(command -v busybox)" bin/busybox
	for _tree_link in $(bin/busybox --list); do
		case $_tree_link in
		busybox | init | linuxrc | poweroff | reboot | halt) ;;
		*) ln -s busybox "bin/$_tree_link" ;;
		esac
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
	echo 'root:x:0:' >etc/group
	set +f
	for _tree_package; do
		dpkg-deb -x "$_inits_debs/${_tree_package}"_*.deb . || return
	done
	set -f
	rm -rf usr/share/doc usr/share/man usr/share/locale usr/include
	_inits_file 755 sbin/say <<-'END'
		#!/bin/sh
		trap 'echo down >/srv/down; exit' TERM
		echo up >/srv/up
		sleep 1000 &
		wait
	END
	[ $# = 0 ] || _inits_libraries
}

# What the programs are linked with, from this host where it is not there.
_inits_libraries() {
	mkdir -p lib64 usr/lib
	find . -type f -perm -100 ! -name '*.sh' >.programs
	LD_LIBRARY_PATH=$PWD/lib/x86_64-linux-gnu:$PWD/usr/lib/x86_64-linux-gnu
	export LD_LIBRARY_PATH
	xargs -n 1 ldd <.programs 2>/dev/null |
		sed -n 's|.*[ \t]\(/[^ ]*\) (0x.*|\1|p' | sort -u >.libraries
	unset LD_LIBRARY_PATH
	while read -r _library; do
		case $_library in
		"$PWD"/*) continue ;;
		esac
		mkdir -p ".${_library%/*}"
		cp -L "$_library" ".$_library"
	done <.libraries
	rm -f .programs .libraries
}

_inits_busybox() {
	_inits_tree || return
	ln -s ../bin/busybox sbin/init
	_inits_file 644 etc/inittab <<-'END'
		::sysinit:/bin/true
		::respawn:/sbin/say
		::shutdown:/bin/sync
	END
}

# Debian's own inittab and scripts would check disks that there are not.
_inits_sysvinit() {
	_inits_tree sysvinit-core sysvinit-utils || return
	_inits_file 644 etc/inittab <<-'END'
		id:2:initdefault:
		si::sysinit:/bin/true
		s:2:respawn:/sbin/say
		l0:0:wait:/etc/init.d/halt
		l6:6:wait:/sbin/reboot -d -f -i
	END
	_inits_file 755 etc/init.d/halt <<-'END'
		#!/bin/sh
		/sbin/halt -d -f -i -p
	END
}

_inits_services() {
	_inits_file 755 etc/init.d/say <<-'END'
		#!/sbin/openrc-run
		start() {
			/sbin/say </dev/null >/dev/null 2>&1 &
			echo $! >/run/say.pid
		}
		stop() {
			read -r pid </run/say.pid
			kill "$pid"
			while kill -0 "$pid" 2>/dev/null; do usleep 9999; done
		}
	END
	ln -s ../../init.d/say etc/runlevels/default/say
}

_inits_openrc() {
	_inits_tree sysvinit-core sysvinit-utils openrc libeinfo1 librc1 ||
		return
	_inits_services
	: >etc/insserv.conf
	grep -v getty usr/share/sysvinit/inittab >etc/inittab
	for _openrc_one in halt reboot; do
		_inits_file 755 "etc/init.d/$_openrc_one" <<-END
			#!/bin/sh
			/sbin/$_openrc_one -d -f -i
		END
	done
	sed -i 's/halt -d/halt -p -d/' etc/init.d/halt
}

_inits_openrc_init() {
	_inits_tree openrc libeinfo1 librc1 && _inits_services &&
		: >etc/insserv.conf && ln -s openrc-init sbin/init
}

_inits_runit() {
	_inits_tree runit || return
	ln -s /lib/runit/runit-init sbin/init
	mkdir -p etc/runit/runsvdir/current
	_inits_file 755 etc/runit/1 <<-'END'
		#!/bin/sh
		: >/run/runit.stopit
		: >/run/runit.reboot
		chmod 0 /run/runit.stopit /run/runit.reboot
	END
	_inits_file 755 etc/runit/2 <<-'END'
		#!/bin/sh
		PATH=/bin:/usr/bin:/sbin
		exec runsvdir -P /etc/service
	END
	_inits_file 755 etc/runit/3 <<-'END'
		#!/bin/sh
		PATH=/bin:/usr/bin:/sbin
		sv force-stop /etc/service/*
	END
	_inits_file 755 etc/service/say/run <<-'END'
		#!/bin/sh
		exec /sbin/say
	END
}

_inits_s6() {
	_inits_tree s6 execline libskarnet2.13 libexecline2.9 libs6-2.11 ||
		return
	_inits_file 755 sbin/init <<-'END'
		#!/bin/sh
		exec s6-svscan /etc/s6
	END
	_inits_file 755 etc/s6/say/run <<-'END'
		#!/bin/sh
		exec /sbin/say
	END
	_inits_file 755 etc/s6/.s6-svscan/finish <<-'END'
		#!/bin/sh
		sync
		exec busybox poweroff -f
	END
}

# Its package manager is a stand-in, that waits for /srv/go and puts Debian's
# sshd in place; an account is locked as images have it.
_inits_sshd() {
	_inits_tree openssh-server libwrap0 libnsl2 libtirpc3 || return
	mkdir -p opt/sshd/usr var/empty && mv usr/sbin opt/sshd/usr || return
	echo 'sshd:x:100:65534::/run/sshd:/bin/false' >>etc/passwd
	echo 'root:!:19000:0:99999:7:::' >etc/shadow
	echo 'ID=trixie-like
ID_LIKE="nothing debian"' >etc/os-release
	echo 'Include /etc/ssh/sshd_config.d/*.conf' >opt/sshd/sshd_config
	_inits_file 755 usr/bin/apt-get <<-'END'
		#!/bin/sh
		echo "apt-get $*"
		case $* in
		*update*) exit ;;
		esac
		until [ -e /srv/go ]; do usleep 50000; done
		read -r how </srv/go
		[ "$how" = well ] || exit 3
		cp -a /opt/sshd/usr/. /usr
		cp /opt/sshd/sshd_config /etc/ssh/sshd_config
	END
}

_inits_tini() {
	_inits_tree tini
}

_inits_scratch() {
	cp "$_store_bin/t/guest-say" say
}

# What the configuration of each says.
# shellcheck disable=SC2016  # a shell in the machine expands it
_inits_config() {
	case $1 in
	tini) printf '%s' '"Entrypoint":["/usr/bin/tini","--"],"Cmd":["/bin/sh",
"-c","cat /proc/$PPID/comm; exit 7"]' ;;
	scratch) printf '%s' '"Entrypoint":["/say"],"Cmd":["a b"],
"WorkingDir":"/data","Env":["SAY=said"],"User":"1234:77"' ;;
	esac
}

_inits_make() (
	umask 022
	image=$_store/images/.init-$1
	rm -rf "$image" "$_store/.tree"
	mkdir -p "$image" "$_store/.tree" && cd "$_store/.tree" || exit
	case $1 in
	openrc-init) _inits_openrc_init ;;
	*) "_inits_$1" ;;
	esac || exit
	set -- "$1" "$image" name="init-$1" arch=x86_64 kernel=debian \
		source=test
	if [ -e sbin/init ] || [ -h sbin/init ]; then
		set -- "$@" init=/sbin/init
	fi
	tar -c --owner=0 --group=0 --numeric-owner . |
		PATH=$_store_bin:$PATH bng-disk import -L init -s 64M \
			"$image/rootfs.ext4" || exit
	cd "$_store" || exit
	rm -rf "$_store/.tree"
	printf '{"config":{%s}}' "$(_inits_config "$1")" >"$image/config"
	_inits_name=$1
	shift
	_store_do bng-store manifest -c "$image/config" "$@" &&
		rm "$image/config" && chmod -R a+rX "$image" &&
		mv "$image" "$_store/images/init-$_inits_name"
)

inits() {
	store || return
	(_inits_all "$@") || {
		echo "inits: cannot make what the tests boot" >&2
		return 1
	}
}

_inits_all() {
	_store_lock .inits || return
	_inits_fetch || return
	for _inits_one; do
		_store_stale "images/init-$_inits_one" \
			"$_store_top/t/inits.sh" || continue
		_inits_make "$_inits_one" || return
		_store_fresh
	done
}
