#!/bin/sh
# The harness itself: a test that cannot fail would prove nothing.
. "$(dirname "$0")/lib.sh"

# Run a test file made of these lines in a harness of its own.
inner() {
	printf '%s\n' ". '$TOP/t/lib.sh'" "$@" done_testing >inner.sh
	sh inner.sh >inner.out 2>&1
}

ok 'a true body passes' 'inner "ok yes true" && grep -qx "ok 1 - yes" inner.out'
ok 'a false body fails, and the file with it' '
	fails 1 inner "ok no false" && grep -qx "not ok 1 - no" inner.out'
ok 'a broken chain fails even when its last command is true' '
	fails 1 inner "ok broken \"false; true\"" &&
	grep -q "chain is broken" inner.out'
ok 'a body shows what it printed when it fails' '
	fails 1 inner "ok no \"echo marker && false\"" &&
	grep -q "^#   marker" inner.out'
ok 'fails tells one status from another' '
	inner "ok a \"fails 3 sh -c \\\"exit 3\\\"\"" &&
	fails 1 inner "ok a \"fails 3 sh -c \\\"exit 4\\\"\""'
ok 'says wants the status and the text' '
	inner "ok a \"says 3 bad sh -c \\\"echo bad >&2; exit 3\\\"\"" &&
	fails 1 inner "ok a \"says 3 good sh -c \\\"echo bad >&2; exit 3\\\"\""'
ok 'a missing need is skipped with the reason' '
	inner "need no-such-tool claim false" &&
	grep -q "^ok 1 - claim # SKIP needs no-such-tool" inner.out'
ok 'the directory of a test is gone afterwards' '
	inner "ok a true" "echo dir=\$T" &&
	dir=$(sed -n "s/^dir=//p" inner.out) && [ -n "$dir" ] &&
	[ ! -e "$dir" ]'
ok 'at_end runs what it was given, newest first' '
	inner "at_end echo one" "at_end echo two" "ok a true" &&
	[ "$(tail -n 2 inner.out | tr "\n" " ")" = "two one " ]'
ok 'the plan counts the claims' '
	inner "ok a true" "ok b true" && grep -qx "1..2" inner.out'

done_testing
