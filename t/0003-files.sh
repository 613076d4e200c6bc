#!/bin/sh
# Value files: whole or not there, whatever happens to who writes them.
. "$(dirname "$0")/lib.sh"

ok 'a value is its first line' '
	printf "one\ntwo\n" >v && [ "$(libtest line v)" = one ] &&
	printf "no newline" >v && [ "$(libtest line v)" = "no newline" ] &&
	: >v && [ "$(libtest line v)" = "" ]'
ok 'a long value is cut, not overrun' '
	printf "%05000d\n" 1 >v && [ "$(libtest line v)" = 000000000000000 ]'
ok 'a NUL byte in a value is refused' '
	printf "a\000b\n" >v && [ "$(libtest line v)" = EINVAL ]'
ok 'an absent value says so' '[ "$(libtest line absent)" = ENOENT ]'
ok 'a number in a file is a whole number in its range' '
	for n in 0 7 1000; do
		echo "$n" >n && [ "$(libtest filenum n)" = "$n" ] || return 1
	done &&
	for bad in "" x 1x 1001 -1 99999999999999999999; do
		echo "$bad" >n && [ "$(libtest filenum n)" = EINVAL ] ||
			return 1
	done'
ok 'a written value is private and leaves nothing beside it' '
	mkdir d && cd d && libtest put v hello && [ "$(cat v)" = hello ] &&
	[ "$(stat -c %a v)" = 600 ] && [ "$(ls -A)" = v ]'
ok 'a failed write keeps the old value and leaves nothing' '
	mkdir e && cd e && mkdir v && fails 1 libtest put v hello &&
	[ "$(ls -A)" = v ]'
ok 'a mark is written where it is, over what was longer, and never elsewhere' '
	mkdir m && cd m && libtest mark v hello && [ "$(cat v)" = hello ] &&
	[ "$(stat -c %a v)" = 600 ] && was=$(stat -c %i v) &&
	libtest mark v longer && [ "$(cat v)" = longer ] &&
	libtest mark v on && printf "on\n" | cmp - v &&
	[ "$(stat -c %i v)" = "$was" ] && [ "$(ls -A)" = v ] &&
	ln -s v link && [ "$(libtest mark link x)" = ELOOP ] &&
	mkfifo fifo && [ "$(libtest mark fifo x)" = ENXIO ] &&
	[ "$(cat v)" = on ]'
ok 'slurp takes a whole file and no more than its limit' '
	printf "%0999d" 0 >s && libtest slurp s | cmp - s &&
	printf "%01001d" 0 >s && [ "$(libtest slurp s)" = EFBIG ] &&
	[ "$(libtest slurp .)" = EINVAL ]'

# torn: kill a writer of w at any moment, fifteen times; is w ever not whole?
torn() {
	printf '%0100000d' 0 | tr 0 a >w
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		libtest writer w &
		libtest reader w 4
		whole=$?
		kill -9 $!
		wait $!
		[ "$whole" = 0 ] && libtest reader w 1 || return 0
	done
	return 1
}
ok 'a reader never sees half of what a killed writer wrote' '! torn'

ok 'a tree goes with its links, not with what they point to' '
	mkdir -p keep tree/a/b tree/.c && touch keep/x tree/a/b/f tree/.c/g &&
	ln -s ../keep tree/link && ln -s "$T/keep" tree/a/link &&
	ln -s nowhere tree/dangling &&
	libtest rmtree tree && [ ! -e tree ] && [ -e keep/x ]'
ok 'removing what is absent is done already' 'libtest rmtree absent'
ok 'a symlink given as the tree is removed itself' '
	mkdir kept && touch kept/x && ln -s kept l && libtest rmtree l &&
	[ ! -L l ] && [ -e kept/x ]'
ok 'a socket is reached below a path longer than its address may be' '
	long=$(printf "%0100d/%0100d" 1 2) && mkdir -p "$long" &&
	[ "$(libtest sock "$long")" = 600 ]'

done_testing
