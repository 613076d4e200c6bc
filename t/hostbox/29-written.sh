#!/bin/sh
# What a restored guest writes first: noted once, copied before it from then on.
# shellcheck disable=SC2016 # awk's
. "${0%/*}/box.sh"

[ "$(bng-fc probe | cut -f 1,3)" = "ok	1.12.1" ] || exit 1
vm=$BANGER_STATE/vms/web
note=$vm/snapshots/s/written
at_end 'banger vm delete web >/dev/null'
in_vm() { banger vm exec web -- sh -c "$1"; }
# It is what it was: what is in its memory alone has the same sum.
same_guest() { in_vm "sha256sum /ram/f" | same sum -; }
# How much of its memory is not the snapshot's any more, in KiB.
own() {
	read -r pid _ <"$vm/pid" &&
		awk '/^[0-9a-f]+-/ { ram = /\/memory$/ }
		ram && $1 == "Anonymous:" { sum += $2 }
		END { print sum + 0 }' "/proc/$pid/smaps"
}

ok 'what it has written when its first command is over is noted' '
	banger vm run -q -d --image tiny --vcpu 1 --memory 128M --name web &&
	in_vm "mkdir /ram && mount -t tmpfs none /ram &&
		head -c 300000 /dev/urandom >/ram/f && sha256sum /ram/f" >sum &&
	banger vm snapshot -q web s && banger vm restore -q -f web s &&
	banger vm kill web && banger vm restore -q web s &&
	bng-agent wait web && bng-agent wait web && [ ! -e "$note" ] &&
	same_guest && bng-agent ping web &&
	size=$(stat -c %s "$note") && [ "$size" -gt 400 ] &&
	[ "$size" -le 32768 ]'
ok 'and never again' '
	cp "$note" first && banger vm restore -q -f web s && same_guest &&
	bng-agent ping web && cmp first "$note"'
ok 'the pages that a note names are its own before it writes to them' '
	banger vm restore -q -f web s && [ "$(own)" -lt 16384 ] &&
	perl -e "print pack q(V*), 16384..20479" >"$note" &&
	banger vm restore -q -f web s && [ "$(own)" -ge 16384 ] && same_guest'
ok 'nothing is kept open that was only for the way' '
	read -r sup _ <"$vm/supervisor" && ls -l "/proc/$sup/fd" >fds &&
	grep eventpoll fds && ! grep -E "inotify|snapshots/s/memory" fds'
ok 'one that runs is not ended for a snapshot that is not whole' '
	banger vm exec web -- sh -c "echo 1 >/ram/here" &&
	mv "$vm/snapshots/s/state" kept &&
	says 1 "'"'state' of its snapshot 's': No such"'" \
		banger vm restore -f web s && in_vm "cat /ram/here" &&
	head -c 3000 kept >"$vm/snapshots/s/state" &&
	says 1 "not as long" banger vm restore -f web s &&
	in_vm "cat /ram/here" && mv kept "$vm/snapshots/s/state"'
ok 'without an inotify it is restored, too' '
	{ perl -e "syscall 294, 0 for 1..200; open F, q(>), q(full); sleep 99" &
	} && hog=$! && until [ -e full ]; do :; done &&
	banger vm restore -q -f web s && same_guest && kill "$hog"'
ok 'a note of nonsense is none' '
	head -c 5001 /dev/urandom >"$note" && banger vm restore -q -f web s &&
	same_guest && head -c 99999 /dev/zero >"$note" &&
	banger vm restore -q -f web s && same_guest'
done_testing
