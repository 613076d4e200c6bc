#!/bin/sh
# A file system that is full: said in one line, nothing half-made stays.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/small.sh"
small 4M

empty() { [ -z "$(ls -A "$vms" 2>/dev/null)" ]; }
# The space of a process that ends comes back a moment after its locks.
room() {
	timeout 100 sh -c 'until [ "$(stat -f -c %a small)" -gt 900 ]
		do :; done'
}
fill() { cat /dev/zero >small/fill || [ -s small/fill ]; }
tiny='--image tiny --memory 256M'

# one_line: what was said is one line, and says why.
one_line() {
	[ "$(wc -l <.err)" = 1 ] &&
		grep -q '^banger: .*: No space left on device$' .err
}
ok 'making a machine: one line, nothing left' '
	banger vm create -q --no-start $tiny first >/dev/null &&
	banger vm delete first && fill &&
	says 1 "cannot make" banger vm create -q --no-start $tiny x &&
	one_line && empty &&
	says 125 "cannot make" banger vm run -q --rm $tiny -- true &&
	one_line && empty'
ok 'where there is room for its values but not for its disks, too' '
	truncate -s -65536 small/fill &&
	says 1 "cannot make" banger vm create -q --no-start $tiny x &&
	one_line && empty && rm small/fill'
ok 'what a guest writes fails in the guest, and --rm cleans up' '
	banger vm run -q --rm $tiny -- sh -c "head -c 20000000 /dev/urandom \
		>/root/big && sync -f /root/big && echo x >/root/more &&
		sync -f /root/more; echo st=\$?; dmesg | tail -n 9" >out &&
	cat out && ! grep -q "^st=0" out &&
	grep -q "I/O error\|read-only" out && empty && room'
ok 'a machine on a full disk goes on, ends, and its state is right' '
	banger vm run -qd $tiny --name full && fill &&
	banger vm exec full -- sh -c "echo to the console >/dev/console" &&
	banger ps | grep -q "^full  *running" &&
	banger vm logs full && banger vm stop -q full &&
	banger ps | grep -q "^full  *stopped"'
ok 'and starts again when there is room, not before' '
	fill && says 1 "cannot start" banger vm start -q full && one_line &&
	rm small/fill && banger vm start -q full &&
	banger vm delete full && empty'

done_testing
