#!/bin/sh
# An answer that stdout does not take: a full disk, a closed one, nobody there.
# shellcheck disable=SC2086 # lists of words
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"
. "$TOP/sh/verbs"
. "$TOP/sh/things"
use() { :; }	# they are there

lost='banger: cannot write to standard output'
full="$lost: No space left on device"
# lines: each is one of banger's, which says $full and no more. Prints others.
lines() {
	while read -r line; do
		banger $line >/dev/full 2>err </dev/null
		_status=$?
		case $line,$_status in
		'vm run '*,125 | 'vm exec '*,125) ;;
		'vm run '* | 'vm exec '*) echo "status $_status: $line" ;;
		*,1) ;;
		*) echo "status $_status: $line" ;;
		esac
		[ "$(cat err)" = "$full" ] || { echo "says: $line"; cat err; }
	done
}
helps() {
	[ -z "$5" ] || printf '%s\n' "$1 --help" "help $1"
}
# What can be answered without a machine, from the table: lists, and those.
lists() {
	case $1,$4 in
	'vm ports,'* | *' show,'* | 'vm session '* | gc,*) ;;
	*,*json*) printf '%s\n' "$1" "$1 --json" ;;
	esac
}
# gone COMMAND...: with stdout a pipe that nobody reads.
gone() {
	rm -f pipe && mkfifo pipe &&
		(exec 4<>pipe 5>pipe 4<&- && exec "$@" >&5)
}

ok 'help that has no room is one line of banger'\''s, of every verb' '
	each_verb helps >lines && [ "$(wc -l <lines)" -gt 100 ] &&
	lines <lines >bad && cat bad && [ ! -s bad ]'
ok 'so is every list, as a table and as JSON' '
	{ each_verb lists &&
	printf "%s\n" help "help --all" version -V "image list -q" ssh-config \
		"config show" "config show --json" "gc --json"; } >lines &&
	[ "$(wc -l <lines)" -gt 20 ] && lines <lines >bad && cat bad &&
	[ ! -s bad ]'
ok 'and what makes a shell complete' '
	for shell in bash zsh fish powershell; do
		echo "completion $shell"
	done >lines && lines <lines >bad && cat bad && [ ! -s bad ]'
ok 'what was asked for is done, and stays' '
	says 1 "$full" sh -c \
		"banger vm create -q --image fake --no-start web >/dev/full" &&
	[ "$(wc -l <.err)" = 1 ] && [ -d "$BANGER_STATE/vms/web" ] &&
	says 125 "$full" sh -c \
		"banger vm run -q -d --image fake --name once >/dev/full" &&
	[ "$(wc -l <.err)" = 1 ] && [ "$(banger vm list -q -r)" = once ] &&
	banger vm delete once'
ok 'with many, once, and all are waited for' '
	banger vm create -q --image fake --no-start db &&
	says 1 "$full" sh -c "banger vm start web db >/dev/full" &&
	[ "$(wc -l <.err)" = 1 ] &&
	says 1 "$full" sh -c "banger vm stop web db >/dev/full" &&
	[ "$(wc -l <.err)" = 1 ] && [ -z "$(banger vm list -q -r)" ] &&
	fails 141 gone env --default-signal=PIPE banger vm start web db &&
	[ "$(banger vm list -q -r)" = "db
web" ]'
ok 'show and logs are no other' '
	echo "of the console" >"$BANGER_STATE/vms/web/console.log" &&
	printf "%s\n" "vm show web" "vm show --json web" "vm logs web" \
		"image show fake" "kernel show fake" >lines &&
	lines <lines >bad && cat bad && [ ! -s bad ]'
ok 'nor are logs that are followed, once there is a line' '
	echo "vm logs -f web" | lines >bad && cat bad && [ ! -s bad ] &&
	banger vm stop -q web && banger vm logs -f web >out &&
	echo "of the console" | cmp - out'
ok 'a closed one is said as what it is' '
	for verb in help version doctor "vm list" "vm run --help" \
		"completion bash"; do
		banger $verb 2>err >&- && exit 1
		[ "$(cat err)" = "$lost: Bad file descriptor" ] || exit 1
	done'
ok 'where nobody reads any more there is no word, as of any program' '
	for verb in help version doctor "vm list" "vm run --help" \
		"completion bash"; do
		fails 141 gone env --default-signal=PIPE banger $verb \
			2>err && [ ! -s err ] || exit 1
	done'
ok 'and who is deaf to that is told' '
	says 1 "$lost: Broken pipe" gone env --ignore-signal=PIPE banger help'

done_testing
