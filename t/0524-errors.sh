#!/bin/sh
# What the front end says when it fails: its form, its hints; and misuse.
# shellcheck disable=SC2046,SC2086 # lists of words
. "$(dirname "$0")/lib.sh"
. "$TOP/sh/verbs"
. "$TOP/sh/things"
use() { :; }	# they are there

set +f
# Not deps, which is no part of banger, nor in-guest, whose die is another.
perl "$TOP/t/errors.pl" $(printf '%s\n' "$TOP"/sh/* |
	grep -v -e '/deps$' -e '/in-guest$') >texts
set -f
# bad CONDITION: texts for which this awk condition holds; $3 is a text, $4
# its hint. None is to be.
bad() {
	awk -F '\t' "$1" texts >bad
	cat bad
	[ ! -s bad ]
}

ok 'there are texts to look at, usage errors and hints among them' '
	[ "$(wc -l <texts)" -gt 120 ] && ! bad "/no snapshots/" &&
	! bad "\$2 == \"die_usage\"" && ! bad "\$4 ~ /^try: banger vm list/"'
ok 'an error is one line that begins small and ends without a stop' '
	bad "\$3 ~ /<newline>/" && bad "\$3 ~ /[.!]\$/" &&
	bad "\$3 ~ /^[A-Z]/ && \$3 !~ /^BANGER_/" && bad "\$3 ~ /  /"'
ok 'it is short enough to be read' '
	bad "length(\$3) > 130"'
ok 'what cannot be done has its reason after a colon' '
	bad "\$3 ~ /^cannot / && \$3 !~ /: / && \$3 !~ /^cannot find /"'
ok 'a hint is one short line that begins small and ends without a stop' '
	bad "\$4 ~ /<newline>/" && bad "\$4 ~ /[.!]\$/" &&
	bad "\$4 ~ /^[A-Z]/" && bad "length(\$4) > 130"'

# Every command of ours that a hint, a note or a help text tells to type.
told() {
	{
		cut -f4 texts
		set +f
		grep -h -e 'try: ' -e 'note "' -e '^  banger ' "$TOP"/sh/*
		set -f
	} | grep -oE 'banger( [a-z][a-z-]*)+' | sed 's/banger //' | sort -u
}
ok 'each command that is told to type is there' '
	told >told && [ "$(wc -l <told)" -gt 20 ] && while read -r line; do
		verb_find $line && {
			[ "$verb_parts" != - ] || [ "$verb" = "$line" ]
		} || { echo "no such verb: $line"; exit 1; }
	done <told'

# Lines that are wrong, from the table: VERB<tab>WORD WORD...
wrong() {
	case $5,$2 in
	,* | *,-) return ;;
	esac
	printf "$1\t%s\n" --no-such --no-such=1 "-%" --=x -Z "--help=1"
	for _o in $4; do
		_name=--${_o%%[=|]*}
		case $_o in
		*=*) printf "$1\t%s\n" "$_name" "$_name=" ;;
		*) printf "$1\t%s\n" "$_name=yes" "$_name=" ;;
		esac
		case $_o in
		*'|'*=*) _o=${_o#*'|'}; printf "$1\t%s\n" "-${_o%%=*}" ;;
		esac
	done
	case $3 in
	*...*) ;;
	*--*) printf "$1\t%s\n" "a b c d" "a --" ;;
	*) printf "$1\t%s\n" "a b c d" "a b c -- d" ;;
	esac
	case $3 in
	'' | '['*) ;;
	*) printf "$1\t\n" ;;
	esac
}
misused() {
	while IFS="$(printf '\t')" read -r verb words; do
		BANGER_STATE=$T/none banger $verb $words >out 2>err </dev/null
		_status=$?
		{ read -r one; read -r two; } <err
		case $_status,$(wc -l <err),$one,$two in
		2,2,"banger: "*,"try: banger $verb --help") ;;
		*) echo "$_status: banger $verb $words"; cat err ;;
		esac
		[ ! -s out ] || echo "stdout: banger $verb $words"
	done
}
ok 'misuse of every verb: one line, one hint, status 2, nothing is made' '
	each_verb wrong >wrong && [ "$(wc -l <wrong)" -gt 400 ] &&
	misused <wrong >found && { head -n 60 found; [ ! -s found ]; } &&
	[ ! -e none ]'

# What nobody can have meant, wherever words and values may be: with what a
# terminal acts on, with slashes, empty.
evil=$(printf 'a\033[31m\r\n\302\233b')
# one_line VERB WORD...: fails so, and prints how not.
one_line() {
	_one=$1
	shift
	case $_one in
	'vm run' | 'vm create') set -- --image no-such "$@" ;;
	esac
	echo "$_one" >>tried
	BANGER_STATE=$T/none banger $_one "$@" >out 2>err </dev/null
	_status=$?
	case $_status,$_one in
	2,* | 1,* | 125,'vm run' | 125,'vm exec' | 125,'vm acp' | \
		125,'vm session attach' | 125,'image build' | 255,'vm ssh') ;;
	*) echo "status $_status: $_one $*" ;;
	esac
	[ ! -s out ] || echo "stdout: $_one $*"
	head -n 1 err | grep -q "^banger: " && [ "$(wc -l <err)" -le 2 ] &&
		! tr -d '\n' <err | grep -q '[[:cntrl:]]' &&
		! grep -q -e "$(printf '\302\233')" -e ': [0-9]*: ' err ||
		{ echo "says: $_one $*"; cat -v err; }
}
# evil_words ROW...: in the place of its words, and of each of its values.
evil_words() {
	case $5,$2 in
	,* | *,-) return ;;
	esac
	_evil_words=$3 _evil_options=$4
	set -- "$1"
	for _evil in "$evil" ../x/y ''; do
		set -- "$1"
		for _word in $_evil_words; do
			case $_word in
			--* | '[--'*) break ;;
			esac
			set -- "$@" "$_evil"
		done
		[ $# = 1 ] || one_line "$@"
		for _option in $_evil_options; do
			case $1,$_option in
			'config show,image='*) ;;
			*=*) evil_value "$1" "--${_option%%[=|]*}" $# ;;
			esac
		done
	done
}
# evil_value VERB OPTION COUNT: with $_evil, and words such as a name.
evil_value() {
	_evil_n=$3
	set -- "$1" "$2" "$_evil"
	while [ "$_evil_n" -gt 1 ]; do
		_evil_n=$((_evil_n - 1))
		set -- "$@" nobody
	done
	one_line "$@"
}
ok 'words that nobody means: a line, nothing for a terminal, nothing made' '
	each_verb evil_words >found && { head -n 60 found; [ ! -s found ]; } &&
	[ "$(wc -l <tried)" -gt 350 ] && [ ! -e none ]'

done_testing
