#!/bin/sh
# Faults at the steps of every verb: killed, out of space, interrupted ... and
# after gc every machine is whole or absent, and nothing else is left.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"
. "$TOP/t/fakefc.sh"
. "$TOP/t/agentd.sh"
. "$TOP/t/torture.sh"
[ -z "${SAN:-}" ] || {
	echo '1..0 # SKIP a sanitizer wants to be the first library'
	exit
}
export BANGER_READY_TIMEOUT=20

ok 'there is a machine to torture' torture_prepare
ok 'the harness sees a fault, and what is left' '
	faults none 0 true >got && read -r calls hit status _ <got &&
	[ "$hit $status" = "0 0" ] && [ "$calls" -gt 0 ] &&
	faults kill 1 true >got && grep -q "^1 1 137 " got &&
	fails 1 faults none 0 sh -c ": >$TMPDIR/x" >got &&
	grep -q "^! $TMPDIR/x is left" got && rm "$TMPDIR/x" &&
	fails 1 faults none 0 mkdir "$BANGER_STATE/images/.x" >got &&
	grep -q "^! images/.x is left" got && rmdir "$BANGER_STATE/images/.x"'

# tortured VERB COUNT: and remember how many there were.
tortured() {
	torture "$1" "$2"
	_tortured_status=$?
	echo "$1 $injected" >>"$T/injected"
	return "$_tortured_status"
}
ok 'create leaves a whole machine or none' 'tortured create 70'
ok 'so does the first, which makes a key' 'tortured first 20'
ok 'files of one'\''s own are all in it, or it is not made' 'tortured sync 40'
ok 'run --rm leaves nothing' 'tortured run 25'
ok 'start leaves one that runs or one that can' 'tortured start 60'
ok 'stop leaves it there' 'tortured stop 120'
ok 'kill leaves it there' 'tortured kill 120'
ok 'delete leaves it whole or deletes it' 'tortured delete 120'
ok 'also when it runs' 'tortured end 40'
ok 'restart leaves it there' 'tortured restart 25'
ok 'prune leaves it whole or deletes it' 'tortured prune 60'
ok 'set leaves the old value or the new' 'tortured set 150'
ok 'disks that grow are disks' 'tortured resize 40'
ok 'snapshot leaves a whole one or none' 'tortured snapshot 80'
ok 'restore leaves the snapshot there' 'tortured restore 40'
ok 'fork leaves a whole machine or none' 'tortured fork 40'
ok 'image pull leaves a whole image or none' 'tortured pull 10'
web
ok 'a session is there or it is not' 'tortured session 40'
ok 'attaching leaves it there' 'tortured attach 40'
ok 'so does its end' 'tortured hangup 20'
ok 'machines deleted, there is not a file left' torture_clean
echo "# $(awk '{ n += $2 } END { print n }' "$T/injected") faults, seed $SEED"
ok 'a thousand faults were injected' '
	[ "$(awk "{ n += \$2 } END { print n }" "$T/injected")" -ge 950 ]'
done_testing
