#!/bin/sh
# restart, set, prune; show and delete of images and kernels: without a guest.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"

vms=$BANGER_STATE/vms
create() { banger vm create -q --image fake "$@"; }
state() { bng-state get "$1" state; }
get() { bng-state get "$1" "$2"; }
# Real disks, small ones, for a machine that is a fake.
disks() {
	rm "$vms/$1/overlay.ext4" "$vms/$1/work.ext4" &&
		"$BUILD/bng-disk" format -s 64M "$vms/$1/overlay.ext4" \
			"$vms/$1/work.ext4"
}

ok 'restart ends a machine and starts it, whatever it did before' '
	create a >/dev/null && create --no-start b &&
	read -r was <"$vms/a/pid" &&
	banger vm restart a b >out 2>err && [ "$(cat out)" = "a
b" ] && read -r now <"$vms/a/pid" && [ "$was" != "$now" ] &&
	[ "$(state a) $(state b)" = "running running" ]'
ok 'a restart that fails says so, and the others go on' '
	echo "cannot start '\''a'\'': out of luck" >fail.start &&
	says 1 "cannot start machine '\''a'\'': out of luck" \
		banger vm restart a && [ "$(state a)" != running ] &&
	rm fail.start && banger vm restart -q b >out && [ "$(cat out)" = b ]'

ok 'set changes what it is told, in either form' '
	banger vm stop -q b >/dev/null && disks a &&
	[ "$(banger vm set a --vcpu 3 memory=300M --no-nat)" = a ] &&
	[ "$(get a vcpu) $(get a memory_mib) $(get a nat)" = "3 300 no" ] &&
	banger vm set a nat=yes && [ "$(get a nat) $(get a vcpu)" = "yes 3" ]'
ok 'disks grow, their file system with them' '
	banger vm set -q a disk-size=96M &&
	[ "$(get a disk_bytes)" = 100663296 ] &&
	for disk in overlay work; do
		[ "$(stat -c %s "$vms/a/$disk.ext4")" = 100663296 ] &&
		e2fsck -fn "$vms/a/$disk.ext4" && dumpe2fs -h \
			"$vms/a/$disk.ext4" | grep -q "Block count: *24576" ||
			exit 1
	done'
ok 'disks do not shrink, and then nothing else is changed' '
	says 1 "cannot shrink the disks of machine '\''a'\'': they have 96" \
		banger vm set a disk-size=64M vcpu=7 && [ "$(get a vcpu)" = 3 ]'
ok 'what is no key, no value, given twice or not given is refused' '
	for bad in "vcpu=" "vcpu=0" "vcpu=x" "memory=1" "frob=3" "nat=maybe" \
		"disk-size=1T1" "--vcpu 2 vcpu=3" "--nat nat=no" \
		"--nat --no-nat" "vcpu"; do
		says 2 "banger: " banger vm set a $bad &&
			[ "$(wc -l <.err)" = 2 ] || { echo "$bad"; exit 1; }
	done && says 2 "nothing is given" banger vm set a &&
	[ "$(get a vcpu)" = 3 ]'
ok 'a machine that runs is not changed, and is named the way out' '
	banger vm start -q a >/dev/null &&
	says 1 "it is running" banger vm set a vcpu=1 &&
	grep -qx "try: banger vm stop a" .err && [ "$(get a vcpu)" = 3 ] &&
	banger vm stop -q a'
need ROOT 'a state that only is not writable is not called missing' '
	make -s -C "$TOP" install PREFIX="$T/us" &&
	chmod 755 "$T" && mkdir -p shut/images/fake && cp -R \
		"$BANGER_STATE/images" "$BANGER_STATE/kernels" shut &&
	chown -R 65534 shut && chmod 500 shut &&
	says 1 "cannot write to '\''$T/shut'\'': Permission denied" \
		env BANGER_STATE=$T/shut PATH=$T/us/bin:$PATH \
		setpriv --reuid=65534 --clear-groups banger vm create \
		--image fake x &&
	[ "$(tail -n 1 .err)" = "try: another BANGER_STATE" ]'
# It says that it has begun, and waits to be told to go on.
cat >"$T/fake/bng-disk.slow" <<'END'
#!/bin/sh
echo >"$T/hung"
read -r _ <"$T/go"
exec "$BUILD/bng-disk" "$@"
END
ok 'while it is being changed nobody starts or deletes it' '
	mkfifo go && mv fake/bng-disk fake/bng-disk.was &&
	mv fake/bng-disk.slow fake/bng-disk && chmod +x fake/bng-disk &&
	{ banger vm set -q a vcpu=4 disk-size=96M >out 2>&1 & } && set=$! &&
	read -r _ <hung &&
	exec 9<>"$vms/a/lock" && fails 1 bng-state lock -n 9 &&
	exec 9<>"$vms/a/run.lock" && fails 1 bng-state lock -n 9 &&
	[ "$(get a vcpu)" = 3 ] && mv fake/bng-disk.was fake/bng-disk &&
	echo >go && wait $set && [ "$(get a vcpu)" = 4 ]'
ok 'one whose disks cannot grow stays what it was' '
	printf x | dd of="$vms/a/work.ext4" bs=1 seek=1080 conv=notrunc &&
	says 1 "cannot grow the disks of machine '\''a'\''" \
		banger vm set -q a disk-size=128M vcpu=8 &&
	[ "$(get a vcpu) $(get a disk_bytes)" = "4 100663296" ]'

ok 'prune without a terminal wants to be told' '
	banger vm start -q b && says 1 "no terminal" banger vm prune &&
	grep -q "banger vm prune -f" .err && [ -d "$vms/a" ]'
ok 'at a terminal it shows them and asks; anything but yes keeps them' '
	echo n >no && fails 1 script -qec "banger vm prune" /dev/null \
		<no >out 2>&1 && cat out && grep -q "a (stopped, fake)" out &&
	! grep -q "b (" out && grep -q "nothing was deleted" out &&
	[ -d "$vms/a" ]'
ok 'yes deletes them' '
	create --no-start c && { echo y; } |
		script -qec "banger vm prune" /dev/null >out 2>&1 && cat out &&
	[ "$(banger list -q)" = b ]'
ok 'prune -f deletes all that do not run, and names them' '
	create --no-start c && create --no-start d &&
	[ "$(banger vm prune -f)" = "c
d" ] && [ "$(banger list -q)" = b ] && [ "$(state b)" = running ] &&
	banger vm prune -f 2>err && grep -qx "every machine runs" err'
ok 'a machine that somebody is making or owns is left to him' '
	create --no-start c && bng-state set c owner="$$ $(
		sed "s/.*) //" /proc/$$/stat | cut -d" " -f20)" &&
	[ -z "$(banger vm prune -f)" ] && [ -d "$vms/c" ] &&
	bng-state set c owner= && banger vm delete c'

ok 'an image and a kernel are shown, with who refers to them' '
	banger image show fake >out && grep -qx "machines     b" out &&
	grep -qx "kernel       fake" out &&
	[ "$(banger image show --json fake | jq -r ".machines[]")" = b ] &&
	banger kernel show fake >out && grep -qx "images       fake" out &&
	banger kernel show --json fake | jq -e \
		".images == [\"fake\"] and .machines == [\"b\"]"'
ok 'what is in use is not deleted: who uses it is named' '
	says 1 "cannot delete image '\''fake'\'': in use by machine b" \
		banger image delete fake &&
	grep -qx "try: banger vm delete b" .err &&
	says 1 "in use by image fake, machine b" banger kernel rm fake &&
	[ -d "$BANGER_STATE/images/fake" ] &&
	[ -d "$BANGER_STATE/kernels/fake" ]'
ok 'nor where the state directory has another path, or had' '
	ln -s "$BANGER_STATE" other &&
	says 1 "in use by machine b" env BANGER_STATE="$T/other" \
		banger image delete fake &&
	for own in image kernel; do
		echo "$T/other/${own}s/fake" >"$vms/b/${own}_dir" || exit
	done && says 1 "in use by machine b" banger image delete fake &&
	rm other && says 1 "in use by machine b" banger image delete fake &&
	says 1 "machine b" banger kernel rm fake &&
	echo images/fake >"$vms/b/image_dir" &&
	echo kernels/fake >"$vms/b/kernel_dir"'
ok 'a machine that is being made refers to its image, too' '
	banger vm delete b && made=$(bng-state new -m $$ -n made fake) &&
	says 1 "in use by machine made" banger image delete fake &&
	rm -r "$made" && [ "$(ls -A "$BANGER_STATE/images")" = fake ]'
ok 'what is shared is not ours to delete' '
	mkdir -p shared && cp -a "$BANGER_STATE/images/fake" shared/theirs &&
	says 1 "it is shared: $T/shared/theirs" env \
		BANGER_IMAGE_PATH="$T/shared" banger image delete theirs &&
	[ -d shared/theirs ]'
ok 'a kernel is in use by the image that boots it alone' '
	says 1 "in use by image fake" banger kernel rm fake &&
	grep -qx "try: banger image delete fake" .err'
ok 'or by several: the hint is one that can be typed' '
	cp -a "$BANGER_STATE/images/fake" "$BANGER_STATE/images/second" &&
	says 1 "in use by image fake, image second" banger kernel rm fake &&
	grep -qx "try: banger image delete fake, and so each of the others" \
		.err && rm -r "$BANGER_STATE/images/second"'
ok 'what nothing refers to goes, and leaves nothing' '
	[ "$(banger image delete fake)" = fake ] &&
	[ "$(banger kernel rm fake)" = fake ] &&
	[ -z "$(ls -A "$BANGER_STATE/images" "$BANGER_STATE/kernels" |
		grep -v :)" ] &&
	says 1 "there is no image '\''fake'\''" banger image delete fake &&
	says 1 "there is no kernel '\''fake'\''" banger kernel show fake &&
	says 1 "cannot use '\''../x'\''" banger image show ../x'

done_testing
