#!/bin/sh
# A host without a program that is needed: the package is named.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

vms=$BANGER_STATE/vms
empty() { [ -z "$(ls -A "$vms" 2>/dev/null)" ]; }

# without PROGRAM COMMAND...: with a PATH that lacks it.
without() {
	mkdir -p poor
	set +f
	ln -sf /usr/sbin/* /usr/bin/* poor
	set -f
	rm -f "poor/$1"
	shift
	PATH=$BUILD:$T/poor "$@"
}
two_lines() {
	cat .err && [ "$(wc -l <.err)" = 2 ] && grep -q "$1" .err && empty
}

ok 'without QEMU nothing is made, and its package is named' '
	says 125 "qemu-system-x86_64 is not installed" \
		without qemu-system-x86_64 \
		banger vm run -q --rm --image tiny -- true &&
	two_lines "apt install qemu-system-x86$" &&
	says 1 "qemu-system-x86_64 is not installed" \
		without qemu-system-x86_64 \
		banger vm create -q --image tiny x &&
	two_lines "apt install qemu-system-x86$"'
ok 'nor is a machine started that is there, and it stays' '
	banger vm create -q --no-start --image tiny x &&
	says 1 "cannot start machine '\''x'\'': there is no qemu" \
		without qemu-system-x86_64 banger vm start -q x &&
	[ "$(wc -l <.err)" = 1 ] && grep -q "package qemu-system-x86)" .err &&
	banger vm delete x && empty'
ok 'without mmdebstrap a run that needs an image says so' '
	says 125 "mmdebstrap is missing" without mmdebstrap env \
		BANGER_IMAGE_PATH= banger vm run -q --rm -- true &&
	two_lines "install the package mmdebstrap"'
ok 'without git there is no workspace' '
	git init -q repo && says 125 "git" without git \
		banger vm run -q --rm --image tiny repo -- true && empty'
ok 'without ssh-keygen machines work all the same' '
	without ssh-keygen banger vm create -q --no-start --image tiny x &&
	banger vm delete x && empty'

done_testing
