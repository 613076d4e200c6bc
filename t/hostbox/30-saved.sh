#!/bin/sh
# A machine that was saved and goes on. Its connections are gone, and only its
# guest knows that.
. "${0%/*}/box.sh"

[ "$(bng-fc probe | cut -f 1,3)" = "ok	1.12.1" ] || exit 1
vm=$BANGER_STATE/vms/web
at_end 'banger vm delete web >/dev/null'

in_web() { timeout 99 banger vm exec web -- sh -c "$1"; }
# How often its supervisor has waited for something.
turns() {
	read -r _sup _ <"$vm/supervisor" &&
		awk "/^voluntary/ { print \$2 }" "/proc/$_sup/status"
}

ok 'who was in it is told, and it is ready for the next' '
	banger vm run -q -d --image tiny --vcpu 1 --memory 128M --name web &&
	{ in_web "echo in; sleep 999" >in 2>lost & } && p=$! &&
	until [ -s in ]; do :; done && banger vm snapshot -q web s &&
	{ wait $p || [ $? = 125 ]; } && cat lost &&
	grep "lost the command: the connection to the machine was" lost &&
	[ "$(banger vm exec web -- echo on)" = on ]'
ok 'a command that comes while it is saved waits, and runs then' '
	{ banger vm snapshot -q web late & } && p=$! &&
	until [ -e "$vm/dump/memory" ]; do kill -0 $p || exit; done &&
	[ "$(banger vm exec web -- echo late)" = late ] && wait $p'
# It hears of nothing for two seconds, where nothing is to be heard of.
calm() {
	_before=$(turns) && sleep 2 && _after=$(turns) &&
		echo "$_before $_after" && [ $((_after - _before)) -lt 5 ]
}
ok 'nothing goes on between its agent and its supervisor' calm
ok 'so it is for a machine that was forked' '
	banger vm fork -q web child && banger vm exec child -- true &&
	banger vm delete child && [ "$(banger vm exec web -- echo on)" = on ] &&
	calm'
done_testing
