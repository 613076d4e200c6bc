#!/bin/sh
# make install, make uninstall: exactly what was put is taken away.
. "$(dirname "$0")/lib.sh"

make_() { make -C "$TOP" --no-print-directory ${SAN:+SAN=1} "$@"; }
# A person's umask and PREFIX must not matter; both exist beside other files.
set +f
clean="env -i PATH=/usr/bin:/bin HOME=$T/home"
clean="$clean ${SAN:+ASAN_OPTIONS=$ASAN_OPTIONS}"
root=$T/root
bin=$root/usr/bin

ok 'installs below DESTDIR and PREFIX, whatever the umask' '
	mkdir -p "$root/usr/bin" "$root/usr/share/man/man1" &&
	touch "$bin/theirs" "$root/usr/share/man/man1/theirs.1" &&
	find "$root" | sort >before && (umask 077 &&
	make_ install DESTDIR="$root" PREFIX=/usr) &&
	[ -x "$bin/banger" ] && [ -x "$bin/bng" ] && [ -L "$bin/bng-state" ]'
ok 'what is installed is readable by everybody' '
	[ "$(find "$root/usr" ! -type l ! -perm -a+r -print)" = "" ] &&
	[ "$(find "$root/usr" -type d ! -perm -a+x -print)" = "" ]'
ok 'every applet and every page is there' '
	for a in "$TOP"/applets/bng-*.c; do
		a=${a##*/}; [ -x "$bin/${a%.c}" ] || { echo "$a"; return 1; }
	done &&
	for p in "$TOP"/doc/*.1; do
		[ -f "$root/usr/share/man/man1/${p##*/}" ] || return 1
	done'
ok 'bash, zsh and fish find what completes it where they look' '
	cd "$root/usr/share" && bash -n bash-completion/completions/banger &&
	[ -s zsh/site-functions/_banger ] &&
	[ -s fish/vendor_completions.d/banger.fish ]'
ok 'the front end names where it will be, not where it was built' '
	! grep -rF "$TOP" "$bin/banger" "$root/usr/share/banger"'
ok 'it runs from another prefix with nothing of the tree' '
	make_ install PREFIX="$T/opt" && cd / &&
	$clean "$T/opt/bin/banger" version &&
	$clean "$T/opt/bin/banger" vm list &&
	$clean "$T/opt/bin/bng" disk -h &&
	[ -x "$T/opt/lib/banger/agent" ]'
ok 'installing twice changes nothing' '
	find "$root" | sort >once &&
	make_ install DESTDIR="$root" PREFIX=/usr &&
	find "$root" | sort >twice && same once twice'
ok 'uninstall removes that and nothing else' '
	make_ uninstall DESTDIR="$root" PREFIX=/usr &&
	find "$root" -type f -o -type l | sort >left &&
	printf "%s\n" "$bin/theirs" "$root/usr/share/man/man1/theirs.1" >want &&
	same want left && [ ! -e "$root/usr/share/banger" ] &&
	[ ! -e "$root/usr/lib/banger" ]'
ok 'uninstalling twice is no error' '
	make_ uninstall DESTDIR="$root" PREFIX=/usr'

# A copy of the tree, whose programs and parts say whose they are.
copied() {
	mkdir -p "copied/it 2/build" && cd "copied/it 2" &&
	cp -P "$BUILD"/bng* "$BUILD/banger" "$BUILD/agent" build &&
	cp -R "$TOP/sh" "$TOP/guest" . && rm build/bng-state &&
	printf "#!/bin/sh\necho its own\n" >build/bng-state &&
	chmod +x build/bng-state && echo "VERSION=\"its own\"" >>sh/help
}
# own COMMAND...: it is the front end of that copy.
own() {
	[ "$("$@" version)" = "banger its own" ] &&
		[ "$("$@" vm list)" = "its own" ]
}
set +f
ok 'a tree that was moved or copied runs what is its own, however called' '
	copied && mkdir bin && ln -s ../build/banger bin/one &&
	ln -s "$PWD/bin/one" bin/two && own "$PWD/build/banger" &&
	own build/banger && own ./build/banger && own bin/../build/banger &&
	own sh build/banger && own bin/one && own "$PWD/bin/two" &&
	(PATH=$PWD/build:$PATH && own banger) &&
	(PATH=build:$PATH && own banger) && cd build && own ./banger &&
	own sh banger && own ../build/banger'
done_testing
