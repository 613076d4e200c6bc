#!/bin/sh
# Bad luck with Firecracker itself: absent, old, broken, hanging, refusing.
. "${0%/*}/box.sh"
. "$TOP/t/strict.sh"
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

vms=$BANGER_STATE/vms
real=$(command -v firecracker)
size='--image tiny --vcpu 1 --memory 128M --disk-size 64M'
run() { banger vm run -q --rm $size "$@"; }
none() { [ -z "$(ls -A "$vms" 2>/dev/null)" ]; }

# fake VERSION LINE...: a Firecracker of that version which is this script.
fake() {
	{
		echo '#!/bin/sh'
		echo "case \$* in *--version*) echo 'Firecracker v$1'; exit ;;"
		echo 'esac'
		shift
		printf '%s\n' "$@"
	} >"$T/fake"
	chmod 755 "$T/fake"
	BANGER_FIRECRACKER=$T/fake
	export BANGER_FIRECRACKER
}

ok 'missing: refused, and not by auto, which takes QEMU' '
	export BANGER_FIRECRACKER=/nonexistent &&
	says 125 "cannot run '\''/nonexistent'\''" \
		run --vmm firecracker -- true && none &&
	banger vm create --no-start $size a 2>err && cat err &&
	grep -q "| qemu kvm$" err && banger vm delete a'
ok 'too old: the same' '
	fake 1.4.1 "exit 1" &&
	says 125 "1.4.1 is too old" run --vmm firecracker -- true && none &&
	banger vm create --no-start $size a 2>err && cat err &&
	grep -q "| qemu kvm$" err && banger vm delete a'
ok 'it ends at once: what it said is the reason, and nothing is left' '
	fake 1.12.1 "echo I am broken >&2" "exit 3" &&
	says 125 "Firecracker ended with status 3: I am broken" \
		run --vmm firecracker -- true && none'
ok 'where auto took it, QEMU stands in' '
	fake 1.12.1 "echo I am broken >&2" "exit 3" &&
	fails 5 run -- sh -c "exit 5" 2>err && cat err &&
	grep "I am broken" err | grep -q "trying qemu" && none'
# This machine's, but that nobody knows one of its fields.
strange='s/{/{"no_such":1,/2'
ok 'it refuses its configuration: the same, in its words' '
	fake 1.12.1 "for a; do shift
		[ \"\$a\" != /proc/self/fd/7 ] || a=/dev/stdin
		set -- \"\$@\" \"\$a\"
	done
	sed '\''$strange'\'' /proc/self/fd/7 | exec $real \"\$@\"" &&
	says 125 "unknown field \`no_such\`" run --vmm firecracker -- true &&
	grep -q "status 1: Failed to build MicroVM from Json: .*unknown" .err &&
	none'
ok 'it hangs: that is noticed, and it is ended' '
	fake 1.12.1 "echo \$\$ >&2" "exec sleep 1000" &&
	banger vm create -q --no-start --vmm firecracker $size a &&
	says 1 "Firecracker does not answer" \
		env BANGER_READY_TIMEOUT=3 banger vm start -q a &&
	read -r pid <"$vms/a/vmm.log" &&
	! kill -0 "$pid" && banger vm list | grep -q "^a  *error" &&
	banger vm delete a'
ok 'TERM to who waits for one that hangs leaves nothing' '
	fake 1.12.1 "echo \$\$ >&2" "exec sleep 1000" &&
	{ "$(command -v banger)" vm create -q --vmm firecracker $size a & } &&
	until read -r pid <"$vms/a/vmm.log"; do :; done 2>/dev/null &&
	kill -TERM $! && fails 143 wait $! && none && ! kill -0 "$pid"'
ok 'it is killed while the guest boots: said, and it can start again' '
	banger vm create -q --no-start --vmm firecracker $size a &&
	bng-fc start a && bng-fc kill a && banger vm start -q a &&
	[ "$(banger vm exec a -- cat /proc/1/comm)" != "" ]'
ok 'its guest has a source of entropy, and it is as strict as our stand-in' '
	banger vm exec a -- cat /sys/class/misc/hw_random/rng_current >out &&
	cat out && grep -q "^virtio_rng" out &&
	(unset BANGER_FIRECRACKER && strict "$vms/a")'
ok 'what is left of its sockets is no hindrance' '
	banger vm kill a && : >"$vms/a/vsock.sock" &&
	: >"$vms/a/vsock.sock_1024" && : >"$vms/a/api.sock" &&
	banger vm start -q a && banger vm exec a -- true'
ok 'a directory in their place is not removed, and said' '
	banger vm kill a && mkdir "$vms/a/api.sock" &&
	says 1 "cannot remove '\''api.sock'\''" banger vm start -q a &&
	rmdir "$vms/a/api.sock" && banger vm delete a && none'

done_testing
