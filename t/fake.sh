# fake.sh - machines that are none, for tests of the front end alone
#
#	. ./lib.sh; . ./fake.sh
#
# Stand-ins for the applets that need a guest, in front of the real ones: a
# machine "fake" image is made by the real bng-state; its "guest" is the
# directory $T/guest of this host, where commands run and trees are unpacked.
# What the stand-ins were asked is written to $T/asked, a line a call; a file
# $T/fail.VERB makes that verb fail with its content.
#
# shellcheck shell=sh

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
shift 3
for image; do : >"$image"; done
END

cat >"$T/fake/bng-qemu" <<'END'
#!/bin/sh
set -eu
echo "qemu $*" >>"$T/asked"
[ ! -f "$T/fail.$1" ] || { cat "$T/fail.$1" >&2; exit 111; }
for name; do :; done
case $1 in
probe) printf 'tcg\tthe cpu is a fake\n' ;;
start) echo 1 >"$BANGER_STATE/vms/$name/started"
	echo 5 >"$BANGER_STATE/vms/$name/ready" ;;
stop | kill) rm -f "$BANGER_STATE/vms/$name/ready" ;;
esac
END

cat >"$T/fake/bng-agent" <<'END'
#!/bin/sh
set -eu
echo "agent $*" >>"$T/asked"
[ ! -f "$T/fail.$1" ] || { cat "$T/fail.$1" >&2; exit 111; }
[ ! -p "$T/hang.$1" ] || { echo >"$T/hang.$1.here"; exec cat "$T/hang.$1"; }
verb=$1
shift
case $verb in
put)
	mkdir -p "$T/guest$2"
	exec tar -C "$T/guest$2" -xpf -
	;;
exec)
	dir=/root
	while getopts itC:e: opt; do
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
