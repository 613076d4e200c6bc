#!/bin/sh
# Verbs against each other, a clock that jumps, a host that went down: nothing
# boots, machines run under the stand-in for Firecracker.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"
. "$TOP/t/fakefc.sh"
firecracker 1.12.1
export BANGER_READY_TIMEOUT=60
small='--vmm firecracker --image tiny --memory 64M --disk-size 64M --vcpu 1'

pid_of() { read -r _pid _ <"$VMS/$1" && echo "$_pid"; }
state_of() {
	banger vm list --json "$1" | sed -n 's/.*"state":"\([a-z]*\)".*/\1/p'
}
nothing_left() { banger gc && ls -A "$VMS" && [ -z "$(ls -A "$VMS")" ]; }
# No status is a signal's, and what went wrong is said in one line, besides
# hints and that it waits.
beside='^try: \|^it still runs; \|^banger: net: \|^banger: waiting '
sane() {
	for _sane; do
		[ "$(cat "$_sane.status")" -lt 126 ] &&
			[ "$(grep -vc "$beside" "$_sane.err")" -le 1 ] || {
			cat "$_sane.status" "$_sane.err"
			return 1
		}
	done
}
# behind NAME COMMAND...: beside us; what it said is in NAME.err, its end in
# NAME.status.
behind() {
	_behind=$1
	shift
	{ "$@" >"$_behind.out" 2>"$_behind.err"; echo $? >"$_behind.status"; } &
}

twenty() {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		behind "r$i" banger vm run -q --rm $small -- "w$i"
	done
	wait
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ "$(cat "r$i.status")" = 7 ] &&
			[ "$(cat "r$i.out")" = "w$i" ] || {
			cat "r$i.err"
			return 1
		}
	done
}
ok 'twenty runs at once: each has its own words and status, none stays' '
	twenty && nothing_left'

start_delete() {
	for i in 1 2 3 4 5 6; do
		banger vm create -q --no-start $small web >/dev/null || return
		behind start banger vm start -q web
		behind delete banger vm delete -q web
		wait
		sane start delete || return
		[ ! -d "$VMS/web" ] || banger vm delete web || return
	done
}
ok 'start against delete: it is deleted in the end, and nothing runs' '
	start_delete && nothing_left'

set_start() {
	banger vm create -q --no-start $small web >/dev/null || return
	for i in 2 3 4 5 6 7; do
		behind start banger vm start -q web
		behind set banger vm set -q web --vcpu "$i"
		behind kill banger vm kill -q web
		wait
		sane start set kill && banger vm show web >/dev/null || return
		case $(cat "$VMS/web/vcpu") in
		[1-7]) ;;
		*) return 1 ;;
		esac
		bng-fc kill web 2>/dev/null
	done
	banger vm delete web
}
ok 'set and kill against start: each wins or says why not' '
	set_start && nothing_left'

snapshot_delete() {
	for i in 1 2 3 4; do
		banger vm create -q --no-start $small web >/dev/null || return
		behind snapshot banger vm snapshot -q web s
		behind fork banger vm fork -q web twin
		behind delete banger vm delete -q web
		wait
		sane snapshot fork delete || return
		[ ! -d "$VMS/twin" ] || banger vm delete -q twin || return
		[ ! -d "$VMS/web" ] || banger vm delete -q web || return
	done
}
ok 'snapshot and fork against delete: a whole twin or none' '
	snapshot_delete && nothing_left'

# All processes of ours end at once, and what was on a tmpfs is gone.
reboot() {
	{ kill -9 "$(pid_of web/supervisor)" "$(pid_of web/pid)" || :; } &&
		timeout 100 bng-fc wait web &&
		rm -rf "$BANGER_RUN" "$TMPDIR"/bng
	# Process numbers begin anew: those of before are other processes.
	printf '%s 1\n' $$ >"$VMS/web/pid" &&
		printf '%s 1\n' $$ >"$VMS/web/supervisor"
}
TMPDIR=$T/tmp
mkdir "$TMPDIR"
export TMPDIR
ok 'after the host went down a machine is stopped, and starts again' '
	banger vm create -q $small --name web && echo kept >"$VMS/web/kept" &&
	reboot && [ "$(state_of web)" = stopped ] &&
	banger vm start -q web && [ "$(state_of web)" = running ] &&
	kill -0 $$ && grep -q kept "$VMS/web/kept" && banger vm delete web'
ok 'what ran for the sake of a run that went down with the host is deleted' '
	banger vm create -q $small --name web &&
	echo yes >"$VMS/web/ephemeral" && echo "$$ 1" >"$VMS/web/owner" &&
	reboot && banger vm list -q &&
	nothing_left'

# Clocks jump: what the host believed at a start is no more than a file.
clocks() {
	for ms in 0 1 99999999999999 253402300800000 9223372036854775807; do
		echo "$ms" >"$VMS/web/started" &&
			echo "$ms" >"$VMS/web/created" &&
			banger vm list >listed &&
			banger vm show web >/dev/null &&
			[ "$(wc -l <listed)" = 2 ] || return
	done
}
ok 'a machine that was made or started in the future is listed' '
	banger vm create -q --no-start $small web && clocks &&
	banger vm start -q web && clocks && banger vm delete web &&
	nothing_left'
done_testing
