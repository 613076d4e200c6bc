#!/bin/sh
# kill -9 at random, of whatever is at work while a machine is started,
# stopped, saved, restored and forked. ROUNDS says how often.
. "${0%/*}/box.sh"
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

vms=$BANGER_STATE/vms
size='--image tiny --vcpu 1 --memory 128M --disk-size 64M'
rounds=${ROUNDS:-6}
log=$T/log
: >"$log"
one_of() { shuf -n 1 -e "$@"; }

# The pid of somebody at work: the front end, an applet of its, the
# supervisor, Firecracker. May be nobody.
victim() {
	case $(one_of front applet supervisor pid) in
	front) echo "$front" ;;
	applet) pgrep -s 0 "^bng-" | shuf -n 1 ;;
	supervisor) cut -d ' ' -f 1 "$vms/web/supervisor" ;;
	*) cut -d ' ' -f 1 "$vms/web/pid" ;;
	esac 2>/dev/null
}

# In the place of a shell in the background, so that $front is the front end.
op() {
	case $1 in
	restore) exec banger vm restore -q -f web base ;;
	snapshot) exec banger vm snapshot -q web "s$i" ;;
	fork) exec banger vm fork -q web "f$i" ;;
	*) exec banger vm "$1" -q web ;;
	esac
}

round() {
	if bng-fc status web >/dev/null; then
		_op=$(one_of stop snapshot restore fork)
	else
		_op=$(one_of start start restore)
	fi
	op "$_op" >>"$log" 2>&1 &
	front=$!
	sleep "$(shuf -i 0-1 -n 1).$(shuf -i 10-99 -n 1)"
	_victim=$(victim)
	echo "round $i: $_op, killed ${_victim:-nobody}" >>"$log"
	[ -z "$_victim" ] || kill -9 "$_victim" 2>/dev/null
	wait "$front" 2>/dev/null
	echo "round $i: $_op ended with status $?" >>"$log"
	# An applet whose front end was killed finishes what it is at.
	timeout 300 pidwait -s 0 '^bng-'
	banger gc >/dev/null 2>>"$log"
	[ ! -d "$vms/f$i" ] || banger vm delete -q "f$i" >/dev/null
}

# With the journal read, there is nothing to repair.
clean() {
	for _disk in overlay work; do
		cp --sparse=always "$1/$_disk.ext4" fsck.ext4 &&
			e2fsck -E journal_only -y fsck.ext4 &&
			e2fsck -fn fsck.ext4 || return
	done
}

ok 'a machine, and a snapshot of it' '
	banger vm create -q $size web && banger vm exec web -- sh -c \
		"echo kept >/root/file; sync" && banger vm snapshot -q web base'
i=0
while [ "$i" -lt "$rounds" ]; do
	i=$((i + 1))
	round
done
ok "after $rounds rounds nothing is left of what was not whole" '
	{ tail -n 60 "$log"; banger gc; } && [ -z "$(banger gc)" ] &&
	[ "$(ls -A "$vms")" = web ] &&
	[ -z "$(find "$vms/web/snapshots" -mindepth 1 -name ".*")" ]'
ok 'all its disks are clean, and those of its snapshots' '
	{ banger vm kill web || :; } && clean "$vms/web" &&
	for snap in $(ls "$vms/web/snapshots"); do
		clean "$vms/web/snapshots/$snap" || exit 1
	done'
ok 'no process is left' 'no_process firecracker && no_process bng-fc'
ok 'it can be restored, and has what it had' '
	banger vm restore -q -f web base &&
	[ "$(banger vm exec web -- cat /root/file)" = kept ]'

done_testing
