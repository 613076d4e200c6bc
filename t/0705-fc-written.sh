#!/bin/sh
# lib/fcwritten: pages that will be written are copied before, unchanged
. "$(dirname "$0")/lib.sh"

ok 'what is no longer of the file is noted' '
	mkdir m && head -c 1048576 /dev/urandom >m/memory &&
	written note m 3 4 5 200 &&
	printf "\3\0\0\0\4\0\0\0\5\0\0\0\310\0\0\0" >due &&
	cmp due m/written'
ok 'and once only' '
	cp m/written was && written note m 7 && cmp m/written was'
ok 'those that a note names are copied, and no others' '
	written copy m 2 3 4 5 6 199 200 201 >out &&
	printf "3\n4\n5\n200\n" | cmp - out'
ok 'what somebody writes to them meanwhile stays' '
	[ "$(written race m 4)" = kept ]'
ok 'a note of pages that are not there, or of nonsense, is none' '
	printf "\377\377\377\377\0\1\0\0" >m/written &&
	written copy m 0 255 >out && [ ! -s out ] &&
	head -c 4001 /dev/urandom >m/written && written copy m 0 >out &&
	head -c 99999 /dev/zero >m/written && written copy m 0 >out &&
	[ ! -s out ]'
done_testing
