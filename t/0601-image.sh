#!/bin/sh
# image pull: recipes, and what may go wrong while one runs
. "$(dirname "$0")/lib.sh"
. "$TOP/t/repo.sh"

# The front end with recipes of ours, and all temporary files where we look.
share=$T/share
mkdir -p "$share/guest/recipes" "$T/front"
cp -r "$TOP/sh" "$share/sh"
front() {
	sed -e "s|@BIN@|$1|" -e "s|@SHARE@|$share|" -e "s|@AGENT@|$1/agent|" \
		"$TOP/sh/banger" >"$2" && chmod 755 "$2"
}
front "$BUILD" "$T/front/banger"
PATH=$T/front:$PATH TMPDIR=$T/tmp
export PATH TMPDIR
mkdir -m 1777 "$TMPDIR" "$T/hook"
chmod 711 "$T"

mkdir -p "$T/files/etc" "$T/files/usr/share/man" "$T/files/usr/share/doc/t"
echo hello >"$T/files/etc/greeting"
echo page >"$T/files/usr/share/man/t.1"
echo words >"$T/files/usr/share/doc/t/README"
echo mine >"$T/files/usr/share/doc/t/copyright"
chmod 4755 "$T/files/etc/greeting"
repo_add greeting "$T/files"
repo_done

# recipe NAME [COMMANDS]: it unpacks the one package and runs COMMANDS.
recipe() {
	cat >"$share/guest/recipes/$1.sh" <<-EOF
	recipe_distro='For a test'
	recipe_suite=bookworm
	recipe_variant=extract
	recipe_init=
	recipe_kernel=
	recipe_packages=${3-greeting}
	recipe_customise() { ${2:-:}; }
	EOF
}
recipe small
recipe counted "echo one >>$T/hook/made"
recipe absent : nonesuch
# Half-way: it says so, and stays there.
recipe slow "echo here >$T/here; exec sleep 1000"
mkfifo "$T/here"
chmod 666 "$T/here"

images=$BANGER_STATE/images
cat_in() { debugfs -R "cat $2" "$images/$1/rootfs.ext4" 2>/dev/null; }
nothing_left() {
	ls -A "$images" "$TMPDIR"
	[ -z "$(ls -A "$TMPDIR")" ] &&
		[ -z "$(find "$images" -name '.[nd]*')" ]
}

# slow_killed SIGNAL front|maker STATUS: start making the slow image, kill one
# of the two when it is half-way, return when everything has ended.
slow_killed() {
	banger image pull slow >"$T/slow" 2>&1 &
	slow=$!
	timeout 300 head -n 1 "$T/here" || return
	read -r maker _ <"$(find "$images" -path '*/.new.slow.*/maker')"
	[ "$2" = maker ] || maker=$slow
	kill "-$1" "$maker"
	wait "$slow"
	[ "$?" = "$3" ] || return
	exec 9>>"$images/.lock.slow"
	bng-state lock 9
	exec 9>&-
}

three_at_once() {
	banger image pull counted &
	_one=$!
	banger image pull counted &
	_two=$!
	banger image pull counted && wait "$_one" && wait "$_two"
}

ok 'no name is a usage error' 'says 2 "is required" banger image pull'
ok 'neither is a path a name' \
	'says 1 "cannot find" banger image pull ../none/x &&
	says 1 "cannot use" banger image pull .x'
ok 'an unknown image is refused, and the known ones are named' \
	'says 1 "cannot find an image" banger image pull nonesuch &&
	grep -q "counted.*small" "$T/.err"'
ok 'help says what there is' \
	'banger image --help | grep -q "image pull" &&
	banger image pull --help | grep -q debian-bookworm'
ok 'an unknown verb is refused' 'says 2 "unknown verb" banger image pul x'

# without PROGRAM: a PATH that lacks it, in $poor.
without() {
	poor=$T/without-$1
	mkdir "$poor"
	set +f
	ln -s /usr/sbin/* /usr/bin/* "$poor" 2>/dev/null
	set -f
	rm -f "$poor/$1"
	poor=$T/front:$poor
}
ok 'without mmdebstrap the error names the package' '
	without mmdebstrap &&
	PATH=$poor says 1 "mmdebstrap is missing" banger image pull small &&
	grep -q "install the package mmdebstrap" "$T/.err"'

echo 'Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "/dev/null";' \
	>"$T/apt.conf"
ok 'without a mirror the error says what to set' '
	says 1 "no Debian mirror is known" env -u BANGER_DEBIAN_MIRROR \
		APT_CONFIG="$T/apt.conf" banger image pull small &&
	grep -q "set BANGER_DEBIAN_MIRROR" "$T/.err" &&
	nothing_left'

can_make=yes
if [ "$(id -u)" != 0 ] && ! grep -q "^$(id -un):" /etc/subuid; then
	can_make=
fi
if [ -n "$can_make" ]; then

ok 'an unreachable mirror is one line, and nothing stays' '
	BANGER_DEBIAN_MIRROR=http://127.0.0.1:1/ \
		says 1 "127.0.0.1" banger image pull -q small &&
	test "$(wc -l <"$T/.err")" = 2 &&
	nothing_left'
ok 'so is a package that the mirror does not have' '
	says 1 "nonesuch" banger image pull -q absent &&
	nothing_left'
ok 'a recipe becomes an image' '
	banger image pull small &&
	test "$(cat_in small /etc/greeting)" = hello &&
	debugfs -R "stat /etc/greeting" "$images/small/rootfs.ext4" |
		grep -q "Mode:  04755" &&
	e2fsck -fn "$images/small/rootfs.ext4" &&
	nothing_left'
ok 'without documentation, but with the copyright' '
	test -z "$(cat_in small /usr/share/man/t.1)" &&
	test -z "$(cat_in small /usr/share/doc/t/README)" &&
	test "$(cat_in small /usr/share/doc/t/copyright)" = mine'
ok 'nobody'\''s identity is in it' '
	test -z "$(cat_in small /etc/machine-id)" &&
	debugfs -R "stat /etc/machine-id" "$images/small/rootfs.ext4" |
		grep -q "Type: regular" &&
	test -z "$(cat_in small /etc/hostname)" &&
	test -z "$(cat_in small /etc/ssh/ssh_host_rsa_key)" &&
	cat_in small /etc/ssh/sshd_config.d/10-banger.conf |
		grep -qx "PasswordAuthentication no"'
ok 'its manifest says what it is' '
	bng-store field "$images/small/manifest.json" source |
		grep -x recipe:small &&
	banger image list | grep -q "^small .*For a test" &&
	banger image list --json | grep -q "\"name\":\"small\""'
ok 'what is there is not made again' '
	BANGER_DEBIAN_MIRROR=http://127.0.0.1:1/ banger image pull small'
ok 'a shared image is as good' '
	BANGER_STATE=$T/other BANGER_IMAGE_PATH=/nonexistent:$images \
	BANGER_DEBIAN_MIRROR=http://127.0.0.1:1/ banger image pull small &&
	test ! -e "$T/other/images/small"'
ok 'three at once make it once' '
	three_at_once &&
	test "$(wc -l <"$T/hook/made")" = 1 && nothing_left'

ok 'SIGTERM half-way leaves nothing' '
	slow_killed TERM front 143 && nothing_left'
ok 'kill -9 of the front end leaves nothing either' '
	slow_killed KILL front 137 && nothing_left'
ok 'after kill -9 of the maker, gc and the next try clean up' '
	slow_killed KILL maker 1 &&
	test -n "$(ls -A "$TMPDIR")" &&
	! grep "$TMPDIR" /proc/self/mounts &&
	bng-state gc && recipe slow : &&
	banger image pull slow && nothing_left'

small_disk() {
	recipe big "dd if=/dev/urandom of=\"\$1/big\" bs=1M count=8"
	ulimit -f 4096
	says 1 "cannot make the image 'big': " banger image pull -q big
}
ok 'a full disk is one line, and nothing stays' '
	(small_disk) && nothing_left'

# As somebody who is nobody.
user=bngt$$
as_user() {
	su "$user" -s /bin/sh -c "cd / && export HOME='$T/home' \
		BANGER_STATE='$T/home/state' BANGER_CACHE='$T/home/cache' \
		TMPDIR='$TMPDIR' \
		BANGER_DEBIAN_MIRROR='$BANGER_DEBIAN_MIRROR' \
		PATH='$T/bin:/usr/bin:/bin' && umask 077 && $1"
}
make_user() {
	useradd -M -d "$T/home" "$user" &&
		mkdir -m 700 "$T/home" && chown "$user" "$T/home" &&
		mkdir "$T/bin" || return
	set +f
	cp -P "$BUILD"/bng* "$T/bin" || return
	set -f
	front "$T/bin" "$T/bin/banger" && chmod -R a+rX "$T/bin" "$share"
}
if need newuidmap 'an ordinary user makes images' && need ROOT \
	'as an ordinary user'; then
	at_end "userdel $user 2>/dev/null"
	ok 'an ordinary user makes the same image' '
		make_user && as_user "banger image pull small" &&
		images=$T/home/state/images &&
		test "$(cat_in small /etc/greeting)" = hello &&
		debugfs -R "stat /etc/greeting" \
			"$images/small/rootfs.ext4" |
			grep -q "User:     0   Group:     0" &&
		nothing_left'
	ok 'and is told what is missing without a range of user ids' '
		without newuidmap && rm -f "${poor#*:}/fakechroot" &&
		! as_user "PATH=$T/bin:${poor#*:} banger image pull counted" \
			2>"$T/.err" &&
		grep -q "/etc/subuid" "$T/.err"'
fi

fi
done_testing
