#!/bin/sh
# The table of verbs: what it promises is there, and written down.
# shellcheck disable=SC2046,SC2086 # lists of words
. "$(dirname "$0")/lib.sh"
. "$TOP/sh/verbs"
. "$TOP/sh/things"
use() { :; }	# they are there

# A line a verb: its name, its options as they are typed; -q is everybody's.
row() {
	[ -n "$5" ] && [ "$2" != - ] || return 0
	_row=
	for _option in $4; do
		_row="$_row --${_option%%[=|]*}"
		case $_option in
		*'|'*)
			_short=${_option#*'|'}
			_row="$_row -${_short%%=*}"
			;;
		esac
	done
	printf '%s:%s\n' "$1" "$(sorted $_row)"
}
sorted() { printf ' %s' $(printf '%s\n' "$@" | sort -u); }

# The options in the text on stdin.
named() {
	sorted $(grep -oE '(^|[^A-Za-z0-9_<>/-])--?[A-Za-z][a-z0-9-]*' |
		sed 's/^[^-]*//' | grep -vx -e -q -e --quiet)
}

# Of a help text: the usage, and the lines that explain options.
explained() {
	sed -n '/^usage:/,/^$/p; s/^  \(-[^ ].\{0,21\}\).*/\1/p' |
		sed 's/-- .*//'
}

# Of the manual, the entry of each verb.
manual() {
	mandoc -T ascii -O width=1000 "$TOP/doc/banger.1" | col -bx |
		sed -n '/^VERBS/,/^[A-UW-Z]/p' | VERB=$1 awk '
		/^     [^ ]/ {
			on = index($0 " ", "     " ENVIRON["VERB"] " ") == 1
		}
		on'
}

each_verb row >verbs
help_wrong() {
	while IFS=: read -r verb options; do
		shown=$(banger $verb --help | explained | named)
		[ "$shown" = "$options" ] ||
			printf "%s: table%s, help%s\n" "$verb" "$options" \
				"$shown"
	done <verbs
}
manual_wrong() {
	while IFS=: read -r verb options; do
		shown=$(manual "$verb" | named)
		[ -n "$(manual "$verb")" ] || shown=' no such entry'
		[ "$shown" = "$options" ] ||
			printf "%s: table%s, manual%s\n" "$verb" "$options" \
				"$shown"
	done <verbs
}
# A verb without its code, or code without a verb.
lost() {
	each_verb code | sort >wanted
	(set +f; cat "$TOP"/sh/*) |
		sed -n 's/^\(\(cmd\|help\)_[a-z_]*\)() {$/\1/p' |
		grep -E '^cmd_|^help_(vm|image|kernel|vmm|config)_' |
		sort >there
	grep -vxFf there wanted
	grep -vxFf wanted there
	:
}
code() {
	case $2 in
	- | =*) return ;;
	esac
	verb=$1
	for _what in cmd ${5:+help}; do
		verb_function "$_what"
		grep -qx "$function() {" $(printf "$TOP/sh/%s " $2) ||
			echo "$function is not in $2"
	done
	verb_function cmd && echo "$function"
	case $1 in
	*' '*) verb_function help && echo "$function" ;;
	esac
}

ok 'every verb has its code and its help in the parts it names' '
	lost >lost && { cat lost; [ ! -s lost ]; }'
ok 'the help of every verb names exactly its options' '
	[ "$(wc -l <verbs)" -ge 20 ] &&
	help_wrong >wrong && { cat wrong; [ ! -s wrong ]; }'
ok 'the manual has every verb, and names exactly its options' '
	manual_wrong >wrong && { cat wrong; [ ! -s wrong ]; }'
ok 'the manual has no other verb' '
	sed -n "/^.Sh VERBS/,/^.Sh ENV/s/^.It Cm \([a-z_ -]*[a-z]\).*/\1/p" \
		"$TOP/doc/banger.1" | sort >manual &&
	cut -d: -f1 verbs | sort >table && same table manual'
ok 'help fits on a screen of 24 lines, 80 columns' '
	banger help >help && cat help && [ "$(wc -l <help)" -le 23 ] &&
	! grep ".\{80\}" help'
# columns WORD...: where in the lines of that help summaries begin, each once.
columns() {
	banger "$@" | awk 'match($0, /^  .*[^ ]  +/) { print RLENGTH }' |
		sort -u
}
ok 'what each verb is for stands in one column, of every list of them' '
	for group in vm "vm session" "vm workspace" image "image cache" \
		kernel vmm config --all; do
		columns help $group >at && echo "$group" && cat at &&
		[ "$(wc -l <at)" = 1 ] || exit 1
	done'
ok 'all help is at most 80 columns wide' '
	while IFS=: read -r verb _; do banger $verb --help; done <verbs >all &&
	! grep -n ".\{81\}" all'

done_testing
