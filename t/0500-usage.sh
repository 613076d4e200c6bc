#!/bin/sh
# The front end's command line: what it refuses, and what it says.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"

# refused TEXT ARG...: a usage error that says TEXT, and nothing is made.
refused() {
	_refused_text=$1
	shift
	says 2 "$_refused_text" banger "$@" &&
		[ "$(wc -l <"$T/.err")" = 2 ] &&
		grep -q '^try: banger' "$T/.err" &&
		[ -z "$(ls -A "$BANGER_STATE/vms" 2>/dev/null)" ]
}

ok 'help names every verb, and every verb has help of its own' '
	banger help --all >all && sed "s/^  //; s/  .*//" all >verbs &&
	[ "$(wc -l <verbs)" -ge 18 ] &&
	while read -r verb; do
		banger $verb --help >one </dev/null || exit 1
		grep -q "^usage: banger" one || exit 1
		banger help $verb >two && cmp one two || exit 1
	done <verbs'
ok 'without a verb the help goes to stderr and it fails' '
	fails 2 banger >out 2>err && [ ! -s out ] && grep -q "^usage" err'
ok 'the version is that of the library' '
	v=$(sed -n "s/.*BNG_VERSION \"\(.*\)\"/\1/p" "$TOP/lib/bng.h") &&
	[ "$(banger version)" = "banger $v" ]'
ok 'an unknown verb is refused, with the nearest one' '
	refused "unknown verb '\''lsit'\''" lsit &&
	grep -qx "try: banger vm list" .err &&
	refused "unknown verb '\''vm rnu'\''" vm rnu &&
	grep -qx "try: banger vm run" .err &&
	refused "unknown verb '\''xyzzy'\''" xyzzy &&
	grep -qx "try: banger help" .err'
# lost WORD...: refused, and no verb is guessed, but what there is is shown.
lost() {
	refused "unknown verb '${1#help }'" $1 && grep -qx "try: $2" .err
}
ok 'one that is near none is told where all are, also by help' '
	lost foo "banger help" && lost "vm foo" "banger help vm" &&
	lost "help foo" "banger help" && lost "image x" "banger help image" &&
	lost "help vm foo" "banger help vm" &&
	lost "help vm delte" "banger vm delete" &&
	refused "unexpected argument '\''foo'\''" help vm run foo &&
	grep -qx "try: banger vm run --help" .err && banger help vm >named &&
	grep -q "^usage: banger vm VERB" named && banger help vm run >named &&
	grep -q "^usage: banger vm run" named'
ok 'what docker calls otherwise is known, and an empty verb is none' '
	lost rm "banger vm delete" && lost "vm rm" "banger vm delete" &&
	lost ls "banger vm list" && lost "image ls" "banger image list" &&
	lost "kernel delete" "banger kernel rm" &&
	lost "vm inspect" "banger vm show" &&
	lost "vm shell" "banger vm exec" &&
	refused "unknown verb" "" && refused "unknown verb" vm "" &&
	refused "unknown verb" help "" &&
	says 125 "there is no such directory" banger vm run ubuntu &&
	grep -qx "to run an image: banger vm run --image ubuntu" .err &&
	says 125 "there is no such directory" banger vm run ./ubuntu &&
	[ "$(wc -l <.err)" = 1 ]'
ok 'an unknown option is refused by name' '
	refused "unknown option '\''--frob'\''" vm run --frob &&
	refused "unknown option '\''--frob'\''" vm run --frob=3 &&
	refused "unknown option '\''-z'\''" vm run -dz &&
	refused "unknown option '\''-*'\''" vm run "-*"'
ok 'an option without its value, and a flag with one, are refused' '
	refused "option '\''--name'\'' needs a value" vm run --name &&
	refused "option '\''--name'\'' needs a value" vm run --name= &&
	refused "option '\''--rm'\'' takes no value" vm run --rm=yes'
ok 'the four errors of a bad name' '
	refused "a name is required" vm create "" &&
	refused "at most 63 characters" vm run --name \
		"$(printf "%064d" 0)" &&
	refused "character 3 is not one of" vm run --name ab_c &&
	refused "neither starts nor ends" vm run --name=-a &&
	refused "neither starts nor ends" vm create a-'
ok 'a name with bytes for the terminal is shown without them' '
	refused "character 2 is not one of" \
		vm run --name "$(printf "a\033[31m")" &&
	! grep -q "$(printf "\033")" .err'
ok 'sizes that are none are refused' '
	for bad in 0 -1 x 1.5 05 9999999999 257; do
		refused "is not a number from 1 to 256" vm run --vcpu "$bad" ||
			exit 1
	done &&
	for bad in 0 -1G x 4X 4Gi G 1.5G 99999999999; do
		refused "is not a size" vm run --memory "$bad" &&
		refused "is not a size" vm run --disk-size "$bad" || exit 1
	done &&
	refused "below the least" vm run --memory 1 &&
	refused "above the most" vm run --disk-size 99T'
ok 'pairs that cannot be are refused' '
	refused "exclude each other" vm run -d --rm &&
	refused "takes no command" vm run --detach -- true &&
	refused "exclude each other" vm run --nat --no-nat &&
	refused "needs the PATH" vm run --branch x &&
	refused "needs the PATH" vm run --from HEAD &&
	refused "needs the PATH" vm run --include-untracked -- true &&
	refused "needs the PATH" vm run --dry-run &&
	refused "needs --branch" vm run --from HEAD . &&
	refused "exclude each other" vm create --no-start --wait boot &&
	refused "neither ready nor boot" vm run --wait never'
ok 'words too many or too few are refused' '
	refused "unexpected argument '\''b'\''" vm run a b &&
	refused "no command after" vm run -- &&
	refused "no command after" vm exec x -- &&
	refused "is required" vm stop &&
	refused "is required" vm exec &&
	refused "is required" vm logs &&
	refused "unexpected argument" vm exec x true &&
	refused "unexpected argument" version x'
ok 'behind -- there are words, whatever they look like' '
	says 1 "there is no machine '\''-x'\''" banger vm delete -- -x &&
	says 1 "there is no machine '\''b'\''" banger vm stop -q -- b &&
	refused "unexpected argument '\''--json'\''" version -- --json &&
	refused "is required" vm delete --'
ok 'an environment that is none is refused' '
	refused "not of the form NAME=VALUE" vm run --env A -- true &&
	refused "not of the form NAME=VALUE" vm run --env 1A=2 -- true &&
	refused "not of the form NAME=VALUE" vm exec --env A-B=2 x -- true &&
	refused "not of the form NAME=VALUE" vm exec --env =2 x -- true'
ok 'a machine that is not there is said so by every verb' '
	for verb in start stop kill delete show logs list; do
		says 1 "there is no machine '\''nobody'\''" \
			banger vm $verb nobody || exit 1
	done &&
	says 1 "there is no machine '\''../x'\''" banger vm delete ../x &&
	says 125 "there is no machine" banger vm exec nobody -- true'
ok 'an unknown image is said so before anything is made' '
	says 125 "image '\''no-such'\''" env BANGER_STATE="$T/none" \
		banger vm run --image no-such -- true &&
	[ ! -e none ] && ! grep "^spec" .err &&
	says 1 "image '\''no-such'\''" banger vm create --image no-such x &&
	[ -z "$(ls -A "$BANGER_STATE/vms")" ]'
ok 'an applet speaks in the name that it is given' '
	says 1 "banger: there is" env BNG_NAME=banger bng-state get x y &&
	says 1 "bng-state: there is" bng-state get x y'
ok 'without HOME and without a place of its own it says so' '
	(unset HOME BANGER_STATE XDG_STATE_HOME &&
	says 1 "HOME is not set" banger list)'
ok 'no colour and no cursor movement where there is no terminal' '
	banger vm run --image fake --rm -- true 2>err &&
	! grep -q "$(printf "\033")" err && ! grep -q "$(printf "\r")" err'
ok 'doctor prints one finding a line, and the same as JSON' '
	{ banger doctor >out; text=$?; banger doctor --json >json; } &&
	[ $? = 0 ] && [ $text = 0 ] &&
	grep -Eq "^(PASS|WARN|FAIL)  qemu " out && ! grep -q "	" out &&
	[ "$(grep -Ec "^(PASS|WARN|FAIL)" out)" = "$(jq length json)" ]'
ok 'doctor fails and names the package when QEMU is missing' '
	mkdir bin && for c in sh uname stat id grep git tar sed; do
		ln -s "$(command -v $c)" bin || exit 1
	done &&
	fails 1 env PATH="$T/bin" "$T/fake/banger" doctor >out 2>&1 &&
	grep -A1 "^FAIL  qemu" out | grep -q "qemu-system-x86"'
ok 'doctor leaves no trace' '
	BANGER_STATE=$T/none/a BANGER_CACHE=$T/none/b BANGER_RUN=$T/none/c \
		banger doctor >out 2>&1 && [ ! -e none ]'

done_testing
