#!/bin/sh
# The manual says what the programs say.
. "$(dirname "$0")/lib.sh"

# forms APPLET: each way to call it on a line of its own, however wrapped.
forms() {
	tr -s ' \n' '  ' | sed "s/^ *//; s/ *\$//; s/ bng-$1 /\\
bng-$1 /g"
	echo
}

# synopsis APPLET: what its page has between SYNOPSIS and the next heading.
synopsis() {
	mandoc -T ascii "$TOP/doc/bng-$1.1" | col -bx |
		sed -n '/^SYNOPSIS/,/^[A-RT-Z]/{ /^ /p; }' | forms "$1"
}

# usage APPLET: the first paragraph of its -h.
usage() {
	bng "$1" -h | sed -e '/^$/,$d' -e 's/^usage: *//' | forms "$1"
}

applets=$(cd "$TOP/applets" && set +f && printf '%s\n' bng-*.c |
	sed 's/^bng-//; s/\.c$//')
set +f
for a in $applets; do
	ok "bng-$a -h answers on stdout, and well" "
		bng-$a -h >out 2>err && [ -s out ] && [ ! -s err ]"
	ok "bng-$a(1) and bng-$a -h agree on how it is used" '
		usage "$a" >usage && grep -q "^bng-$a" usage &&
		synopsis "$a" >synopsis && same usage synopsis'
	ok "bng-$a without arguments, or with odd ones, is wrong usage" "
		fails 100 bng-$a --no-such-option && fails 100 bng-$a"
	ok "bng-$a cannot lose its answer to a full disk silently" "
		fails 111 sh -c 'bng-$a -h >/dev/full'"
done

ok 'bng lists exactly those' '
	bng >listed && for a in $applets; do echo "bng-$a"; done | sort >want &&
	sort listed >sorted && same sorted want'
ok 'bng runs an applet by its short and its long name' '
	bng state -h >one && bng bng-state -h >two && same one two'
ok 'an applet that does not exist is 127' '
	says 127 "there is no applet" bng no-such-applet'

# What a page refers to as ours is there.
dangling() {
	grep -h '^\.Xr \(bng\|banger\)' "$TOP"/doc/*.[1-8] |
		while read -r _ name section _; do
			[ -f "$TOP/doc/$name.$section" ] ||
				echo "$name($section)"
		done
}
set +f
ok 'pages refer to pages that exist' '
	dangling >dangling && { cat dangling; [ ! -s dangling ]; }'
# The same for files that the prose names by their path in the tree.
lost() {
	re='(^|[ (`])(lib|sh|t|doc|guest|applets)/[a-z0-9-]+(\.[a-z0-9]+)?\b'
	grep -ohE "$re" "$TOP/README.md" "$TOP"/doc/*.md | tr -d ' (`' |
		grep -v -e '-$' | sort -u |
		while read -r path; do
			[ -e "$TOP/$path" ] || echo "$path"
		done
}
ok 'prose refers to files that exist' '
	lost >lost && { cat lost; [ ! -s lost ]; }'

done_testing
