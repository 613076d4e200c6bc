# store.sh - the images and the kernel that tests boot, made once
#
#	. "$TOP/t/store.sh"		(after lib.sh)
#	store				image tiny, kernel debian
#	store debian-minimal		and this one
#	store_generic			the kernel generic-6.12, if it is there
#
# They are in build/store and are shared by all tests through
# BANGER_IMAGE_PATH and BANGER_KERNEL_PATH. banger makes them itself, under a
# lock; what they are made of is remembered, and when that has changed they
# are made again. In the box (t/hostbox) they are what was put there. Run as a
# program, it does the same and prints the paths.
#
# generic-6.12 takes too long to build for tests that are run often: `make
# kernel` does it. Where it is, tests that want it run, and else say why not.
#
# tiny is busybox and nothing else: without an init, the agent stays PID 1.
#
# shellcheck shell=sh

_store_top=${TOP:-$(cd "$(dirname "$0")/.." && pwd)}
_store=$_store_top/build/store
_store_bin=${BUILD:-$_store_top/build}

# Run something of banger's with the store for its state. LC_ALL and the rest
# of a test's environment stay out of what lasts.
_store_do() {
	PATH=$_store_bin:$PATH BANGER_STATE=$_store \
		BANGER_CACHE=$_store_top/build/cache \
		BANGER_RUN=$_store/run "$@" </dev/null >&2
}

# _store_stale THING FILE...: is THING missing, or made of other files?
_store_stale() {
	_store_key=$_store/.key.${1##*/} _store_thing=$_store/$1
	shift
	_store_sum=$(cat "$@" | cksum)
	read -r _store_was 2>/dev/null <"$_store_key" || _store_was=
	[ ! -d "$_store_thing" ] || [ "$_store_sum" != "$_store_was" ] ||
		return 1
	rm -rf "$_store_thing"
}

# The thing is there now, and made of that.
_store_fresh() {
	printf '%s\n' "$_store_sum" >"$_store_key"
}

_store_tiny() {
	_store_root=$(mktemp -d "${TMPDIR:-/tmp}/bng-tiny.XXXXXX") || return
	(
		set -e
		cd "$_store_root"
		umask 022
		mkdir bin dev etc proc root run sbin sys tmp usr usr/bin var
		chmod 700 root
		chmod 1777 tmp
		cp "$(command -v busybox)" bin/busybox
		for _store_link in $(bin/busybox --list); do
			case $_store_link in
			busybox | init | linuxrc) ;;
			*) ln -s busybox "bin/$_store_link" ;;
			esac
		done
		ln -s /bin/env usr/bin/env
		echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
		echo 'root:x:0:' >etc/group
		rm -rf "$_store/images/.tiny"
		mkdir -p "$_store/images/.tiny"
		tar -c --owner=0 --group=0 --numeric-owner . >"$_store/tiny.tar"
	) && PATH=$_store_bin:$PATH bng-disk import -L tiny -s 64M \
		"$_store/images/.tiny/rootfs.ext4" <"$_store/tiny.tar" &&
		_store_do bng-store manifest "$_store/images/.tiny" \
			name=tiny distro=busybox arch=x86_64 kernel=debian \
			source=test &&
		mv "$_store/images/.tiny" "$_store/images/tiny"
	_store_status=$?
	rm -rf "$_store_root" "$_store/tiny.tar"
	return "$_store_status"
}

# _store_lock NAME: so that two tests do not make the same.
_store_lock() {
	exec 7>>"$_store/.lock$1" && _store_do bng-state lock 7
}

# A recipe's image, its kernel not included. That takes minutes, in which
# other tests can do without it.
_store_recipe() {
	_store_lock ".$1" || return
	_store_stale "images/$1" "$_store_top/guest/recipes/$1.sh" \
		"$_store_top/sh/finish-image" || return 0
	_store_do banger image pull "$1" && _store_fresh &&
		chmod -R a+rX "$_store/images/$1"
}

_store_make() {
	umask 022
	mkdir -p "$_store/images" "$_store/kernels" || return
	_store_lock '' || return
	if _store_stale kernels/debian "$_store_top/sh/make-kernel" \
		"$_store_top/sh/early" "$_store_top/sh/kernels"
	then
		_store_do banger kernel pull debian && _store_fresh || return
	else
		_store_do banger kernel pull -q debian || return
	fi
	if _store_stale images/tiny "$_store_top/t/store.sh"; then
		_store_tiny && _store_fresh || return
	fi
	chmod a+rX "$_store" "$_store/images"
	chmod -R a+rX "$_store/images/tiny" "$_store/kernels"
	for _store_name; do
		_store_recipe "$_store_name" || return
	done
	exec 7>&-
}

# The kernel of our own: built (by make kernel), and there with this agent.
_store_generic_make() {
	umask 022
	mkdir -p "$_store/kernels" && _store_lock .generic || return
	_store_stale kernels/generic-6.12 \
		"$_store_top/guest/kernel/config" || return 0
	_store_do banger kernel build generic-6.12 && _store_fresh &&
		chmod -R a+rX "$_store/kernels/generic-6.12"
}
store_generic() {
	[ -d "$_store/kernels/generic-6.12" ] || {
		echo 'there is no kernel generic-6.12: make kernel builds it'
		return 1
	}
	[ -n "${BNG_BOX-}" ] ||
		_store_do banger kernel pull -q generic-6.12
}

# store [IMAGE ...]
store() {
	[ -n "${BNG_BOX-}" ] || (_store_make "$@") || {
		echo 'store: cannot make what the tests boot' >&2
		return 1
	}
	BANGER_IMAGE_PATH=$_store/images BANGER_KERNEL_PATH=$_store/kernels
	export BANGER_IMAGE_PATH BANGER_KERNEL_PATH
}

case $0 in
*store.sh)
	if [ "${1-}" = generic-6.12 ]; then
		(_store_generic_make) || exit
		shift
	fi
	store "$@" || exit
	printf 'BANGER_IMAGE_PATH=%s\nBANGER_KERNEL_PATH=%s\n' \
		"$BANGER_IMAGE_PATH" "$BANGER_KERNEL_PATH"
	;;
esac
