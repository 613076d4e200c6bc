#!/bin/sh
# A restore gives disks back as they were, or leaves them alone.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/small.sh"
small 200M

# a_machine NAME: one that never ran, and a snapshot of it.
vm=$BANGER_STATE/vms/a then=$T/small/then
a_machine() {
	banger vm create -q --no-start --image tiny --disk-size 256M \
		--name "$1" && bng-qemu snapshot "$vm" "$then"
}
written() { head -c "$3" /dev/urandom |
	dd of="$1" bs=1M seek="$2" conv=notrunc iflag=fullblock status=none; }
sums() {
	(cd "$vm" && cksum overlay.ext4 work.ext4)
	[ ! -e "$vm/restoring" ] || echo restoring
}
used() { df --output=used -k "$vm" | tail -n 1; }
back() { bng-qemu restore "$vm" "$then"; }
as_then() {
	for disk in overlay.ext4 work.ext4; do
		cmp "$vm/$disk" "$then/$disk" || return
	done
	[ ! -e "$vm/restoring" ] && [ -z "$(find "$vm" -name ".*")" ]
}
# refused TEXT: with nothing changed, and all room as it was.
refused() {
	sums >was && had=$(used) && says 111 "$1" back && sums >is &&
		same is was &&
		sync -f "$vm" && [ "$(used)" -le "$((had + 100))" ]
}

no_room="'work.ext4': No space left"
ok 'they are as they were, sizes and holes too' '
	a_machine a && had=$(used) && written "$vm/overlay.ext4" 40 5000000 &&
	truncate -s 300M "$vm/work.ext4" && written "$vm/work.ext4" 3 100 &&
	back && as_then && [ "$(used)" = "$had" ]'
ok 'without room for all of it nothing is changed, and no room is lost' '
	written "$then/overlay.ext4" 50 10000000 &&
	written "$then/work.ext4" 60 10000000 &&
	{ head -c "$(($(df --output=avail -k "$vm" | tail -n 1) * 1024 -
		14000000))" /dev/zero >small/full || :; } &&
	refused "$no_room" && rm small/full && back && as_then'
ok 'a disk that has another name is replaced, and that one keeps it' '
	ln "$vm/overlay.ext4" small/other && cp --sparse=always small/other \
		kept && rm "$vm/work.ext4" && ln -s "$T/absent" \
		"$vm/work.ext4" && written "$then/overlay.ext4" 7 5000 &&
	back && as_then && cmp small/other kept && [ ! -L "$vm/work.ext4" ]'
ok 'what the snapshot has not is missed before anything is done' '
	cp -r --sparse=always "$then" small/whole &&
	for odd in "rm" "rm X; mkfifo" "rm X; mkdir" "rm X; ln -s /dev/null"; do
		odd=$(printf "%s X" "$odd" |
			sed "s,X,$then/work.ext4,g") &&
		eval "$odd" && refused "of its snapshot" || exit 1
		rm -rf "$then" && cp -r --sparse=always small/whole "$then"
	done && mkfifo "$then/memory" &&
	refused "'"'memory' of its snapshot"'" && rm "$then/memory"'
ok 'what is not as long as it was is refused before, too' '
	grep "^overlay.ext4 268435456 work.ext4 268435456$" "$then/sizes" &&
	truncate -s 1M "$then/work.ext4" &&
	refused "'"'work.ext4' of its snapshot 'then': it is not as long"'" &&
	truncate -s 256M "$then/work.ext4" && : >"$then/memory" &&
	echo "overlay.ext4 268435456 work.ext4 268435456 memory 5 state 7" \
		>"$then/sizes" &&
	refused "'"'memory' of its snapshot 'then': it is not as long"'" &&
	echo here >"$then/memory" &&
	refused "'"'state' of its snapshot 'then': No such file"'" &&
	rm -rf "$then" && cp -r --sparse=always small/whole "$then"'
ok 'a place that was taken by one who was killed is given back by the next' '
	back && had=$(used) && fallocate -n -o 20M -l 30M "$vm/work.ext4" &&
	sync -f "$vm" && [ "$(used)" -gt "$((had + 20000))" ] && back &&
	as_then && sync -f "$vm" && [ "$(used)" -le "$((had + 100))" ]'
# How the four disks are, as `alike` says it; and time for that to be certain.
are() {
	cat /proc/sys/kernel/random/boot_id
	for _are in "$then/overlay.ext4" "$then/work.ext4" \
		"$vm/overlay.ext4" "$vm/work.ext4"; do
		printf "%x:%x:" "$(stat -c %Hd "$_are")" \
			"$(stat -c %Ld "$_are")" &&
			stat -c %i:%s:%.9Z "$_are"
	done
}
line() { are | paste -s -d " " -; }
later() { sleep 3; }
ok 'that they are as they were is noted when they have been so for a while' '
	written "$vm/overlay.ext4" 9 10 && back && [ ! -e "$vm/alike" ] &&
	later && back && line >is && same is "$vm/alike"'
ok 'and who finds it so later does not read them again' '
	written "$vm/overlay.ext4" 9 10 && later && line >"$vm/alike" &&
	back && ! cmp "$vm/overlay.ext4" "$then/overlay.ext4"'
ok 'but after a boot of the host, or a change, it counts no more' '
	sed "s/^[^ ]*/00000000-0000-0000-0000-000000000000/" "$vm/alike" >is &&
	cp is "$vm/alike" && back && as_then && later && back &&
	line >is && same is "$vm/alike" && written "$then/work.ext4" 9 10 &&
	back && as_then && written "$vm/work.ext4" 9 10 && later && back &&
	as_then && : >"$vm/alike" && back && as_then'
ok 'a snapshot that is needed yet is not deleted' '
	mkdir "$vm/snapshots" && cp -r --sparse=always "$then" \
		"$vm/snapshots/s" && cp -r --sparse=always "$then" \
		"$vm/snapshots/other" && echo "$vm/snapshots/s" \
		>"$vm/restoring" &&
	says 1 "interrupted" banger vm snapshot --delete a other s &&
	says 125 "try: banger vm restore a s" banger vm exec a -- true &&
	says 1 "try: banger vm restore a s" banger vm start a &&
	: >"$vm/restoring" && says 1 "from any" banger vm start a &&
	says 1 "interrupted" banger vm snapshot --delete a other &&
	echo "$vm/snapshots/s" >"$vm/restoring" &&
	banger vm list | grep "^a *error" && bng-qemu status a | grep ^error &&
	banger vm show a | grep "^restoring  *.*/s$" &&
	banger vm snapshot --delete a other && banger vm restore -q a s &&
	banger vm snapshot --delete a s && rmdir "$vm/snapshots"'
ok 'disks that are as they were, and a value that is not' '
	back && banger vm set a memory=512M && back && as_then &&
	[ "$(cat "$vm/memory_mib")" = "$(cat "$then/memory_mib")" ] &&
	[ ! -e "$vm/restoring" ]'
ok 'what cannot be a disk is named, and nothing has changed' '
	mv "$vm/work.ext4" kept && mkdir "$vm/work.ext4" &&
	refused "'"'work.ext4': Is a directory"'" &&
	[ ! -e "$vm/restoring" ] && rmdir "$vm/work.ext4" &&
	mv kept "$vm/work.ext4" && mv "$then/created" kept &&
	mkfifo "$then/created" &&
	refused "'"'created' of its snapshot 'then': it is no file"'" &&
	rm "$then/created" && mv kept "$then/created"'
ok 'who has half of one is told what to type, whatever they ask for' '
	echo half >"$vm/restoring" && for verb in stop kill start; do
		says 1 "interrupted" banger vm $verb a &&
			grep -qx "try: banger vm restore a" .err || exit 1
	done && rm "$vm/restoring"'
ok 'why it did not start is the past then' '
	echo half >"$vm/restoring" &&
	says 1 "was interrupted" banger vm start a &&
	banger vm list | grep "^a *error" && back &&
	banger vm list | grep "^a *created"'

# One whose blocks are shared.
xfs() {
	mkdir "$T/xfs" && truncate -s 400M xfs.img &&
		mkfs.xfs -q -m reflink=1 xfs.img &&
		mount -o loop xfs.img "$T/xfs" || return
	at_end 'umount -l "$T/xfs"'
	export BANGER_STATE="$T/xfs/state" && banger vm list >list
}
xfs || {
	ok 'a file system that shares blocks is made' false
	done_testing
}
vm=$BANGER_STATE/vms/b then=$T/xfs/then
ok 'blocks are shared where they can be, and sizes are as they were' '
	a_machine b &&
	written "$then/overlay.ext4" 90 40000000 && had=$(used) &&
	truncate -s 300M "$vm/overlay.ext4" && back && as_then &&
	[ "$(used)" -lt "$((had + 20000))" ]'
mv "$then" "$T/small/elsewhere"
then=$T/small/elsewhere
ok 'where an old block is not written again, room is found before, too' '
	written "$then/work.ext4" 10 30000000 &&
	written "$vm/work.ext4" 10 30000000 &&
	cp --reflink=always "$vm/work.ext4" xfs/shared &&
	{ head -c "$(($(df --output=avail -k "$vm" | tail -n 1) * 1024 -
		15000000))" /dev/zero >xfs/full || :; } &&
	refused "No space left" && rm xfs/full && back && as_then'
done_testing
