# lib.sh - the test harness: TAP from POSIX sh
#
#	. ./lib.sh			(prove runs each file inside t/)
#	ok 'claim' 'body && body'	body in single quotes, &&-chained
#	need ROOT 'claim'		skip one claim where a need is missing
#	done_testing
#
# Every test file has a directory of its own, $T, removed at the end, and in
# front of PATH build/ and build/t/ (t/helper/*.c compiled), or those of
# build-san/ with SAN=1. A body that breaks its && chain fails: it is first
# run behind a function that returns 117.
# With KEEP=1 in the environment $T stays.
#
# shellcheck shell=sh
set -uf
LC_ALL=C
export LC_ALL
unset CDPATH
umask 022

TOP=${BNG_TOP:-$(cd "$(dirname "$0")/.." && pwd)}
BUILD=$TOP/build${SAN:+-san}
PATH=$BUILD:$BUILD/t:$PATH
T=$(mktemp -d "${TMPDIR:-/tmp}/bng-t.XXXXXX")
BANGER_STATE=$T/state BANGER_CACHE=$T/cache BANGER_RUN=$T/run
export TOP BUILD PATH T BANGER_STATE BANGER_CACHE BANGER_RUN
unset NO_COLOR BANGER_IMAGE_PATH BANGER_KERNEL_PATH 2>/dev/null
# Nothing that the person who runs the tests has set.
BANGER_CONFIG=
export BANGER_CONFIG
[ "$(id -u)" != 0 ] || chmod 755 "$T"
# A sanitizer's finding must look like a crash, not like an answer. Applets
# end without freeing, which is no leak.
if [ -n "${SAN:-}" ]; then
	export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
	export UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1
fi

_n=0 _failed=0 _at_end=:
cleanup() {
	cd / || exit
	eval "$_at_end"
	[ -n "${KEEP:-}" ] || rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$T" || exit 1

# at_end COMMAND...: run it when the file ends, however it ends; newest first.
at_end() {
	_at_end="$*
$_at_end"
}

_117() { return 117; }

# What the machines that are there have said last, for a claim that failed.
_machines() (
	set +f
	cd "$BANGER_STATE/vms" 2>/dev/null || exit
	for _log in */error */vmm.log */console.log; do
		[ -s "$_log" ] || continue
		printf '%s:\n' "$_log"
		tail -n 15 "$_log" | tr -d '\r' | sed 's/^/  /'
	done
)

ok() {
	_n=$((_n + 1))
	(eval "_117 && $2") >/dev/null 2>&1
	if [ $? != 117 ]; then
		_failed=$((_failed + 1))
		printf 'not ok %d - %s\n' "$_n" "$1"
		printf '# %s: the && chain is broken: %s\n' "${0##*/}" "$1" >&2
		return
	fi
	if (eval "$2") >"$T/.out" 2>&1 </dev/null; then
		printf 'ok %d - %s\n' "$_n" "$1"
	else
		_status=$?
		_failed=$((_failed + 1))
		printf 'not ok %d - %s\n' "$_n" "$1"
		# To stderr, which prove shows also when it hides the claims.
		{
			printf '%s: not ok %d - %s\nstatus %d of: %s\n' \
				"${0##*/}" "$_n" "$1" "$_status" "$2"
			tail -n 40 "$T/.out" | sed 's/^/  /'
			_machines
		} | sed 's/^/# /' >&2
	fi
}

# need NEED CLAIM [BODY]: is NEED there? If not, the claim is skipped, by name.
# With a body, it is ok CLAIM BODY behind the need.
need() {
	case $1 in
	ROOT) [ "$(id -u)" = 0 ] && _why= || _why='needs root' ;;
	LANDLOCK*)
		_why="needs the kernel's Landlock, ABI ${1#LANDLOCK}"
		_abi=$(bng-qemu landlock) || _abi=0
		[ "$_abi" -lt "${1#LANDLOCK}" ] || _why= ;;
	LOOP) [ -w /dev/loop-control ] && _why= || _why='needs loop devices' ;;
	*) command -v "$1" >/dev/null 2>&1 && _why= || _why="needs $1" ;;
	esac
	if [ -n "$_why" ]; then
		_n=$((_n + 1))
		printf 'ok %d - %s # SKIP %s\n' "$_n" "$2" "$_why"
		return 1
	fi
	[ $# -lt 3 ] || ok "$2" "$3"
}

# fails STATUS COMMAND...: it ends with exactly this status (a crash is >=128).
fails() {
	_want=$1
	shift
	"$@"
	_got=$?
	[ "$_got" = "$_want" ] || {
		echo "status $_got instead of $_want: $*"
		return 1
	}
}

# says STATUS TEXT COMMAND...: it fails so, and its stderr, whose first line
# must be the only one or be followed by one hint, contains TEXT.
says() {
	_want=$1 _text=$2
	shift 2
	"$@" 2>"$T/.err"
	_got=$?
	cat "$T/.err"
	[ "$_got" = "$_want" ] || {
		echo "status $_got instead of $_want: $*"
		return 1
	}
	grep -qF -- "$_text" "$T/.err" || {
		echo "stderr does not say: $_text"
		return 1
	}
}

# same FILE FILE: equal bytes, or show how not.
same() { cmp "$1" "$2" || { diff -a "$1" "$2" | head -n 20; return 1; }; }

done_testing() {
	printf '1..%d\n' "$_n"
	[ "$_failed" = 0 ]
	exit
}
