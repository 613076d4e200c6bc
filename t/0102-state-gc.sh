#!/bin/sh
# bng-state gc: what crashes leave is finished, everything else is left alone.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"

# A process that is no more, as "PID STARTTICKS".
DEAD='2000000000 1'

ok 'where there is nothing to do, nothing is said or changed' '
	machine web && bng-state gc >got 2>&1 && [ ! -s got ] &&
	(BANGER_STATE=$T/void; bng-state gc && [ ! -e void ])'

ok 'a machine whose maker died is removed, one being made is not' '
	sh -c "bng-state new -n dead tiny; :" &&
	dir=$(bng-state new -n live tiny) &&
	bng-state gc >got && grep -Eqx "removed vms/.new.dead.[0-9]+" got &&
	[ "$(wc -l <got)" = 1 ] && [ -d "$dir" ] && rm -r "$dir"'

ok 'new and clone clean up before, when asked to, and say so apart' '
	sh -c "bng-state new -n dead tiny; :" &&
	dir=$(bng-state new -n live -g tiny 2>said) && [ -d "$dir" ] &&
	grep -Eqx "removed vms/.new.dead.[0-9]+" said &&
	[ "$(wc -l <said)" = 1 ] && rm -r "$dir" &&
	sh -c "bng-state new -n dead tiny; :" &&
	dir=$(bng-state clone -n twin -g web 2>said) && [ -d "$dir" ] &&
	grep -Eqx "removed vms/.new.dead.[0-9]+" said && rm -r "$dir"'

ok 'without a maker, the process in the name counts' '
	mkdir -p "$VMS/.del.x.2000000000/deep/er" "$VMS/.new.y.$$" &&
	[ "$(bng-state gc)" = "removed vms/.del.x.2000000000" ] &&
	[ -d "$VMS/.new.y.$$" ] && rmdir "$VMS/.new.y.$$"'

ok 'images and kernels that nobody is making any more are removed' '
	cd "$BANGER_STATE" && mkdir images/.new.i.1 kernels/.del.k.1 &&
	echo "$DEAD" >images/.new.i.1/maker &&
	echo "$DEAD" >kernels/.del.k.1/maker && cd "$T" &&
	bng-state gc >got && printf "%s\n" "removed images/.new.i.1" \
		"removed kernels/.del.k.1" >want && same got want'

ok 'what does not have the form of ours is left' '
	cd "$VMS" && mkdir .new.a .new.a.1x .new..2000000000 .newa.1.1 .x.a.1 \
		.new.-a.2000000000 "$BANGER_STATE/images/UPPER" &&
	: >.new.file.2000000000 && : >"$BANGER_STATE/images/.lock.tiny" &&
	ln -s "$T" .del.link.2000000000 &&
	find "$BANGER_STATE" | sort >"$T/before" && bng-state gc >"$T/got" &&
	[ ! -s "$T/got" ] && find "$BANGER_STATE" | sort >"$T/after" &&
	same "$T/before" "$T/after"'

ok 'what a killed supervisor left is cleaned, the values are not' '
	machine crashed && cd "$VMS/crashed" && echo "$DEAD" >pid &&
	echo "$DEAD" >supervisor && : >ready && : >agent.sock && : >qmp.sock &&
	: >.vcpu.2000000000 && : >".vcpu.$$" && : >console.log &&
	mkdir dump && : >dump/memory && : >run.lock &&
	[ "$(bng-state gc)" = "cleaned crashed" ] && [ ! -e dump ] &&
	[ ! -e pid ] && [ ! -e supervisor ] && [ ! -e ready ] &&
	[ ! -e agent.sock ] && [ ! -e qmp.sock ] &&
	[ ! -e .vcpu.2000000000 ] && [ -e ".vcpu.$$" ] &&
	[ -e console.log ] && [ -e vcpu ] && [ -z "$(bng-state gc)" ]'

ok 'a machine that runs keeps its files' '
	machine runs && cd "$VMS/runs" && hold 8 runs &&
	started $$ >supervisor && started $$ >pid && : >ready &&
	: >agent.sock && [ -z "$(bng-state gc)" ] &&
	[ -e ready ] && [ -e agent.sock ] &&
	echo "$DEAD" >pid && rm supervisor && [ -z "$(bng-state gc)" ] &&
	[ -e ready ] && rm pid ready agent.sock'

ok 'a machine that somebody has locked is left for now' '
	machine locked && echo "$DEAD" >"$VMS/locked/pid" &&
	exec 8<>"$VMS/locked/lock" && bng-state lock -n 8 &&
	[ -z "$(bng-state gc)" ] && [ -e "$VMS/locked/pid" ] && exec 8>&- &&
	[ "$(bng-state gc)" = "cleaned locked" ]'

# vmm NAME: a process that holds the run lock as a VMM does; its pid in $vmm.
vmm() {
	mkfifo "$T/held"
	sh -c 'exec 8<>"$VMS/$0/run.lock" && bng-state lock -n 8 &&
		echo >"$T/held" && exec sleep 1000' "$1" &
	vmm=$!
	read -r _ <"$T/held"
	rm "$T/held"
	started "$vmm" >"$VMS/$1/pid"
}

ok 'a VMM whose supervisor died is killed' '
	machine orphan && vmm orphan &&
	echo "$DEAD" >"$VMS/orphan/supervisor" &&
	bng-state gc >got && printf "%s\n" "killed the VMM of orphan" \
		"cleaned orphan" >want && same got want &&
	fails 137 wait "$vmm" && [ ! -e "$VMS/orphan/pid" ]'

ok 'a process that only has the number of a VMM is not killed' '
	machine reused && vmm reused &&
	echo "$DEAD" >"$VMS/reused/supervisor" &&
	echo "$vmm 1" >"$VMS/reused/pid" && [ -z "$(bng-state gc)" ] &&
	kill -0 "$vmm" && kill "$vmm" && fails 143 wait "$vmm" &&
	bng-state del reused'

ok 'del -k ends what the machine names, and nobody else, and deletes it' '
	machine ended && vmm ended && echo "$$ 1" >"$VMS/ended/supervisor" &&
	fails 1 bng-state del ended && kill -0 "$vmm" &&
	bng-state del -k ended && fails 137 wait "$vmm" &&
	[ ! -e "$VMS/ended" ] && machine still && bng-state del -k still &&
	[ ! -e "$VMS/still" ] && says 100 "one name" bng-state del -k'

ok 'an ephemeral machine is deleted when its owner is dead, running or not' '
	machine eph1 ephemeral=yes owner="$DEAD" &&
	machine eph2 ephemeral=yes owner="$DEAD" && vmm eph2 &&
	started "$vmm" >"$VMS/eph2/supervisor" &&
	bng-state gc | sort >got &&
	printf "%s\n" "deleted eph1" "deleted eph2" "killed the VMM of eph2" \
		>want && same got want && fails 137 wait "$vmm" &&
	[ ! -e "$VMS/eph1" ] && [ ! -e "$VMS/eph2" ]'

ok 'one whose owner lives, or that is not ephemeral, is not' '
	machine own1 ephemeral=yes owner="$(started $$)" &&
	machine own2 owner="$DEAD" && machine own3 ephemeral=yes &&
	machine own4 ephemeral=yes && echo garbage >"$VMS/own4/owner" &&
	[ -z "$(bng-state gc)" ] && bng-state list -q own1 own2 own3 own4'

ok 'gc -n says what it would do, and does nothing' '
	mkdir "$VMS/.new.n.2000000000" && machine dry ephemeral=yes \
		owner="$DEAD" && machine dry2 &&
	echo "$DEAD" >"$VMS/dry2/pid" &&
	find "$BANGER_STATE" | sort >before && bng-state gc -n | sort >got &&
	find "$BANGER_STATE" | sort >after && same before after &&
	printf "would %s\n" "clean dry2" "delete dry" \
		"remove vms/.new.n.2000000000" >want && same got want &&
	bng-state gc >got && [ "$(wc -l <got)" = 3 ]'

need strace 'gc asks at most eight questions a clean machine' '
	BANGER_STATE=$T/many && VMS=$BANGER_STATE/vms && export VMS &&
	. "$TOP/t/machine.sh" && strace -o few bng-state gc &&
	machine m && i=0 &&
	while [ $((i += 1)) -lt 50 ]; do
		cp -r "$VMS/m" "$VMS/m$i" || exit
	done &&
	strace -o many.calls bng-state gc &&
	[ $(($(wc -l <many.calls) - $(wc -l <few))) -lt 400 ]'

# Killed at every system call that changes something, a verb leaves either
# nothing, or a whole machine, or what gc removes.
# kill_at VERB COMMAND...: kill it at the 1st, 2nd, ... change; then judge.
kill_at() {
	_at=0
	while [ $((_at += 1)) -lt 99 ]; do
		before "$_at"
		strace -f -qq -o trace \
			--inject="$CHANGES:signal=KILL:when=$_at" \
			sh -c '"$@"; [ $? != 137 ]' sh "$@" >/dev/null 2>&1 &&
			[ "$_at" -gt 3 ] && return
		bng-state gc >/dev/null && after "$_at" || return
	done
	return 1
}
CHANGES=mkdirat,renameat,renameat2,unlinkat,write,fchmod,fsync
whole() {
	for _f in id image image_dir kernel kernel_dir vcpu memory_mib \
		disk_bytes created vmm net nat nested ephemeral ip; do
		[ -s "$VMS/$1/$_f" ] || return
	done
}
whole_or_none() { [ ! -e "$VMS/$1" ] || whole "$1"; }
none_hidden() { [ -z "$(find "$VMS" -name '.*' ! -name '.lock*')" ]; }

need strace 'new killed at any point leaves nothing after gc' '
	rm -rf "$VMS" && before() { :; } &&
	after() { none_hidden && [ -z "$(bng-state list -q)" ]; } &&
	kill_at bng-state new -n victim tiny'

need strace 'commit killed at any point leaves a whole machine or none' '
	rm -rf "$VMS" && before() {
		rm -rf "$VMS/victim" &&
		dir=$(sh -c "bng-state new -n victim tiny; :") &&
		rm -rf victim && ln -s "$dir" victim; } &&
	after() { none_hidden && whole_or_none victim; } &&
	kill_at sh -c '\''exec bng-state commit "$(readlink victim)"'\'''

need strace 'del killed at any point leaves a whole machine or none' '
	rm -rf "$VMS" && before() { [ -e "$VMS/victim" ] || machine victim; } &&
	after() { none_hidden && whole_or_none victim; } &&
	kill_at bng-state del victim'

need strace 'set killed at any point leaves the old value or the new' '
	rm -rf "$VMS" && machine victim && before() { :; } &&
	after() {
		case $(bng-state get victim vcpu) in 2|5) ;; *) return 1 ;; esac
		whole victim && : >"$VMS/victim/pid" && bng-state gc &&
		[ -z "$(find "$VMS/victim" -name ".*")" ]; } &&
	kill_at bng-state set victim vcpu=5'

done_testing
