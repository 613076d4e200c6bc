#!/bin/sh
# doctor: what it finds, on hosts that this one is not.
. "$(dirname "$0")/lib.sh"

# The parts of the front end, in a subshell.
quiet='' nl='
' tab='	'
PATH=$T/host:$PATH
export quiet nl tab
mkdir host
parts() {
	set -eu
	for _part in ui json finding virtual doctor; do
		. "$TOP/sh/$_part"
	done
	quiet='' o_json=''
	use() { . "$TOP/sh/$1"; }
	doctor_colours
	kvm='' fc='' doctor_failed='' doctor_comma=
}
# is PROGRAM BODY: from now on.
is() { printf '#!/bin/sh\n%s\n' "$2" >"host/$1" && chmod +x "host/$1"; }
# check VERB...: what doctor says.
check() { (parts && "$@") >out; }
# found LEVEL CHECK TEXT: out has such a finding; hint TEXT: the line after.
found() {
	grep -qE -- "^$1  $2 +.*$3" out || { cat out; return 1; }
}
hint() { grep -qE -- "^ +$1" out || { cat out; return 1; }; }

whole() { banger doctor "$@"; [ $? -le 1 ]; }
ok 'a finding is one line, as text and as JSON' '
	whole >out && found PASS vhost "not needed" &&
	found PASS host x86_64 && whole --json >json &&
	[ "$(grep -c "\"level\"" json)" = \
		"$(grep -cE "^(PASS|WARN|FAIL) " out)" ]
'
ok 'who is not in the group kvm is told the command, by name' '
	is bng-qemu "printf \"no\\tno permission for /dev/kvm (group kvm)\"" &&
	is id "[ \$1 = -un ] && echo ann || echo ann audio" &&
	check doctor_kvm && found WARN kvm "no permission for /dev/kvm" &&
	hint "try: sudo usermod -aG kvm ann, and then log in again, or: newgrp"
'
ok 'who is in it since the session began is told to begin another' '
	is id "[ \$1 = -un ] && echo ann || echo ann kvm" &&
	check doctor_kvm &&
	hint "ann is in the group kvm, this session is not" && rm host/id
'
ok 'without virtualisation, without the module: where to look' '
	is bng-qemu "printf \"no\\tcpu has neither vmx nor svm\"" &&
	check doctor_kvm && hint "switch virtualisation on in the firmware" &&
	is bng-qemu "printf \"no\\tthere is no /dev/kvm\"" &&
	check doctor_kvm && hint "try: sudo modprobe kvm_intel"
'
ok 'nested virtualisation, allowed or not' '
	mkdir -p m/kvm_intel/parameters m/kvm_amd/parameters none &&
	echo N >m/kvm_intel/parameters/nested &&
	echo 1 >m/kvm_amd/parameters/nested && check doctor_nested m &&
	found WARN nested "kvm_intel does not allow it" &&
	hint "try: options kvm_intel nested=1" &&
	found PASS nested "kvm_amd allows it" &&
	check doctor_nested none && [ ! -s out ]
'
ok 'cgroups without favordynmods, on kernels that mind' '
	echo "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0" >slow &&
	echo "x /c cgroup2 rw,favordynmods,nosuid 0 0" >fast &&
	check doctor_cgroup 6.1.0-56-cloud-amd64 slow &&
	found WARN cgroup "without favordynmods" &&
	hint "try: sudo mount -o remount,favordynmods /sys/fs/cgroup" &&
	check doctor_cgroup 6.12.3 fast && found PASS cgroup with &&
	check doctor_cgroup 5.15.0 slow && [ ! -s out ] &&
	check doctor_cgroup 6.0.9 slow && [ ! -s out ]
'
ok 'Landlock, its ABI, and a kernel without' '
	is bng-qemu "echo 2" && check doctor_landlock &&
	found PASS landlock "ABI 2: .*, TCP not confined" &&
	is bng-qemu "echo 7" && check doctor_landlock &&
	found PASS landlock "ABI 7: .*alone$" &&
	is bng-qemu "exit 1" && check doctor_landlock &&
	found WARN landlock "the kernel has none" && hint "try: a kernel from"
'
firecracker() { kvm=$1; doctor_firecracker; }
ok 'Firecracker: where and which, or why not' '
	is bng-fc "printf \"ok\\tkvm\\t1.12.1\\t/x/firecracker\"" &&
	check doctor_firecracker &&
	found PASS firecracker "1.12.1, /x/firecracker$" &&
	is bng-fc "printf \"ok\\tkvm\\t1.16.0-dev\\t/x/firecracker\"" &&
	check doctor_firecracker &&
	found WARN firecracker "1.16.0-dev, .*newer than 1.14" &&
	is bng-fc "printf \"ok\\tkvm\\t1.7.0\\t/x/firecracker\"" &&
	check doctor_firecracker &&
	found WARN firecracker "1.7.0, .*no ACPI.*1.8.0 is needed" &&
	hint "try: banger vmm pull firecracker" &&
	is bng-fc "printf \"no\\tFirecracker is not installed\"; exit 1" &&
	check doctor_firecracker &&
	found PASS firecracker "it is of no use without KVM" &&
	check firecracker yes &&
	found WARN firecracker "not installed; machines run under QEMU" &&
	hint "try: "
'
hinted() { doctor_firecracker_hint "$1"; echo "$_fc_hint"; }
ok 'and how to get it, where the distribution has it and where not' '
	echo "ID=alpine" >os && check hinted os &&
	grep -q "apk add firecracker" out &&
	printf "NAME=x\nID=debian\n" >os && check hinted os &&
	grep -q "banger vmm pull firecracker" out && check hinted /none &&
	grep -q "banger vmm pull firecracker" out
'
ok 'without QEMU it fails, unless there is Firecracker' '
	(parts && command() { [ "$2" != qemu-system-x86_64 ]; } &&
	doctor_tools && [ -n "$doctor_failed" ]) >out &&
	found FAIL qemu "not installed" && (parts && fc=yes &&
	command() { [ "$2" != qemu-system-x86_64 ]; } && doctor_tools &&
	[ -z "$doctor_failed" ]) >out && found WARN qemu "not installed"
'
# unwell TEXT VARIABLE=VALUE...: with these, doctor says so of the state, and
# all else that it says on this host; so it does as JSON.
unwell() {
	_text=$1
	shift
	env -u XDG_STATE_HOME "$@" banger doctor >out 2>err
	[ $? = 1 ] && [ ! -s err ] && found FAIL state "$_text" &&
		grep -qE "^ +try: .*BANGER_STATE" out &&
		found "(PASS|WARN)" landlock . &&
		found "(PASS|WARN)" kvm . &&
		found "(PASS|WARN)" mmdebstrap . || return
	env -u XDG_STATE_HOME "$@" banger doctor --json >json &&
		echo "it said yes" && return 1
	jq -e ".[] | select(.check == \"state\" and .level == \"FAIL\")" json
}
ok 'a state that cannot be is a finding like any other' '
	mkdir -p newer/vms && echo 9 >newer/version && : >file &&
	ln -s void lost &&
	unwell "HOME is not set" -u HOME -u BANGER_STATE &&
	unwell "HOME .rel. is not an absolute" -u BANGER_STATE HOME=rel &&
	unwell "not an absolute path" BANGER_STATE=rel &&
	unwell "by a newer banger, in version 9" BANGER_STATE=$T/newer &&
	unwell "file is not a directory" BANGER_STATE=$T/file/below &&
	unwell "lost.: it is a link to what is not there" BANGER_STATE=$T/lost'
# The tree of a developer may be where others cannot go: banger is installed.
unwell_as() { unwell "$2" BANGER_STATE="$1" PATH="$T/us/bin:$PATH" \
	setpriv --reuid=65534 --clear-groups; }
need ROOT "also one that is another's, or that cannot be written" '
	make -s -C "$TOP" install PREFIX="$T/us" && mkdir -p mine &&
	chown 65534 mine && chmod 500 mine && chmod 755 "$T" &&
	unwell_as /etc "belongs to another user" &&
	unwell_as "$T/mine" "cannot be written" &&
	unwell_as "$T/void" "cannot be written"'
done_testing
