# strict.sh - what a Firecracker refuses, be it the real one or the stand-in
#
#	. "$TOP/t/strict.sh"
#	strict VMDIR		is the one that runs there as strict?
#
# The tests of versions that nobody has here rest upon the stand-in's being so:
# t/0701-fc-start.sh asks it, t/hostbox/20-firecracker.sh the real one.
#
# shellcheck shell=sh
# shellcheck disable=SC2016 # it quotes so
strict() {
	refuses "$1" 'unknown field `x`' PATCH /vm \
		'{"state":"Paused","x":1}' &&
		refuses "$1" 'missing field `state`' PATCH /vm '{}' &&
		refuses "$1" 'not supported after starting' PUT /boot-source \
			'{"kernel_image_path":"/x"}' &&
		refuses "$1" 'Invalid request method' PUT /nothing '{}' &&
		fctell "$1" GET / | grep -q '^200 .*Running' || return
	! "${BANGER_FIRECRACKER:-firecracker}" --api-sock "$1/api.sock" \
		>.strict 2>&1 && grep 'Failed to open the API socket' .strict
}

# refuses VMDIR WHY METHOD PATH JSON
refuses() {
	_refuses_why=$2 _refuses_vm=$1
	shift 2
	fctell "$_refuses_vm" "$@" >.answer
	cat .answer
	grep -q "^400 .*$_refuses_why" .answer
}
