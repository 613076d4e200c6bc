#!/bin/sh
# kernel pull: the distribution's package becomes vmlinux, modules and initrd
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
. "$TOP/t/repo.sh"
store || exit 1
real=$BANGER_KERNEL_PATH/debian
unset BANGER_KERNEL_PATH

# A front end whose agent we may replace.
TMPDIR=$T/tmp PATH=$T/front:$PATH
export TMPDIR PATH
mkdir "$TMPDIR" "$T/front"
cp "$BUILD/agent" "$T/agent"
printf 'the first one' >>"$T/agent"
sed -e "s|@BIN@|$BUILD|" -e "s|@SHARE@|$TOP|" -e "s|@AGENT@|$T/agent|" \
	"$TOP/sh/banger" >"$T/front/banger"
chmod 755 "$T/front/banger"

# poke FILE OFFSET BYTE...
poke() {
	_poke_file=$1 _poke_at=$2
	shift 2
	printf "$(printf '\\%03o' "$@")" |
		dd of="$_poke_file" bs=1 seek="$_poke_at" conv=notrunc \
			2>/dev/null
}

# bzimage ELF TO: what the kernel's build makes of it, as far as it is read:
# one sector, whose end is the setup header, a setup sector, the payload.
bzimage() {
	gzip -c "$1" >"$T/payload"
	truncate -s 1024 "$2"
	cat "$T/payload" >>"$2"
	set -- "$2" "$(stat -c %s "$T/payload")"
	poke "$1" 497 1				# setup sectors
	poke "$1" 510 85 170
	poke "$1" 514 72 100 114 83		# "HdrS"
	poke "$1" 518 15 2			# version 2.15
	poke "$1" 584 0 0 0 0 $(($2 & 255)) $(($2 >> 8 & 255)) $(($2 >> 16)) 0
}

# The package: a small ELF in a bzImage, and a real kernel's modules.
version=9.9.9-test-amd64
pkg=$T/linux
mkdir -p "$pkg/boot" "$pkg/lib/modules"
bzimage /bin/true "$pkg/boot/vmlinuz-$version"
cp -r "$real/early" "$pkg/lib/modules/$version"
rm "$pkg/lib/modules/$version/modules.dep"
repo_add "linux-image-$version" "$pkg"
mkdir "$T/meta"
repo_add linux-image-cloud-amd64 "$T/meta" \
	"Depends: linux-image-$version (= 1)"
repo_done

kernels=$BANGER_STATE/kernels
kernel=$kernels/debian
nothing_left() {
	ls -A "$kernels" "$TMPDIR"
	[ -z "$(ls -A "$TMPDIR")" ] &&
		[ -z "$(find "$kernels" -name '.[nd]*')" ]
}
ok 'no name is a usage error' 'says 2 "is required" banger kernel pull'
ok 'neither is a path a name' 'says 1 "cannot use" banger kernel pull a/b'
ok 'an unknown kernel is refused, and the known ones are named' '
	says 1 "cannot find a kernel" banger kernel pull nonesuch &&
	grep -q "made: debian" "$T/.err"'
ok 'an unreachable mirror is one line, and nothing stays' '
	BANGER_DEBIAN_MIRROR=http://127.0.0.1:1/ \
		says 1 "cannot get the kernel" banger kernel pull -q debian &&
	grep -q 127.0.0.1 "$T/.err" && nothing_left'
ok 'a mirror without that package is one line, too' '
	mkdir -p "$T/empty/dists/bookworm/main/binary-amd64" &&
	: >"$T/empty/dists/bookworm/main/binary-amd64/Packages" &&
	BANGER_DEBIAN_MIRROR="deb [trusted=yes] copy://$T/empty bookworm main" \
		says 1 "cannot get the kernel" banger kernel pull -q debian &&
	nothing_left'
ok 'an archive that does not match its list is refused' '
	cp "$repo/pool/linux-image-$version.deb" "$T/keep" &&
	printf x >>"$repo/pool/linux-image-$version.deb" &&
	says 1 "cannot get the kernel" banger kernel pull -q debian &&
	mv "$T/keep" "$repo/pool/linux-image-$version.deb" &&
	nothing_left'

ok 'the package becomes a kernel' '
	banger kernel pull debian &&
	bng-store field "$kernel/manifest.json" version | grep -x "$version" &&
	bng-store field "$kernel/manifest.json" machine | grep -x q35 &&
	bng-store field "$kernel/manifest.json" cmdline |
		grep "net.ifnames=0 .* lsm=landlock,yama,bpf " &&
	nothing_left'
ok 'vmlinux is the ELF file that was packed' 'same /bin/true "$kernel/vmlinux"'
ok 'modules.ext4 has the modules, and the index that modprobe needs' '
	e2fsck -fn "$kernel/modules.ext4" &&
	bng-disk list "$kernel/modules.ext4" >"$T/list" &&
	grep "$version/modules.dep" "$T/list" &&
	grep "virtio_blk.ko" "$T/list" &&
	bng-disk get "$kernel/modules.ext4" "/$version/modules.dep" |
		grep -q "^kernel/drivers/block/virtio_blk.ko:"'
ok 'initrd has the agent, and the modules that it needs first' '
	grep -q "the first one" "$kernel/initrd" &&
	grep -q "virtio_pci.ko" "$kernel/initrd" &&
	grep -q "virtio_ring.ko" "$kernel/initrd"'
ok 'what is there is not made again' '
	BANGER_DEBIAN_MIRROR=http://127.0.0.1:1/ banger kernel pull debian'
ok 'the initrd stays as long as the agent does' '
	touch -d 2001-01-01 "$kernel/initrd" &&
	banger kernel pull debian &&
	test "$(stat -c %Y "$kernel/initrd")" -lt 1000000000'
ok 'another agent makes another initrd, and nothing else' '
	touch -d 2001-01-01 "$kernel/vmlinux" &&
	printf "another one" >>"$T/agent" &&
	banger kernel pull debian &&
	grep -q "another one" "$kernel/initrd" &&
	test "$(stat -c %Y "$kernel/vmlinux")" -lt 1000000000'
ok '--force makes it again, and what had it open keeps it' '
	exec 5<"$kernel/vmlinux" &&
	banger kernel pull --force debian &&
	test "$(stat -c %Y "$kernel/vmlinux")" -gt 1000000000 &&
	cmp /dev/fd/5 /bin/true &&
	nothing_left'
ok 'listed, as a table and as JSON' '
	banger kernel list | grep "^debian .*$version" &&
	banger kernel list --json | grep "\"version\":\"$version\""'

two_at_once() {
	rm -rf "$kernel"
	banger kernel pull debian >"$T/one" 2>&1 &
	_one=$!
	banger kernel pull debian >"$T/two" 2>&1
	_two=$?
	wait "$_one" && [ "$_two" = 0 ] || return
	cat "$T/one" "$T/two"
	[ "$(cat "$T/one" "$T/two" | grep -c 'made in')" = 1 ]
}
ok 'two at once make it once' 'two_at_once && nothing_left'

# Half-way: instead of depmod, something that waits.
stuck() {
	set +f
	mkdir "$T/stuck"
	mkfifo "$T/here"
	printf '#!/bin/sh\necho here >%s\nexec sleep 1000\n' "$T/here" \
		>"$T/stuck/depmod"
	chmod 755 "$T/stuck/depmod"
	PATH=$T/stuck:$PATH banger kernel pull --force debian &
	_pull=$!
	timeout 300 head -n 1 "$T/here" || return
	kill "-$1" "$_pull"
	wait "$_pull"
	exec 9>>"$kernels/.lock.debian"
	bng-state lock 9
	exec 9>&-
	rm -r "$T/stuck" "$T/here"
	set -f
}
ok 'SIGTERM half-way leaves what was there, and nothing else' '
	stuck TERM && nothing_left && same /bin/true "$kernel/vmlinux"'
ok 'so does kill -9' '
	stuck KILL && nothing_left && same /bin/true "$kernel/vmlinux"'
done_testing
