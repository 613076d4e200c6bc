#!/bin/sh
# kill -9 at random, of whatever is at work while a machine is started,
# stopped, saved, restored and forked. ROUNDS says how often; `make kills` does
# it 200 times.
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

# What fits a machine that runs, or one that does not.
pick() {
	if bng-fc status web >/dev/null; then
		one_of stop snapshot restore fork
	else
		one_of start start restore
	fi
}

# How long a verb takes when nobody is killed, in ms, is in $T/took.VERB.
unharmed() {
	_began=$(date +%s%3N)
	(op "$1") || return
	echo "$(($(date +%s%3N) - _began))" >"$T/took.$1"
}

# An applet whose front end was killed finishes what it is at.
settle() {
	timeout 300 pidwait -s 0 '^bng-'
	banger gc >/dev/null 2>>"$log"
	[ ! -d "$vms/f$i" ] || banger vm delete -q "f$i" >/dev/null
}

# Has the verb not ended? Until it is waited for, its number is its own.
at_work() {
	grep -qs "^State:	[^ZX]" "/proc/$front/status"
}

# One kill at any moment of a verb; 1 when nobody was killed while it was at
# work: it had ended, by itself or by refusing, or there was no such process.
round() {
	_op=$(pick)
	_ms=$(shuf -n 1 -i "0-$(cat "$T/took.$_op")")
	op "$_op" >>"$log" 2>&1 &
	front=$!
	sleep "$(printf '%d.%03d' "$((_ms / 1000))" "$((_ms % 1000))")"
	_victim=$(victim) _hit=1
	[ -z "$_victim" ] || ! at_work ||
		! kill -9 "$_victim" 2>/dev/null || _hit=0
	wait "$front" 2>/dev/null
	echo "try $i: $_op, status $?, ${_victim:-nobody} after $_ms ms:" \
		"$([ "$_hit" = 0 ] && echo killed || echo missed)" >>"$log"
	settle
	return "$_hit"
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
ok 'each verb is as long as it is' '
	unharmed snapshot && banger vm snapshot --delete web s0 &&
	unharmed restore && unharmed fork && banger vm delete -q f0 &&
	unharmed stop && unharmed start && set +f && grep . took.*'
# A verb whose process is gone before its time is not one that was killed.
done=0
while [ "$done" -lt "$rounds" ] && [ "$i" -lt $((rounds * 5 + 20)) ]; do
	i=$((i + 1))
	! round || done=$((done + 1))
done
ok "$rounds were killed while a verb was at work" '
	grep "^try" "$log" && [ "$done" = "$rounds" ]'
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
