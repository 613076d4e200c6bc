#!/bin/sh
# Somebody without root, and an image with a real init.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store debian-minimal || exit 1
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

ok '--wait boot waits for systemd, and finds nothing that failed' '
	banger vm run -q --rm --image debian-minimal --memory 512M \
		--wait boot -- sh -c "systemctl is-system-running; \
		systemctl is-active ssh; systemctl --failed --no-legend" \
		>out && cat out && [ "$(head -n 1 out)" = running ] &&
	[ "$(sed -n 2p out)" = active ] && [ "$(wc -l <out)" = 2 ] &&
	[ -z "$(ls -A "$BANGER_STATE/vms")" ]'

# The tree of a developer may be where others cannot go: banger is installed.
user=bngu$$
as_user() {
	runuser -u "$user" -- env -i HOME="$T/home" PATH="$T/us/bin:$PATH" \
		BANGER_IMAGE_PATH="$T/store/images" \
		BANGER_KERNEL_PATH="$T/store/kernels" "$@"
}
install_for_user() {
	make -s -C "$TOP" install PREFIX="$T/us" &&
		mkdir store store/images store/kernels && chmod 755 . &&
		cp -r --sparse=always "$BANGER_IMAGE_PATH/tiny" store/images &&
		cp -r --sparse=always "$BANGER_KERNEL_PATH/debian" \
			store/kernels && chmod -R a+rX store us &&
		useradd -M -d "$T/home" "$user" && mkdir -m 700 home &&
		chown "$user" home
}
if need ROOT 'an ordinary user runs machines'; then
	at_end 'userdel "$user"'
	ok 'an ordinary user runs machines, from a store that others keep' '
		install_for_user && cd / && fails 42 as_user banger vm run -q \
		--rm --image tiny --memory 256M -- \
		sh -c "echo out; id -u; echo err >&2; exit 42" \
			>"$T/out" 2>"$T/err" &&
		[ "$(cat "$T/out")" = "out
0" ] && [ "$(cat "$T/err")" = err ] &&
		[ "$(stat -c %U:%a "$T/home/.local/state/banger/vms")" = \
			"$user:700" ] &&
		[ -z "$(ls -A "$T/home/.local/state/banger/vms")" ]'
	ok 'and root'\''s machines are not theirs to see' '
		banger vm create -q --no-start --image tiny mine &&
		cd / && [ -z "$(as_user banger vm list -q)" ] &&
		! as_user env BANGER_STATE="$BANGER_STATE" \
			banger vm delete mine && banger vm delete mine'
fi

done_testing
