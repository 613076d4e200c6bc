#!/bin/sh
# What bng-fc asks of Firecracker to save a machine and to go on from that, in
# every version: a stand-in, which knows the fields of each. Nothing boots.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"
. "$TOP/t/fakefc.sh"
. "$TOP/t/strict.sh"

versions='1.5.0 1.6.0 1.7.0 1.8.0 1.10.1 1.12.1 1.13.0 1.14.4 1.15.1 1.16.1'
make="{\"snapshot_path\":\"/x\",\"mem_file_path\":\"/y\"}"
firecracker 1.12.1 && fc a
up() { bng-fc start a 2>/dev/null && bng-agent wait -t 100 a; }
# bare: one that nobody has told anything, in $T/new; the snapshot is its 8.
bare() {
	put_off
	rm -rf new && mkdir new && [ -e "$1/state" ] || return
	"$BANGER_FIRECRACKER" --id new --api-sock "$T/new/api.sock" \
		4<"$T/new" 8<"$1" >new.log 2>&1 &
	bare=$!
	echo "$bare" >bare.pid
	until fctell new GET / >.answer 2>&1; do
		kill -0 "$bare" || return
	done
}
# load FIELDS: what bng-fc asks for, and these fields as well.
load() {
	_load=$(fcbody 8)
	fctell new PUT /snapshot/load "${_load%\}}$1}" >.answer
	cat .answer
}
asked() { load "$1" && grep -q "^$2" .answer; }
put_off() {
	read -r _off 2>/dev/null <bare.pid || return 0
	rm bare.pid
	kill "$_off" 2>/dev/null
	wait "$_off" 2>/dev/null
	:
}
at_end put_off

ok 'every version takes the request for a snapshot, and it goes on' '
	for v in $versions; do
		firecracker "$v" && up && bng-fc snapshot a "$T/$v" &&
		[ -s "$v/state" ] && [ -s "$v/memory" ] &&
		fails 7 timeout 100 bng-agent exec a -- on &&
		bng-fc kill a || exit
	done'
ok 'every version takes the request to load it, and is then running' '
	for v in $versions; do
		firecracker "$v" && bare "$v" && asked "" 204 &&
		fctell new GET / | grep Running && put_off || exit
	done'
ok 'a field that a version does not know it refuses, as the real ones do' '
	try() {
		firecracker "$1" && bare "$1" && asked "$2" "$3" && put_off
	} && try 1.12.1 ,\"network_overrides\":[] 204 &&
	try 1.10.1 ,\"network_overrides\":[] "400 .*unknown field" &&
	try 1.13.0 ,\"track_dirty_pages\":false 204 &&
	try 1.12.1 ,\"track_dirty_pages\":false "400 .*unknown field" &&
	try 1.14.4 ,\"clock_realtime\":true 204 &&
	try 1.13.0 ,\"clock_realtime\":true "400 .*unknown field" &&
	try 1.16.1 ,\"vsock_override\":{} 204 &&
	try 1.15.1 ,\"vsock_override\":{} "400 .*unknown field"'
ok 'a restore cleans up before, when asked to, and says so' '
	bng-fc snapshot a "$T/disks" && sh -c "bng-state new -n dead tiny; :" &&
	bng-fc restore a "$T/disks" 2>said && [ ! -s said ] &&
	bng-fc restore -g a "$T/disks" 2>said &&
	grep -Eqx "removed vms/.new.dead.[0-9]+" said &&
	[ "$(wc -l <said)" = 1 ]'
ok 'a machine that is not paused is not saved, one that runs loads nothing' '
	firecracker 1.12.1 && up &&
	refuses "$VMS/a" "not paused" PUT /snapshot/create "$make" &&
	refuses "$VMS/a" "missing field .mem_file_path" \
		PUT /snapshot/create "{\"snapshot_path\":\"/x\"}" &&
	refuses "$VMS/a" "unknown field .version" PUT /snapshot/create \
		"{\"version\":\"1\",\"snapshot_path\":\"/x\"}" &&
	refuses "$VMS/a" "not supported after" PUT /snapshot/load \
		"$(fcbody 8)" && bng-fc kill a'
ok 'nor is one that was never started; a load that fails is its end' '
	bare 1.12.1 && refuses new "not supported before" \
		PUT /snapshot/create "$make" &&
	refuses new "either mem_backend" \
		PUT /snapshot/load "{\"snapshot_path\":\"/x\"}" &&
	rm 1.12.1/state && load "" && grep "^400 .*its state" .answer &&
	fails 1 wait "$bare"'
done_testing
