#!/bin/sh
# What bng-fc refuses before and while it starts: a stand-in, nothing boots.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"
. "$TOP/t/fakefc.sh"
. "$TOP/t/strict.sh"

firecracker 1.12.1 && fc a

ok 'a verb that there is not, and operands that are missing, are usage errors' '
	says 100 "unknown verb" bng-fc fly a &&
	says 100 "a machine is missing" bng-fc start &&
	says 100 "too many operands" bng-fc probe a &&
	says 1 "there is no machine" bng-fc start nobody &&
	says 1 "is not running" bng-fc pause a'
ok 'without a Firecracker, or with one that is none, start and probe say so' '
	(unset BANGER_FIRECRACKER && export HOME="$T" PATH="$BUILD:/bin" &&
	says 111 "Firecracker is not installed" bng-fc start a &&
	fails 1 bng-fc probe >out && cat out &&
	[ "$(cat out)" = "no	Firecracker is not installed	try: \
banger vmm pull firecracker" ]) &&
	(export BANGER_FIRECRACKER=$T/none &&
	says 111 "none'\'': No such file" bng-fc start a) &&
	(export BANGER_FIRECRACKER=/bin/echo &&
	says 111 "does not say that it is a Firecracker" bng-fc start a) &&
	grep -q "does not say" "$VMS/a/error" && gone a'
ok 'its own directory goes before PATH' '
	(unset BANGER_FIRECRACKER && export XDG_DATA_HOME="$T/data" &&
	mkdir -p data/banger/bin path && cp firecracker path &&
	PATH=$T/path:$PATH && firecracker 1.7.0 && mv firecracker \
	data/banger/bin && unset BANGER_FIRECRACKER && bng-fc start a &&
	[ "$(cat "$VMS/a/vmm_version")" = 1.7.0 ] && bng-fc kill a &&
	rm -r data && bng-fc start a && bng-fc kill a &&
	[ "$(cat "$VMS/a/vmm_version")" = 1.12.1 ])'
ok 'versions: below 1.5.0 refused, above 1.14 used with a warning' '
	firecracker 1.4.9 &&
	says 111 "1.4.9 is too old: 1.5.0" bng-fc start a &&
	firecracker 0.25.2 && says 111 "too old" bng-fc start a &&
	fails 1 bng-fc probe >out && grep -q "^no	.*too old" out &&
	for v in 1.12 1.1234.0 1.-2.0; do
		firecracker $v && says 111 "$v'\'', is not understood" \
			bng-fc start a && ! grep "too old" .err || exit
	done &&
	for v in 1.5.0 1.12.1 1.14.4; do
		firecracker $v && bng-fc start a 2>err && [ ! -s err ] &&
			bng-agent wait a && bng-fc kill a || exit
	done && for v in 1.15.0 1.16.1 2.0.0-dev; do
		firecracker $v && bng-fc start a 2>err &&
			grep -q "$v is newer than what was tried" err &&
			bng-agent wait a && bng-fc kill a || exit
	done && firecracker 1.12.1'
ok 'one without ACPI does not start a kernel that needs it' '
	k=$BANGER_STATE/kernels/k/manifest.json && cp "$k" told &&
	bng-store manifest "$BANGER_STATE/kernels/k" name=k version=6.1 \
		arch=x86_64 machine=q35 && firecracker 1.7.0 &&
	says 111 "1.8.0 is needed" bng-fc start a &&
	grep -q "1.7.0 has no ACPI" "$VMS/a/error" && gone a &&
	firecracker 1.8.0 &&
	bng-fc start a && bng-agent wait a && bng-fc kill a &&
	cp told "$k" && firecracker 1.7.0 && bng-fc start a &&
	bng-agent wait a && bng-fc kill a && firecracker 1.12.1'
ok 'one that does not answer --version does not hang us' '
	firecracker 1.12.1 mute &&
	says 111 "does not say" timeout 100 bng-fc start a &&
	firecracker 1.12.1'
ok 'each version gets the fields that it knows' '
	given() { read -r p _ <"$VMS/a/pid" && cat "/proc/$p/fd/7"; } &&
	firecracker 1.14.4 && bng-fc start a && given >conf &&
	grep -q "\"free_page_reporting\":true" conf && bng-fc kill a &&
	firecracker 1.13.0 && bng-fc start a && bng-agent wait a &&
	given >conf && grep -q "\"entropy\":{}" conf &&
	! grep balloon conf &&
	grep -q "^Command line:.* reboot=k$" "$VMS/a/console.log" &&
	bng-fc kill a && firecracker 1.12.1 && bng-fc start a &&
	bng-agent wait a && bng-fc kill a &&
	grep -q "reboot=k pci=off$" "$VMS/a/console.log"'
ok 'the stand-in is as strict as the real one, which is asked the same' '
	bng-fc start a && bng-agent wait a && strict "$VMS/a" && bng-fc kill a'
ok 'a file that is missing is an error that names it' '
	rm "$VMS/a/work.ext4" && says 111 "work.ext4" bng-fc start a &&
	: >"$VMS/a/work.ext4" && k=$BANGER_STATE/kernels/k &&
	mv "$k/initrd" . && says 111 "kernels/k/initrd" bng-fc start a &&
	mv initrd "$k"'
ok 'values that it cannot have are errors' '
	echo 33 >"$VMS/a/vcpu" && says 111 "1..32" bng-fc start a &&
	echo 1 >"$VMS/a/vcpu" && echo yes >"$VMS/a/nested" &&
	says 111 "no virtualisation of their own" bng-fc start a &&
	echo no >"$VMS/a/nested"'
ok 'what Firecracker refuses is the reason, in its words' '
	echo truncated >"$BANGER_STATE/kernels/k/vmlinux" &&
	says 111 "status 1: Failed to build MicroVM from Json: Start microvm \
error: Invalid Elf magic" bng-fc start a &&
	printf "\177ELF and no more" >"$BANGER_STATE/kernels/k/vmlinux" &&
	grep -q "Invalid Elf" "$VMS/a/error" &&
	[ "$(cat "$VMS/a/exit")" = "status 1" ] && gone a'
ok 'one that dies at once, or is killed, is an error with the reason' '
	firecracker 1.12.1 dies &&
	says 111 "status 1: it rains" bng-fc start a &&
	gone a && firecracker 1.12.1 killed &&
	says 111 "Firecracker was killed by SIGILL" bng-fc start a &&
	[ "$(cat "$VMS/a/exit")" = "killed ILL" ] && gone a'
ok 'a socket that cannot be moved out of the way is a reason, too' '
	firecracker 1.12.1 && mkdir "$VMS/a/api.sock" &&
	says 111 "api.sock" bng-fc start a && rmdir "$VMS/a/api.sock" &&
	echo old >"$VMS/a/api.sock" && echo old >"$VMS/a/vsock.sock" &&
	bng-fc start a && bng-agent wait a && bng-fc kill a && gone a'
ok 'user-mode network is none, in one line' '
	echo user >"$VMS/a/net" && bng-fc start a 2>err && bng-fc kill a &&
	[ "$(cat err)" = "bng-fc: net: none (Firecracker has no user-mode \
network)" ] && bng-state list a >list && cat list &&
	! grep -F 10.0.2. list && echo none >"$VMS/a/net"'
ok 'it has no descriptor but its own, whose numbers are fixed' '
	bng-fc start a && read -r p _ <"$VMS/a/pid" &&
	{ ls -l "/proc/$p/fd" >fds || :; } && bng-fc kill a && cat fds &&
	grep -q " 3 -> .*/run.lock" fds && grep -q " 4 -> .*/vms/a$" fds &&
	grep -q " 5 -> .*/images/tiny" fds &&
	grep -q " 6 -> .*/kernels/k" fds && grep -q " 7 -> /memfd" fds'
ok 'nor has it one more than these' '
	cat >script <<-"E" && chmod +x script &&
	#!/bin/sh
	[ "$1" != --version ] || { echo "Firecracker v1.12.1"; exit 0; }
	ls -l /proc/$$/fd >&2
	exit 9
	E
	: >"$VMS/a/vmm.log" && exec 5>leak &&
	(export BANGER_FIRECRACKER="$T/script" && fails 111 bng-fc start a) &&
	exec 5>&- && cat "$VMS/a/vmm.log" && ! grep leak "$VMS/a/vmm.log" &&
	grep -q " 7 -> /memfd" "$VMS/a/vmm.log" &&
	[ "$(grep -c -- "->" "$VMS/a/vmm.log")" = 10 ] # 10, 11: dash'
ok 'what is static in its supervisor is not in huge pages' '
	bng-fc start a && read -r s _ <"$VMS/a/supervisor" &&
	{ [ -n "${SAN:-}" ] ||
	sed -n "/\/bng$/,\$p" "/proc/$s/smaps" | awk "/^[0-9a-f]+-/ {
		bss = \$2 ~ /^rw/ && (\$6 == \"\" || \$6 == \"[heap]\") }
		bss && /^Size:/ { size = \$2 }
		bss && /^VmFlags:/ && size > 2048 { print; n++
			if (\$0 !~ / nh( |\$)/) bad = 1 }
		END { exit bad || !n }"; } && bng-fc kill a'
ok 'while it hangs it is starting, and can be killed' '
	firecracker 1.12.1 hangs && { bng-fc start a 2>err & } &&
	until [ -e "$VMS/a/pid" ]; do :; done && bng-fc kill a && ! wait $! &&
	cat err && gone a'
ok 'a path stands for a machine too, however long it is' '
	deep=$T/$(printf %0100d 0)/$(printf %0100d 1) && mkdir -p "$deep" &&
	firecracker 1.12.1 && cp -r "$VMS/a" "$deep/Odd_name" &&
	bng-fc start "$deep/Odd_name" && bng-agent wait "$deep/Odd_name" &&
	bng-fc kill "$deep/Odd_name"'
done_testing
