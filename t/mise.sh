#!/bin/sh
# mise.sh - the real mise, fetched once with npm and kept in build/cache
#
# usage: mise.sh	prints its path; fails without npm or a network
#
# The package is pinned by its digest; where npm gets it from is npm's affair.
set -eu
version=2026.9.15
sum=b51f2463bc4fcdc3b0959b1454792f64be3612e73d856cbca4a062e39e070e74
top=$(cd "$(dirname "$0")/.." && pwd)
kept=$top/build/cache/mise-$version
if [ ! -x "$kept/bin/mise" ]; then
	mkdir -p "$top/build/cache"
	new=$(mktemp -d "$kept.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	cd "$new"
	timeout 300 npm pack --silent "@jdxcode/mise-linux-x64@$version" \
		>/dev/null 2>&1
	echo "$sum  jdxcode-mise-linux-x64-$version.tgz" >sum
	sha256sum -c --status sum
	tar -xzf "jdxcode-mise-linux-x64-$version.tgz"
	mv package "$kept"
fi
printf '%s\n' "$kept/bin/mise"
