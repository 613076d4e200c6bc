#!/bin/sh
# A stranger adds a VMM as doc/vmm.md says, in a copy of the tree.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1
toy=$T/tree
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

copied() {
	mkdir -p "$toy/build" &&
		cp -a "$TOP/Makefile" "$TOP/applets" "$TOP/lib" "$TOP/sh" \
			"$TOP/guest" "$toy" && set +f &&
		cp -a "$BUILD"/[!s]* "$toy/build" && set -f
}
# 1. QEMU under another name, as a VMM of its own.
applet() {
	sed -e 's/bng-qemu/bng-toy/g' -e 's/qemu_main/toy_main/' \
		-e 's/APPLET(qemu/APPLET(toy/' \
		-e 's/^\(	*\)qemuvmm_init(&q, &s);/&\
\1static struct vmm toy;\
\1toy = *s.vmm;\
\1toy.name = "Toy";\
\1toy.key = "toy";\
\1s.vmm = \&toy;/' \
		-e 's/^	\(.*\)&qemusnap\(.*\)/\
	struct snapshot_vmm toysnap = qemusnap;\
	toysnap.name = "toy";\
	\1\&toysnap\2/' applets/bng-qemu.c >applets/bng-toy.c &&
		grep -q 'toy.key' applets/bng-toy.c
}
# 2. and 3. Rows.
rows() {
	sed -i 's/^	X("qemu", true)$/	X("toy", true) \\\
&/' lib/vmms.h &&
		sed -i 's/^	"$1" qemu bng-qemu .*/&\
	"$1" toy bng-toy nest,emulate/' sh/vmms &&
		grep -q toy lib/vmms.h && grep -q toy sh/vmms
}
spec() { sed -n 's/^spec: .* | //p' "$1"; }

ok 'it is an applet and two rows' '
	copied && cd "$toy" && applet && rows &&
	make -s ${SAN:+SAN=1} && [ -x build/bng-toy ]'
PATH=$toy/build:$PATH
ok 'a machine is made with it, which says so and works' '
	banger vm create --vmm toy --image tiny --vcpu 1 --memory 128M t \
		2>err && cat err && spec err | grep -E "^toy (kvm|tcg .*)$" &&
	[ "$(cat "$BANGER_STATE/vms/t/vmm")" = toy ] &&
	[ "$(banger vm exec t -- echo hello)" = hello ]'
ok 'its verbs are asked for by that name, and it has its network' '
	bng-toy status t | grep "^running" && banger vm list t | grep 10.0.2. &&
	banger vm snapshot t one && banger vm restore -f t one &&
	[ "$(cat "$BANGER_STATE/vms/t/vmm")" = toy ] &&
	banger vm stop t && fails 1 bng-toy status t && banger vm delete t'
ok 'a configuration may name it, and completion does' '
	echo "vmm = \"toy\"" >conf && BANGER_CONFIG=$T/conf \
		banger vm create --no-start --image tiny c 2>err &&
	spec err | grep "^toy " && banger vm delete c &&
	banger __complete vm create --vmm "" >out && cat out &&
	grep -q toy out'
ok 'auto takes it where what stands before it is not there' '
	banger vm create --no-start --image tiny a 2>err && cat err &&
	spec err | grep "^qemu " && printf "#!/bin/sh\nexit 1\n" >gone &&
	chmod +x gone && mv gone "$toy/build/bng-qemu" &&
	banger vm create --no-start --image tiny b 2>err && cat err &&
	spec err | grep "^toy "'
done_testing
