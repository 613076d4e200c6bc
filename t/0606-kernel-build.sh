#!/bin/sh
# kernel build: the source package becomes a kernel. What is built here is a
# stand-in for Linux, so that it takes no ten minutes; tools, apt and all else
# are real. `make kernel` builds the real one.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/repo.sh"
TMPDIR=$T/tmp
export TMPDIR
mkdir "$TMPDIR"
kernels=$BANGER_STATE/kernels
kernel=$kernels/generic-6.12
config=$TOP/guest/kernel/config
log=$BANGER_CACHE/build-kernel.log

# Its configuration takes all but CONFIG_LOST, its "kernel" says what it was
# told about who builds it and when.
pkg=$T/pkg
mkdir -p "$pkg/usr/src" linux/arch/x86/kernel/apic linux/arch/x86/mm \
	linux/drivers/gpu
: >linux/drivers/gpu/huge.c
echo 'int a(int b) { return b + 1; }' >linux/a.c
CCACHE_DIR=$T/ccache
export CCACHE_DIR
# What guest/kernel/boot.patch changes, as it was before, and no more.
awk '/^--- a/ { file = "linux" substr($2, 2); next }
	/^(@@|\+|$)/ || !file { next }
	{ print substr($0, 2) >file }' "$TOP/guest/kernel/boot.patch"
cat >linux/Makefile <<'END'
allnoconfig:
	@awk -F= '/^CONFIG_/ { v[$$1] = $$2 } END { for (k in v) \
		if (v[k] != "n" && k !~ /_LOST/) print k "=" v[k] }' \
		$(KCONFIG_ALLCONFIG) >.config
	@ls drivers/gpu >seen
a.o: a.c
	@$(CC) -O2 -c -o a.o a.c
vmlinux: a.o
	@sh ./build "$(KBUILD_BUILD_TIMESTAMP)" "$(KBUILD_BUILD_USER)" \
		"$(KBUILD_BUILD_HOST)" "$(ARCH)" "local=$(LOCALVERSION)" \
		"saw=$$(cat seen)" \
		"$$(grep -om 1 lapic_timer_khz arch/x86/kernel/apic/apic.c)"
	@$(CC) -nostdlib -static -no-pie -o vmlinux k.s
END
cat >linux/build <<'END'
! grep -q CONFIG_STUCK .config || { echo here >"$FIFO"; exec sleep 1000; }
! grep -q CONFIG_BROKEN .config ||
	{ echo 'a.c:1:2: error: it is raining'; exit 2; }
echo '  CC      a.o'
mkdir -p include/config
echo 6.12.9-test >include/config/kernel.release
printf '.section .note.Xen,"a",@note\n.long 4, 4, 18\n.asciz "Xen"\n' >k.s
printf '.long 1\n.text\n.globl _start\n_start: ret\n.data\n' >>k.s
printf '.asciz "%s"\n' "$@" >>k.s
echo '  LD      vmlinux'
END
tar -C . --transform 's,^linux,linux-source-6.12,' -cJf \
	"$pkg/usr/src/linux-source-6.12.tar.xz" linux
touch -d '2026-01-02 03:04:05 UTC' "$pkg/usr/src/linux-source-6.12.tar.xz"
repo_add linux-source-6.12 "$pkg"
repo_done

nothing_left() {
	ls -A "$kernels" "$TMPDIR"
	[ -z "$(ls -A "$TMPDIR")" ] &&
		[ -z "$(find "$kernels" -name '.[nd]*')" ]
}
field() { bng-store field "$kernel/manifest.json" "$1"; }

ok 'wrong usage is refused' '
	says 2 "is required" banger kernel build &&
	says 2 "no configuration for '\''mine'\''" banger kernel build mine &&
	says 2 "not a number" banger kernel build --jobs x generic-6.12 &&
	says 1 "cannot read" banger kernel build --config none mine &&
	echo text >text && says 1 "no configuration of a kernel" \
		banger kernel build --config text mine &&
	says 2 "a name of your own" banger kernel build --config \
		"$config" generic-6.12 && [ ! -e "$kernels" ]'
ok 'tools that are missing are named, all at once, with their packages' '
	mkdir few && cp -rs /usr/bin/. few && rm few/flex few/bison few/bc &&
	PATH=$BUILD:$T/few says 1 "missing: flex bison bc" \
		banger kernel build -q generic-6.12 &&
	grep -q "^try: apt-get install flex bison bc" "$T/.err" &&
	[ ! -e "$kernels" ]'
ok 'a mirror without the source is one line, and nothing stays' '
	mkdir -p empty/dists/bookworm/main/binary-amd64 &&
	: >empty/dists/bookworm/main/binary-amd64/Packages &&
	BANGER_DEBIAN_MIRROR="deb [trusted=yes] copy://$T/empty bookworm main" \
		says 1 "cannot get the kernel" \
		banger kernel build -q generic-6.12 && nothing_left'
ok 'pull of it says how it is made' '
	says 1 "not on this host" banger kernel pull generic-6.12 &&
	grep -q "^try: banger kernel build generic-6.12" "$T/.err"'
ok 'it is built, for microvm, with nothing but the agent in its initrd' '
	banger kernel build generic-6.12 2>said && cat said &&
	grep -q "^kernel generic-6.12: linux 6.12.9-test, built in" said &&
	[ "$(field machine)" = microvm ] &&
	[ "$(field version)" = 6.12.9-test ] &&
	[ "$(field source)" = package:linux-source-6.12=1 ] &&
	[ ! -e "$kernel/modules.ext4" ] && ! grep -q "\.ko" "$kernel/initrd" &&
	grep -q "^CONFIG_VIRTIO_BLK=y" "$kernel/config" && nothing_left'
ok 'who built it, where and when are not in it; when it was packaged is' '
	grep -qa "Fri, 02 Jan 2026 03:04:05 +0000" "$kernel/vmlinux" &&
	! grep -qa "$(uname -n)" "$kernel/vmlinux" &&
	cp "$kernel/vmlinux" first && mkdir elsewhere &&
	LOCALVERSION=-mine CFLAGS=-DNO MAKEFLAGS=k TMPDIR=$T/elsewhere \
		banger kernel build -q --force --jobs 1 generic-6.12 &&
	same first "$kernel/vmlinux"'
# Each build has a directory of its own: what was compiled is found from there.
counted() { ccache --print-stats | awk -v s="$1" '$1 == s { print $2 }'; }
need ccache 'what ccache has of an earlier build is not compiled again' '
	ccache -z >/dev/null && PATH=$BUILD:/usr/bin:/bin &&
	banger kernel build -q --force generic-6.12 &&
	[ "$(counted cache_miss)" = 0 ] &&
	[ "$(counted direct_cache_hit)" = 1 ] && same first "$kernel/vmlinux"'
ok 'our patch is in it' '
	grep -qa lapic_timer_khz "$kernel/vmlinux"'
ok 'what no machine has is not unpacked' '
	grep -qa "saw=" "$kernel/vmlinux" &&
	! grep -qa huge.c "$kernel/vmlinux"'
ok 'what is there is not built again' '
	BANGER_DEBIAN_MIRROR=http://127.0.0.1:1/ \
		banger kernel build generic-6.12'
ok 'lines of one'\''s own are added, under a name of one'\''s own' '
	echo CONFIG_XFS_FS=y >mine && echo CONFIG_TUN=n >>mine &&
	banger kernel build --config mine mine &&
	grep -qx CONFIG_XFS_FS=y "$kernels/mine/config" &&
	! grep -q CONFIG_TUN "$kernels/mine/config" &&
	grep -qa huge.c "$kernels/mine/vmlinux"'
refused() {
	echo "$2" >bad &&
	says 1 "$1" banger kernel build -q --config bad bad &&
		[ ! -e "$kernels/bad" ] && nothing_left
}
ok 'an option that this kernel does not take is refused, by name' '
	refused "does not take CONFIG_LOST=y" CONFIG_LOST=y'
ok 'so are modules, which nobody would find' '
	refused "modules are switched on" CONFIG_MODULES=y'
ok 'when the compiler fails, its first error is said, and the log kept' '
	refused "a.c:1:2: error: it is raining" CONFIG_BROKEN=y &&
	grep -q raining "$log"'

stuck() {
	mkfifo here && echo CONFIG_STUCK=y >stuck || return
	FIFO=$T/here banger kernel build -q --config stuck stuck &
	_stuck=$!
	timeout 300 head -n 1 "$T/here" || return
	kill "-$1" "$_stuck"
	wait "$_stuck"
	exec 9>>"$kernels/.lock.stuck"
	timeout 300 bng-state lock 9 || return
	exec 9>&-
	rm here
}
ok 'SIGTERM half-way leaves nothing, neither files nor processes' '
	stuck TERM && nothing_left && ! pgrep -f "make.* -C $TMPDIR"'
ok 'of kill -9 what is left goes with the next build' '
	{ stuck KILL || :; } && banger gc &&
	banger kernel build -q --force generic-6.12 && nothing_left'

# docker's contrib/check-config.sh calls these "generally necessary".
docker='NAMESPACES NET_NS PID_NS IPC_NS UTS_NS CGROUPS CGROUP_CPUACCT
	CGROUP_DEVICE CGROUP_FREEZER CGROUP_SCHED CPUSETS MEMCG KEYS VETH BRIDGE
	BRIDGE_NETFILTER IP_NF_FILTER IP_NF_MANGLE IP_NF_TARGET_MASQUERADE
	IP6_NF_FILTER IP6_NF_MANGLE IP6_NF_TARGET_MASQUERADE
	NETFILTER_XT_MATCH_ADDRTYPE NETFILTER_XT_MATCH_CONNTRACK
	NETFILTER_XT_MATCH_IPVS NETFILTER_XT_MARK IP_NF_RAW IP_NF_NAT NF_NAT
	IP6_NF_RAW IP6_NF_NAT POSIX_MQUEUE CGROUP_BPF OVERLAY_FS EXT4_FS
	EXT4_FS_POSIX_ACL EXT4_FS_SECURITY SECCOMP SECCOMP_FILTER'
ok 'the configuration is lines of the form NAME=VALUE, none of them twice' '
	sed "/^#/d;/^$/d" "$config" >lines &&
	! grep -v "^CONFIG_[A-Z0-9_]*=\(y\|n\|[0-9]*\|\".*\"\)$" lines &&
	[ -z "$(sed "s/=.*//" lines | sort | uniq -d)" ]'
ok 'it asks for what Docker needs' '
	for i in $docker; do
		[ $i = NF_NAT ] || grep -x "CONFIG_$i=y" "$config" || exit
	done'


done_testing
