# torture.sh - each verb with a fault at each of its steps
#
#	. ./lib.sh; . ./machine.sh; . ./fakefc.sh; . ./agentd.sh; . ./torture.sh
#	torture VERB COUNT	COUNT faults, evenly over its calls; 1 when
#				one of them left something, which is printed
#
# t/helper/faults.c says what is injected and what may be left. Machines run
# under the stand-in for Firecracker. SEED chooses where the spreading begins.
# The faults so far are counted in $torture_all, those of a verb in $injected.
#
# A verb V is three functions: before_V makes what it needs; do_V is called
# with "faults KIND N" and appends the command; after_V STATUS says, if there
# is something to say, whether what it did fits how it ended.
#
# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154
SEED=${SEED:-1}
torture_all=0
export FAULT_SO="$BUILD/t/fault.so" TMPDIR="$T/tmp"
mkdir -p "$TMPDIR"
chmod 1777 "$TMPDIR"

# --- what is tortured ------------------------------------------------------

small='--vmm firecracker --image tiny --memory 64M --disk-size 64M --vcpu 1'

# The machine "victim", stopped and as new.
victim() {
	bng-fc kill victim 2>/dev/null
	rm -rf "$VMS/victim"
	cp -a "$T/victim" "$VMS"
}
running() {
	victim && bng-fc start victim && bng-agent wait -t 100 victim
}
# As it was before is good enough, if that fits. One that could not be deleted
# runs still.
kept_victim() {
	[ -f "$VMS/victim/work.ext4" ] && ! bng-fc status victim || victim ||
		return
	[ ! -e "$VMS/victim/restoring" ] || victim
}
there() { [ -d "$VMS/$1" ] || { echo "! there is no $1"; return 1; }; }
gone() { [ ! -d "$VMS/$1" ] || { echo "! $1 is still there"; return 1; }; }

# Its disks have nothing to be repaired. That takes long: one time in four.
sound() {
	[ -d "$VMS/$1" ] && [ $((injected % 4)) = 0 ] || return 0
	for _sound in overlay work; do
		e2fsck -fn "$VMS/$1/$_sound.ext4" || {
			echo "! $_sound.ext4 of $1 is damaged"
			return 1
		}
	done
}

before_create() { rm -rf "$VMS/new"; }
# shellcheck disable=SC2086 # words
do_create() { "$@" banger vm create -q --no-start $small new; }
after_create() { { [ "$1" != 0 ] || there new; } && sound new; }

# The same with files of the person's in it: all of them, or no machine.
before_sync() {
	before_create
	mkdir -p "$T/home/d" && echo mine >"$T/home/d/file" &&
		head -c 300000 /dev/zero >"$T/home/d/large" &&
		cat >"$T/sync.toml" <<-END
		[[file_sync]]
		host = "~/d"
		guest = "~/d"
		END
}
do_sync() {
	HOME=$T/home BANGER_CONFIG=$T/sync.toml do_create "$@"
}
after_sync() {
	[ ! -d "$VMS/new" ] || {
		_sync=$(bng-disk get "$VMS/new/work.ext4" /sync/d/file) &&
			[ "$_sync" = mine ] &&
			bng-disk get "$VMS/new/work.ext4" /sync/d/large |
			cmp - "$T/home/d/large" &&
			after_create "$1"
	}
}

# The first machine of all, which makes the person's key too.
before_first() { rm -rf "$BANGER_STATE/vms" "$BANGER_STATE/ssh"; }
do_first() { do_create "$@"; }
after_first() { after_create "$1"; }

# shellcheck disable=SC2086 # words
do_run() { "$@" banger vm run -q --rm --name new $small -- hello; }
before_run() { before_create; }
after_run() { [ "$1" != 7 ] || gone new; }

before_start() { victim; }
do_start() { "$@" banger vm start -q victim; }
after_start() { there victim && { [ "$1" != 0 ] || there victim/; }; }

before_stop() { running; }
do_stop() { "$@" banger vm stop -q victim; }
after_stop() { there victim; }

before_kill() { running; }
do_kill() { "$@" banger vm kill -q victim; }
after_kill() { there victim; }

before_delete() { victim; }
do_delete() { "$@" banger vm delete -q victim; }
after_delete() { [ "$1" != 0 ] || gone victim; }

before_end() { running; }
do_end() { "$@" banger vm delete -q victim; }
after_end() { [ "$1" != 0 ] || gone victim; }

before_set() { kept_victim; }
do_set() { "$@" bng-state set victim vcpu=5 memory_mib=333; }
after_set() {
	there victim && case $(cat "$VMS/victim/vcpu") in
	1 | 5) ;;
	*) echo '! the value is torn'; return 1 ;;
	esac
}

before_restart() { running; }
do_restart() { "$@" banger vm restart -q victim; }
after_restart() { there victim; }

before_resize() { victim; }
do_resize() { "$@" banger vm set -q victim --memory 128M --disk-size 80M; }
after_resize() { there victim && sound victim; }

before_prune() { kept_victim; }
do_prune() { "$@" banger vm prune -q -f; }
after_prune() { [ "$1" != 0 ] || gone victim; }

# The recipe is a real one; what it makes is not.
before_pull() {
	export BANGER_DEBIAN_MIRROR=http://mirror.invalid
	rm -rf "${image:=$BANGER_STATE/images/debian-minimal}"
	[ -x "$T/stand/mmdebstrap" ] || stand_mmdebstrap
}
do_pull() { "$@" banger image pull -q debian-minimal; }
after_pull() {
	if [ -d "$image" ]; then
		e2fsck -fn "$image/rootfs.ext4"
	else
		[ "$1" != 0 ] || { echo '! there is no image'; return 1; }
	fi
}
stand_mmdebstrap() {
	mkdir "$T/stand" && tar -C "$TOP/guest" -cf "$T/stand/tar" recipes &&
		printf '%s\n' '#!/bin/sh' "cat '$T/stand/tar'" \
			>"$T/stand/mmdebstrap" &&
		chmod +x "$T/stand/mmdebstrap" && PATH=$T/stand:$PATH &&
		cp -a "$BANGER_STATE/kernels/k" "$BANGER_STATE/kernels/debian"
}

before_snapshot() { kept_victim && rm -rf "$VMS/victim/snapshots"; }
do_snapshot() { "$@" banger vm snapshot -q victim s; }
after_snapshot() {
	there victim && { [ "$1" != 0 ] || there victim/snapshots/s; }
}

before_restore() {
	victim && banger vm snapshot -q victim s >/dev/null
}
do_restore() { "$@" banger vm restore -q victim s; }
after_restore() { there victim/snapshots/s && sound victim; }

before_fork() { kept_victim && rm -rf "$VMS/twin"; }
do_fork() { "$@" banger vm fork -q victim twin; }
after_fork() { { [ "$1" != 0 ] || there twin; } && sound twin; }

# Sessions are of a real agent, which runs on this host as the machine "web" and
# inherits its lock. To be called where at_end is heard: not in a claim.
web() {
	rm -rf "$VMS/web" "$AGENT_SESSIONS" && cp -a "$T/victim" "$VMS/web" &&
		hold 5 web && agentd_start web -m &&
		started "$agentd" >"$VMS/web/supervisor"
}
# Those that have ended stay on its list: each has a name of its own.
sessions=0 session=
listed() { banger vm session list -q web | grep -qx "$session"; }
over() {
	! listed || banger vm session kill -q web "$session"
	! listed || banger vm session logs -f web "$session"
}
before_session() {
	[ -S "$VMS/web/agent.sock" ] || web || return
	over
	sessions=$((sessions + 1)) session=$torture_verb-$sessions
}
do_session() {
	"$@" banger vm session start -q web --name "$session" \
		--stdin-mode pipe --cwd / -- head -n 1
}
after_session() {
	[ "$1" != 0 ] || listed || { echo '! there is no session'; return 1; }
	over
}

before_attach() { before_session && do_session; }
do_attach() {
	echo hello >"$T/hello" && INPUT=$T/hello "$@" \
		banger vm session attach web "$session"
}
after_attach() {
	listed || { echo '! the session is gone'; return 1; }
	[ "$1" != 0 ] ||
		[ "$(banger vm session logs web "$session")" = hello ] ||
		return
	over
}

before_hangup() { before_attach; }
do_hangup() { "$@" banger vm session stop -q web "$session"; }
after_hangup() {
	listed || { echo '! the session is gone'; return 1; }
	[ "$1" != 0 ] ||
		banger vm session show web "$session" | grep -q 'killed by' ||
		return
	over
}

torture_verbs='create sync first run start stop kill restart delete end prune
	set resize snapshot restore fork pull session attach hangup'

firecracker 1.12.1

torture_prepare() {
	before_create
	# shellcheck disable=SC2086 # words
	banger vm create -q --no-start $small victim >/dev/null &&
		echo none >"$VMS/victim/net" && mv "$VMS/victim" "$T/victim"
}

# --- how -------------------------------------------------------------------

torture_kinds='kill group full eio emfile eintr short'

# torture_one VERB KIND N: one fault; its answer is in $calls, $hit, $status
# and $what. A shell takes a script that it cannot read for one that has ended.
torture_one() {
	"before_$1" >"$T/before.said" 2>&1 || {
		echo "! $1 cannot be prepared"
		cat "$T/before.said"
		return 1
	}
	"do_$1" faults "$2" "$3" >"$T/faults.said" 2>&1 || {
		echo "! $1: $2 at call $3"
		cat "$T/faults.said"
		return 1
	}
	read -r calls hit status what <"$T/faults.said"
	case $what in
	'read of sh') return ;;
	esac
	"after_$1" "$status" >"$T/after.said" 2>&1 || {
		echo "! $1: $2 at call $3 ($what), status $status"
		cat "$T/after.said" "$T/said"
		return 1
	}
}

# torture VERB COUNT
torture() {
	injected=0 _torture_bad=0 torture_verb=$1
	torture_one "$1" none 0 || return
	case $1,$status in
	*,0 | run,7) ;;
	*) echo "! $1 fails: $status"; cat "$T/said"; return 1 ;;
	esac
	_torture_calls=$calls _torture_i=0
	# One in a hundred comes to nothing: a run may have fewer calls.
	while [ "$injected" -lt "$2" ] && [ "$_torture_i" -lt $((2 * $2)) ]; do
		_torture_n=$(((_torture_i * _torture_calls / $2 + SEED * 7919) \
			% _torture_calls + 1))
		# shellcheck disable=SC2086 # words
		torture_kind $(((_torture_i + SEED) % 7)) $torture_kinds
		_torture_i=$((_torture_i + 1)) hit=1
		torture_one "$1" "$kind" "$_torture_n" || _torture_bad=1
		injected=$((injected + hit))
	done
	torture_all=$((torture_all + injected))
	return "$_torture_bad"
}

# torture_kind I KIND...: the one with that number.
torture_kind() {
	shift "$(($1 + 1))"
	kind=$1
}

# Nothing of the machines is left in the end: not a file.
torture_clean() {
	set +f
	rm -rf "$VMS"/[!.]*
	set -f
	[ -z "$(find "$VMS" "$TMPDIR" -mindepth 1)" ] || {
		find "$VMS" "$TMPDIR" -mindepth 1
		return 1
	}
}
