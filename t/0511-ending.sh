#!/bin/sh
# Real guests that end when nobody wants them to, or never get anywhere.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

vms=$BANGER_STATE/vms
empty() { [ -z "$(ls -A "$vms" 2>/dev/null)" ]; }
run() { banger vm run --image tiny --memory 256M "$@"; }
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

# one_line FILE TEXT: FILE is this one line of ours.
one_line() {
	cat "$1" && [ "$(wc -l <"$1")" = 1 ] && grep -qxF "banger: $2" "$1"
}

# told COMMAND ARGUMENT...: run with the arguments, it says that it is up, and
# does this once we have heard it; its status is ours, its stderr in err.
told() {
	_told=$1
	shift
	rm -f go up
	mkfifo go up
	run -q "$@" -- sh -c "echo up; read -r _; $_told; sleep 1000" \
		<go >up 2>err &
	exec 7>go 8<up
	read -r said <&8 && [ "$said" = up ] && echo >&7
	wait $!
}
ok 'a guest that panics during a command: 125, one line that says so' '
	fails 125 told "echo c >/proc/sysrq-trigger" --rm &&
	one_line err "lost the command: the guest'\''s kernel panicked:\
 sysrq triggered crash" && empty'
ok 'one that powers itself off during a command: likewise' '
	fails 125 told "poweroff -f" --name off &&
	bng-qemu wait -t 100 off &&
	one_line err "lost the command: the machine ended: poweroff" &&
	banger ps | grep -q "^off  *stopped" &&
	[ "$(bng-state get off exit)" = poweroff ]'
ok 'and one that is killed' '
	banger vm start -q off && {
		banger vm exec off -- sh -c "echo up; exec sleep 1000" \
			>up 2>err &
	} && read -r _ <up && bng-qemu kill off && fails 125 wait $! &&
	one_line err "lost the command: the machine ended: killed KILL" &&
	banger vm delete off'

# An image whose root is no file system.
images=$BANGER_STATE/images
mkdir -p "$images/broken"
head -c 1000000 /dev/urandom >"$images/broken/rootfs.ext4"
sed 's/"tiny"/"broken"/' "$BANGER_IMAGE_PATH/tiny/manifest.json" \
	>"$images/broken/manifest.json"
ok 'one that has no root keeps the machine, its reason and its log' '
	fails 125 run -q --rm --image broken --name broken -- true 2>err &&
	cat err && [ "$(wc -l <err)" = 2 ] && head -n 1 err |
		grep -q "^banger: machine '\''broken'\'' did not become \
ready: the guest powered itself off before it was ready: cannot mount" &&
	[ "$(tail -n 1 err)" = "try: banger vm logs broken" ] &&
	banger vm logs broken | grep -q "^banger: cannot mount" &&
	banger ps | grep -q "^broken  *error" &&
	banger gc && banger vm delete broken && empty'
ok 'one that is not ready in time: likewise, and it can still be looked at' '
	says 125 "machine '\''late'\'' did not become ready: no answer in 1 s" \
		env BANGER_READY_TIMEOUT=1 banger vm run -q --rm \
		--image tiny --memory 256M --name late -- true &&
	tail -n 1 .err >hint && printf "%s, %s\n" \
		"it still runs; try: banger vm logs late" \
		"banger vm delete late" | cmp - hint &&
	banger gc && banger ps | grep -q "^late  *\(starting\|running\)" &&
	banger vm logs late && banger vm delete late && empty'

done_testing
