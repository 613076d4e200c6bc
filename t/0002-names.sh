#!/bin/sh
# Names, numbers and sizes: what people type.
. "$(dirname "$0")/lib.sh"

# each VERB: for lines "TEXT|ANSWER" on stdin, `libtest VERB TEXT` says so.
each() {
	while IFS='|' read -r text want; do
		got=$(libtest "$1" "$text" 2>&1)
		[ "${got%%"
"*}" = "$want" ] || {
			echo "$1 '$text' said: $got; not: $want"
			return 1
		}
	done
}
huge="number '9999999999999999999' is not between -5 and 100"
long63=$(printf '%063d' 0) long128=$(printf '%0128d' 0)

ok 'a machine may be called what is a host name label' '
	each name <<-END
	a|good
	7|good
	web-1|good
	a--b|good
	$long63|good
	END'
ok 'a bad name of a machine says which of four things is wrong' '
	each name <<-END
	|a name is required
	${long63}0|a name has at most 63 characters, this one has 64
	Web|character 1 is not one of a-z, 0-9 and '\''-'\''
	a.b|character 2 is not one of a-z, 0-9 and '\''-'\''
	../x|character 1 is not one of a-z, 0-9 and '\''-'\''
	wéb|character 2 is not one of a-z, 0-9 and '\''-'\''
	a b|character 2 is not one of a-z, 0-9 and '\''-'\''
	-a|a name neither starts nor ends with '\''-'\''
	a-|a name neither starts nor ends with '\''-'\''
	-|a name neither starts nor ends with '\''-'\''
	END'
ok 'a path component is letters, digits and _.+- and starts with no . or -' '
	for n in a A 9 _x a.b a+b-c_d "$long128"; do
		libtest component "$n" || { echo "refused: $n"; return 1; }
	done'
ok 'a path component climbs nowhere and hides nothing' '
	for n in "" . .. .hidden -x a/b "a b" "a
b" é "${long128}0"; do
		fails 1 libtest component "$n" || return 1
	done'
ok 'a number is decimal, whole and in its range' '
	each num <<-END
	0|0
	-5|-5
	100|100
	007|7
	101|libtest: number '\''101'\'' is not between -5 and 100
	-6|libtest: number '\''-6'\'' is not between -5 and 100
	9999999999999999999|libtest: $huge
	|libtest: number '\'''\'' is not a number
	-|libtest: number '\''-'\'' is not a number
	+5|libtest: number '\''+5'\'' is not a number
	5x|libtest: number '\''5x'\'' is not a number
	0x10|libtest: number '\''0x10'\'' is not a number
	1.5|libtest: number '\''1.5'\'' is not a number
	END'
ok 'a size has a unit of 1024s, and without one counts the given unit' '
	each size <<-END
	1|1048576
	0|0
	4096B|4096
	64K|65536
	64KB|65536
	512M|536870912
	4G|4294967296
	4GiB|4294967296
	2T|2199023255552
	END'
ok 'what is no size is refused, an overflow too' '
	for s in "" -1 +1 " 1" G 4g 4GG 4Gi 4GiBx 1.5G 0x1 "4 G" \
	    99999999999999999999 9007199254740992K 8796093022208; do
		fails 100 libtest size "$s" || { echo "taken: $s"; return 1; }
	done'
ok 'a usage error is one line and the usage, never a crash' '
	says 100 "is not a number" libtest num x &&
	[ "$(wc -l <.err)" = 2 ] && grep -q "^usage: " .err'
ok 'control bytes never reach the terminal' '
	says 100 "?[31mx" libtest num "$(printf "\033[31mx\007")" &&
	! LC_ALL=C grep -q "[[:cntrl:]]" .err'

done_testing
