#!/bin/sh
# The undo list: nothing outlives its maker unless it was handed over.
. "$(dirname "$0")/lib.sh"

# Start a maker, $maker, of f, d/ and k, and of a child that holds "alive".
make_things() {
	mkdir -p d/e
	touch f d/e/x k
	rm -f in out
	mkfifo in out
	# sh starts what runs in the background with SIGINT ignored.
	env --default-signal=INT libtest undo f d k <in >out &
	maker=$!
	exec 8>in 7<out
	read -r _ <&7
}

# undone: all is gone but what was forgotten, the child too.
undone() {
	exec 8>&- 7<&-
	[ ! -e f ] && [ ! -e d ] && [ -e k ] || {
		ls -R
		return 1
	}
	libtest waitfree alive 5000
}

ok 'at a good end the list runs, and what was handed over stays' '
	make_things && exec 8>&- && wait "$maker" && undone'

# ended_by SIGNAL...: the maker gets them and dies of one of them.
ended_by() {
	for sig; do
		kill "-$sig" "$maker"
	done
	wait "$maker"
	status=$?
	[ "$status" -gt 128 ] || return
	case " $* " in
	*" $(kill -l $((status - 128))) "*) ;;
	*) return 1 ;;
	esac
}
for sig in HUP INT PIPE TERM; do
	ok "at SIG$sig too, and the process dies of the signal" "
		make_things && ended_by $sig && undone"
done
ok 'two signals at once undo once' '
	make_things && ended_by TERM HUP && undone'
ok 'until then everything stays, though a forked child ended' '
	make_things && [ -e f ] && [ -e d/e/x ] &&
	[ "$(libtest held alive)" = 1 ] &&
	exec 8>&- && wait "$maker" && undone'
ok 'an ignored signal stays ignored' '
	trap "" HUP && make_things && kill -HUP "$maker" && exec 8>&- &&
	wait "$maker" && undone'

done_testing
