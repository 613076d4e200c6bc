#!/bin/sh
# Many at the same moment, with real parts.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1

vms=$BANGER_STATE/vms
empty() { [ -z "$(ls -A "$vms" 2>/dev/null)" ]; }
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
create() { banger vm create -q --no-start --image tiny "$@"; }

# Whoever is second meets the first either at work or done.
same_name() {
	create --name x >1.out 2>1.err &
	_one=$!
	create --name x >2.out 2>2.err &
	_two=$!
	wait $_one
	_one=$?
	wait $_two
	case $_one,$? in
	0,1) same_said 1 2 ;;
	1,0) same_said 2 1 ;;
	*) return 1 ;;
	esac
}
same_said() {
	cat "$2.err"
	[ "$(cat "$1.out")" = x ] && [ ! -s "$1.err" ] && [ ! -s "$2.out" ] &&
		grep -q "^banger: cannot make .*\(exists already\|is being made\
 already\)" "$2.err" && [ "$(ls -A "$vms")" = x ] &&
		banger vm delete x && empty
}
ok 'of two that want one name at the same moment one gets it' '
	for i in 1 2 3 4 5 6 7 8; do same_name || exit 1; done'
ok 'twenty made at once all have names of their own, and go at once' '
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		create >>some &
	done && wait && sort -u some >names && cat names &&
	[ "$(wc -l <names)" = 20 ] &&
	banger vm list -q | sort | cmp - names &&
	xargs banger vm delete <names && empty'
ok 'four run at once, each with its own words, status and end' '
	for i in 1 2 3 4; do
		banger vm run -q --rm --image tiny --memory 256M -- \
			sh -c "hostname >&2; cat; exit $i" \
			<names >"out.$i" 2>>hosts &
		eval "p_$i=$!"
	done && for i in 1 2 3 4; do
		eval "fails $i wait \$p_$i" && cmp names "out.$i" || exit 1
	done && cat hosts && [ "$(sort -u hosts | wc -l)" = 4 ] && empty'

# All places of those who boot at once, until a line to fd 8 for each. They wait
# for one: with -n, who meets another at the head of the line gets none.
places() {
	mkdir -p "$BANGER_RUN" && mkfifo end held && exec 8<>end 9<>held
	read -r _cpus <<-END
	$(getconf _NPROCESSORS_ONLN)
	END
	_all=$((_cpus + 1))
	for _ in $(seq "$_all"); do
		(exec 7<>"$BANGER_RUN/boots" 8>&- 9>&- && bng-state lock \
			-p "$_all" 7 && echo >held && read -r _ <end) &
	done
	for _ in $(seq "$_all"); do read -r _ <&9; done
	exec 9>&-
}
case $(bng-qemu probe) in
ok?kvm*) claim='with KVM a machine boots at once, whatever else boots' ;;
*) claim='an emulated machine boots in its turn, over when it is ready' ;;
esac
turns() {
	case $claim in
	with*)
		banger vm create -q --image tiny --memory 256M --name x
		return
		;;
	esac
	mkfifo says
	banger vm create --image tiny --memory 256M --name x 2>says >made &
	exec 5<says
	until [ "${_line-}" = 'waiting for others to boot' ]; do
		read -r _line <&5 || return
	done
	banger vm list && [ "$(cat "$vms/x/started" 2>/dev/null)" = '' ] &&
		echo >&8 && cat <&5 && wait $! && [ "$(cat made)" = x ] &&
		exec 7<>"$BANGER_RUN/boots" &&
		bng-state lock -n -p "$_all" 7
}
ok "$claim" '
	places && turns && for _ in $(seq "$_all"); do echo >&8; done &&
	banger vm delete x && empty'

done_testing
