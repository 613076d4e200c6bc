#!/bin/sh
# Who is interrupted while a machine starts or stops is told where it is.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"
banger vm create -q --image fake a >/dev/null || exit

# interrupted VERB STATUS WORDS...: banger, ended by a Ctrl-C while that verb
# of the stand-ins hangs; what it says is in the file err.
interrupted() {
	: >"hang.$1"
	_status=$2
	shift 2
	setsid env --default-signal=INT "$T/fake/banger" "$@" 2>err &
	_banger=$!
	timeout 100 head -n 1 hung >/dev/null
	kill -INT "-$_banger"
	fails "$_status" wait "$_banger"
	_interrupted=$?
	cat err
	return "$_interrupted"
}
# ends LINE...: what was said last.
ends() {
	printf '%s\n' "$@" >want && tail -n $# err | cmp - want
}

ok 'create: it stays, and how to be rid of it' '
	interrupted wait 130 vm create --wait boot --image fake b &&
	ends "machine '\''b'\'' is still starting: banger vm exec b" \
		"to be rid of it: banger vm delete b" &&
	[ -d "$BANGER_STATE/vms/b" ]'
ok 'run: so, too; with --rm there is nothing to say' '
	interrupted wait 130 vm run --wait boot --name c --image fake -- true &&
	ends "machine '\''c'\'' is still starting: banger vm exec c" \
		"to be rid of it: banger vm delete c" &&
	interrupted wait 130 vm run --rm --wait boot --name d --image fake \
		-- true && ! grep -q "machine .d" err &&
	[ ! -d "$BANGER_STATE/vms/d" ]'
ok 'start: so, too' '
	banger vm stop -q a &&
	interrupted wait 130 vm start --wait boot a &&
	ends "machine '\''a'\'' is still starting: banger vm exec a" \
		"to be rid of it: banger vm delete a"'
ok 'restart: it is stopping, or stopped, and how to go on' '
	interrupted stop 130 vm restart a &&
	ends "machine '\''a'\'' is still stopping: banger vm start a" &&
	interrupted start 130 vm restart a &&
	ends "machine '\''a'\'' is stopped: banger vm start a"'
banger vm start -q a >/dev/null
# The stand-in says what the real one says.
ok 'one that runs already, or does not, is said in one sentence' '
	echo "banger: machine '\''a'\'' is already running" >fail.start &&
	fails 1 banger vm start a a 2>err &&
	ends "banger: machine '\''a'\'' is already running" \
		"try: banger vm exec a, or banger vm restart a" &&
	[ "$(wc -l <err)" = 2 ] && rm fail.start'
done_testing
