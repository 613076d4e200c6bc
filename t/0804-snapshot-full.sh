#!/bin/sh
# A file system too full for a snapshot: one line, no half of it, and the
# machine runs on.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/small.sh"
small 40M

runs() { [ "$(banger vm exec web -- cat /ram/x)" = here ]; }

ok 'a machine has more memory in use than there is room' '
	banger vm run -q -d --image tiny --memory 256M --vcpu 1 --name web &&
	banger vm exec web -- sh -c "mkdir /ram && mount -t tmpfs none /ram &&
		head -c 50000000 /dev/urandom >/ram/y && echo here >/ram/x"'
ok 'the memory does not fit: one line that says so, and nothing left' '
	says 1 "cannot save" banger vm snapshot -q web &&
	[ "$(wc -l <.err)" = 1 ] && runs &&
	[ -z "$(ls -A "$vms/web/snapshots")" ] &&
	[ "$(du -sm small | cut -f 1)" -lt 20 ]'
ok 'nor does a fork: there is none, and its parent runs' '
	says 1 "cannot save" banger vm fork -q web child &&
	[ "$(ls -A "$vms")" = web ] && runs'
ok 'with room there is one, and a disk that is full keeps the machine' '
	mount -o remount,size=400M small && banger vm snapshot -q web one &&
	banger vm exec web -- sh -c "head -c 30000000 /dev/urandom >/root/z
		sync" && banger vm snapshot -q web two &&
	banger vm restore -q -f web one && banger vm stop web &&
	used=$(du -sm small | cut -f 1) &&
	mount -o remount,size="$((used + 10))M" small &&
	says 1 "No space left" banger vm restore -q web two &&
	[ ! -e "$vms/web/restoring" ] &&
	echo half >"$vms/web/restoring" &&
	says 1 "No space left" banger vm restore -q web two &&
	rm "$vms/web/restoring" &&
	mount -o remount,size=600M small && banger vm start -q web &&
	banger vm exec web -- test ! -e /root/z && banger vm restore -q -f \
		web two && banger vm exec web -- sh -c "echo 3 \
		>/proc/sys/vm/drop_caches && wc -c /root/z" >out &&
	[ "$(cat out)" = "30000000 /root/z" ]'
done_testing
