#!/bin/sh
# mkapplets.sh - make build/applets.h from the applets' opening comments
#
# usage: mkapplets.sh OUT applets/bng-*.c
#
# For each file bng-X.c the block from " * usage:" to the end of the comment
# becomes USAGE_X; LIST of those named in $BNG_MULTICALL becomes APPLETS.
# OUT is rewritten only when it changes, so that nothing rebuilds for nothing.
set -euf
LC_ALL=C
export LC_ALL

out=$1
shift
{
	echo '/* made by mkapplets.sh */'
	for file; do
		name=${file##*/bng-}
		name=${name%.c}
		awk -v name="$name" '
			/^ \*\// { exit }
			/^ \* usage:/ { on = 1 }
			on {
				sub(/^ \* ?/, "")
				gsub(/\\/, "\\\\")
				gsub(/"/, "\\\"")
				if (!begun++) printf "#define USAGE_%s", name
				printf " \\\n\t\"%s\\n\"", $0
			}
			END { print "" }' "$file"
	done
	for name in $BNG_MULTICALL; do
		printf 'extern const struct applet applet_%s;\n' "$name"
	done
	printf '#define APPLETS'
	for name in $BNG_MULTICALL; do
		printf ' &applet_%s,' "$name"
	done
	echo
} >"$out.tmp"
if cmp -s "$out.tmp" "$out"; then rm "$out.tmp"; else mv "$out.tmp" "$out"; fi
