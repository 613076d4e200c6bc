# fake.sh - machines that are none, for tests of the front end alone
#
#	. ./lib.sh; . ./fake.sh
#
# Stand-ins for the applets that need a guest, in front of the real ones: a
# machine "fake" image is made by the real bng-state; its "guest" is the
# directory $T/guest of this host, where commands run and trees are unpacked.
# What runs there is a sleep that holds run.lock.
# What the stand-ins were asked is written to $T/asked, a line a call; a file
# $T/fail.VERB makes that verb fail with its content; $T/hang.VERB makes it
# say so to the fifo $T/hung, and hang; with $T/killed.VERB a VMM's verb says
# what that holds and is killed. With $T/dies.qemu or $T/dies.fc there,
# that VMM starts and is gone at once, the content being its error; with
# hangs.qemu or hangs.fc its guest never answers.
#
# shellcheck shell=sh

mkfifo "$T/hung"
mkdir -p "$T/fake" "$T/guest/root" "$BANGER_STATE/images/fake" \
	"$BANGER_STATE/kernels/fake"
: >"$BANGER_STATE/images/fake/rootfs.ext4"
: >"$BANGER_STATE/kernels/fake/vmlinux"
: >"$BANGER_STATE/kernels/fake/initrd"
printf '{"name":"fake","arch":"x86_64","kernel":"fake","created":1}\n' \
	>"$BANGER_STATE/images/fake/manifest.json"
printf '{"name":"fake","arch":"x86_64","version":"1","created":1}\n' \
	>"$BANGER_STATE/kernels/fake/manifest.json"

cat >"$T/fake/bng-disk" <<'END'
#!/bin/sh
set -eu
echo "disk $*" >>"$T/asked"
[ ! -f "$T/fail.format" ] || { cat "$T/fail.format" >&2; exit 111; }
[ "$1" = format ] || exec "$BUILD/bng-disk" "$@"
shift
while getopts ts: _; do :; done
shift $((OPTIND - 1))
for image; do : >"$image"; done
END

cat >"$T/fake/bng-fc" <<'END'
#!/bin/sh
# As bng-qemu; a Firecracker is there when $T/fc is.
[ "$1" != probe ] || {
	[ -e "$T/fc" ] && printf 'ok\tkvm\t1.12.1\t/fake/firecracker\n' &&
		exit
	printf 'no\tFirecracker is not installed\ttry: vmm pull\n'
	exit 1
}
. "$T/fake/bng-qemu"
END
cat >"$T/fake/bng-qemu" <<'END'
#!/bin/sh
set -eu
me=${0##*/bng-}
# A turn to boot, which is over with these.
[ "$1 ${2-}" != 'start -b' ] || {
	eval "exec $3>&-"
	shift 3
	set -- start "$@"
}
echo "$me $*" >>"$T/asked"
[ ! -f "$T/fail.$me.$1" ] || { cat "$T/fail.$me.$1" >&2; exit 111; }
[ ! -f "$T/fail.$1" ] || { cat "$T/fail.$1" >&2; exit 111; }
[ ! -f "$T/killed.$1" ] || { cat "$T/killed.$1" >&2; kill -9 $$; }
for name; do :; done
if [ -e "$T/hang.$1" ]; then
	rm "$T/hang.$1"
	exec env --default-signal=INT,QUIT sh -c \
		'echo >"$T/hung"; exec sleep 600'
fi
case $1 in
probe) printf 'ok\ttcg\t-\t/fake/qemu\tthe cpu is a fake\n' ;;
landlock) echo 7 ;;
status) [ -f "$BANGER_STATE/vms/$name/pid" ] ;;
start)
	cd "$BANGER_STATE/vms/$name"
	rm -f exit error
	[ ! -e "$T/dies.$me" ] || {
		echo "status 1" >exit
		cp "$T/dies.$me" error
		exit 0
	}
	exec 9<>run.lock
	bng-state lock 9
	sleep 600 </dev/null >/dev/null 2>&1 &
	echo $! >>"$T/fake.pids"
	read -r stat </proc/$!/stat
	set -- ${stat##*) }
	echo "${1:+$!} ${20}" >supervisor
	cp supervisor pid
	echo 1 >started
	# Else nobody would be waited for.
	rm -f ready
	[ -e "$T/fail.wait" ] || [ -e "$T/hang.wait" ] ||
		[ -e "$T/hangs.$me" ] || echo 5 >ready
	: >agent.sock
	[ "$me" = fc ] && echo firecracker >vmm || echo qemu >vmm
	;;
stop | kill)
	cd "$BANGER_STATE/vms/$name"
	case "$*" in
	*USR1*) exit ;;
	esac
	[ -f pid ] || exit 1
	read -r pid _ <pid
	kill "$pid"
	exec 9<>run.lock
	bng-state lock 9 2>/dev/null
	rm -f ready pid supervisor agent.sock
	;;
esac
END

cat >"$T/fake/bng-agent" <<'END'
#!/bin/sh
set -eu
echo "agent $*" >>"$T/asked"
[ ! -f "$T/fail.$1" ] || { cat "$T/fail.$1" >&2; exit 111; }
if [ -e "$T/hang.$1" ]; then
	rm "$T/hang.$1"
	# The real one also takes what a shell made its job ignore.
	exec env --default-signal=INT,QUIT sh -c \
		'echo >"$T/hung"; exec sleep 600'
fi
verb=$1
shift
case $verb in
wait)
	for name; do :; done
	[ -e "$BANGER_STATE/vms/$name/ready" ]
	;;
put)
	mkdir -p "$T/guest$2"
	exec unpack "$T/guest$2"
	;;
exec)
	dir=/root
	while getopts Eiotu:C:e: opt; do
		case $opt in
		C) dir=$OPTARG ;;
		e) export "${OPTARG?}" ;;
		*) ;;
		esac
	done
	shift "$OPTIND"
	[ "$1" != -- ] || shift
	cd "$T/guest$dir"
	trap - INT TERM
	exec "$@"
	;;
esac
END
sed -e "s|@BIN@|$T/fake:$BUILD|" -e "s|@SHARE@|$TOP|" \
	-e "s|@AGENT@|$BUILD/agent|" "$TOP/sh/banger" >"$T/fake/banger"
chmod -R +x "$T/fake"
PATH=$T/fake:$PATH
: >"$T/fake.pids"
# shellcheck disable=SC2016  # expanded at the end
at_end 'while read -r _pid; do kill "$_pid" 2>/dev/null; done <"$T/fake.pids"'
