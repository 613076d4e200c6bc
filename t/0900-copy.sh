#!/bin/sh
# vm cp: trees into a machine and out of it, and what a hostile one sends
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
agentd_start web -m || exit
# The front end finds that machine; its files are this host's.
BANGER_STATE=$T
g=$T/guest
mkdir "$g"
cp_() { banger vm cp "$@"; }
list() {
	(cd "$1" && find . -printf '%p|%y|%m|%U:%G|%s|%l|%n|%T@\n' | sort)
}

long=a-name-of-thirty-characters-ok
long=$long$long$long$long$long
mkdir -p src/a/b src/empty "src/$long/$long" 'src/sp ace'
(
	cd src || exit
	echo one >a/one
	ln a/one a/hard
	ln -s ../x a/relative
	ln -s /nowhere absolute
	: >'new
line'
	echo x >-dash
	echo y >'q"u'\''o te é☃'
	printf 'z' >"$(printf 'bytes\377\376')"
	echo deep >"$long/$long/file"
	mkfifo fifo
	head -c 3000000 /dev/urandom >big
	truncate -s 3G holes
	printf middle | dd of=holes bs=1 seek=1G conv=notrunc
	chmod 4755 a/one
	chmod 1777 a/b
	chmod 555 'sp ace'
	touch -d '2001-02-03 04:05:06.123456789' a/one a/b big .
) 2>/dev/null || exit
at_end 'chmod -R u+w "$T"'

ok 'a tree arrives whole: modes, times, links, odd names' '
	cp_ src "web:$g" && list src >want && list "$g/src" >out &&
	same want out && cmp src/big "$g/src/big"'
ok 'and comes back the same, but for set-id bits' '
	cp_ "web:$g/src" back && list src | sed "s/|4755|/|755|/" >want &&
	list back >out && same want out && cmp src/big back/big'
ok 'holes stay holes, both ways' '
	cmp -n 2G src/holes back/holes &&
	[ "$(stat -c %b back/holes)" -lt 1000 ] &&
	[ "$(stat -c %b "$g/src/holes")" -lt 1000 ]'
ok 'a hole at the end, one at the start, a file of nothing else' '
	mkdir h && truncate -s 100M h/all h/end h/start &&
	printf a | dd of=h/end conv=notrunc 2>/dev/null &&
	printf z | dd of=h/start bs=1 seek=104857599 conv=notrunc 2>dd &&
	cp_ h "web:$g" && cp_ "web:$g/h" h2 &&
	for f in all end start; do cmp h/$f h2/$f || exit 1; done &&
	[ "$(stat -c %s h2/all)" = 104857600 ]'
ok 'GNU tar reads what comes out, holes included, and is read' '
	cp_ "web:$g/src" - >t.tar && mkdir u && tar -C u -xpf t.tar &&
	list src >want && list u >out && same want out &&
	[ "$(stat -c %b u/holes)" -lt 1000 ] &&
	tar -C src -cSf - --format=posix . | cp_ - "web:$g/gnu" &&
	list "$g/gnu" | cut -d"|" -f1-5 >out && cut -d"|" -f1-5 want >want2 &&
	same want2 out'

# What cp -a itself does in each of these places is what is wanted.
places() {
	mkdir p p/dir p/dir/one p/full && echo old >p/file &&
		echo old >p/full/one && ln -s dir p/link
}
# both SOURCE TARGET: with cp -a in p1, with ours in p2; the same comes out.
both() {
	rm -rf p p1 p2
	places && mv p p1 && places && mv p p2 || return
	(cd p1 && cp -a "../src/$1" "$2")
	_both=$?
	(cd p2 && if [ "$how" = to ]; then
		cp_ "../src/$1" "web:$T/p2/$2"
	else
		cp_ "web:$T/src/$1" "$2"
	fi)
	[ $? = 0 ] && [ $_both = 0 ] || [ $_both != 0 ] || return
	(cd p1 && find . | sort) >want
	(cd p2 && find . | sort) >out
	same want out
}
for how in to from; do
	ok "files and trees go where cp -a puts them ($how)" '
		both a/one file && both a/one new && both a/one dir/two &&
		both a/one full && both a/one link && both a/one dir/ &&
		both a/one nowhere/ && both a/one nowhere/x &&
		both a new && both a new/ && both a full && both a/ full &&
		both a/. full && both a/. new && both a link &&
		both a file && both a nowhere/x && both a/relative new'
done
ok 'a path without a slash is below /root, ~ is too' '
	says 1 "/root/no/such/dir" cp_ src "web:no/such/dir" &&
	says 1 "/root/no/such" cp_ "web:~/no/such" x'
# Whoever still runs for the copy has the lock.
ok 'who reads the tree has gone when it cannot be copied' '
	head -c 3000000 /dev/zero >big &&
	(exec 9>held && bng-state lock 9 &&
		says 1 "no directory" cp_ big web:no/such/dir) &&
	exec 9>>held && timeout 20 bng-state lock 9'
ok 'it says in one line what cannot be, and copies nothing' '
	says 2 "neither" cp_ a b && says 2 "both in machines" cp_ a:b c:d &&
	says 1 "there is no machine" cp_ src nobody:/x &&
	says 1 "there is no machine" cp_ nobody:/x y &&
	says 1 "No such file" cp_ nosuch web:/tmp &&
	says 1 "No such file" cp_ "web:$g/nosuch" y && [ ! -e y ] &&
	says 2 "is not a size" cp_ --limit x "web:$g" y && [ ! -e y ]'
ok 'a name with a colon is of this host when a slash is before it' '
	echo x >a:b && cp_ ./a:b "web:$g/colon" && cmp a:b "$g/colon"'
need ROOT 'owners are kept where we are root' '
	mkdir own && echo x >own/f && chown 1234:5678 own/f &&
	cp_ own "web:$g" && cp_ "web:$g/own" own2 &&
	[ "$(stat -c %u:%g own2/f)" = 1234:5678 ]'
need ROOT 'a user'\''s own files are root'\''s inside, and theirs outside' '
	mkdir -m 777 mine && echo x >mine/f && chown -R 4321:4321 mine &&
	chmod 755 "$T" && chmod 777 "$T/vms/web/agent.sock" &&
	as() { setpriv --reuid 4321 --regid 4321 --clear-groups "$@"; } &&
	as bng-copy to "$vm" mine "$g/theirs" &&
	[ "$(stat -c %u:%g "$g/theirs/f")" = 0:0 ] &&
	as bng-copy from "$vm" "$g/theirs" mine/back &&
	[ "$(stat -c %u:%g mine/back/f)" = 4321:4321 ]'
ok 'what cannot be read is said, the rest is copied, the status is 1' '
	mkdir -p part && echo x >part/x && ln -s "$T/loop" loop &&
	i=0 && d=part && while [ $i -lt 140 ]; do
		d=$d/d; i=$((i + 1)); done && mkdir -p "$d" &&
	fails 1 cp_ part "web:$g" 2>err && grep -q "cannot read" err &&
	[ -f "$g/part/x" ]'
ok 'a target that is there keeps its mode' '
	mkdir -m 700 keep && chmod 777 src/a && cp_ "web:$T/src/a/." keep &&
	[ "$(stat -c %a keep)" = 700 ] && [ -f keep/one ]'

# A machine that sends what it likes: the content of a file.
LIAR=$T/evil.tar
export LIAR
AGENT=$BUILD/t/liar
agentd_start liar || exit
evil() { tar -cPf evil.tar "$@"; }
# refused TEXT: what comes is refused so, and outside there is nothing.
mkdir -p outside e && echo evil >e/f
refused() {
	rm -rf jail && mkdir jail && ln -s "$T/outside" jail/way &&
		echo good >jail/good &&
		says 1 "$1" cp_ liar:/x/. jail &&
		[ -z "$(ls -A outside)" ] && [ ! -e "$T/escaped" ]
}
ok 'a name that climbs out is refused' '
	evil --transform "s|.*/f|./../escaped|" e e/f &&
	refused "lead out" &&
	evil --transform "s|.*/f|a/../../escaped|" e e/f &&
	refused "lead out"'
ok 'an absolute one too' '
	evil --transform "s|.*/f|$T/escaped|" e e/f && refused "lead out"'
ok 'nothing is written through a link, of the stream or from before' '
	evil --transform "s|.*/f|way/f|" e e/f && refused "lead out" &&
	ln -s "$T/outside" e/out &&
	evil --transform "s|.*/out|out|S" e/out &&
	tar -rf evil.tar --transform "s|.*/f|out/f|" e/f &&
	refused "lead out" &&
	ln -sfn ../outside e/out &&
	evil --transform "s|.*/out|out|S" e/out &&
	tar -rf evil.tar --transform "s|.*/f|out/f|" e/f &&
	refused "lead out"'
ok 'nor is a hard link made to what is outside' '
	ln e/f e/g && evil --transform "flags=h;s|e/[fg]|../secret|" e/f e/g &&
	echo s >secret && refused "lead out"'
ok 'a link in the place of a file is replaced, what it names is not' '
	ln -s "$T/secret" jail/file && evil --transform "s|.*/f|./file|" e/f &&
	rm -rf jail/way && cp_ liar:/x/file jail && [ ! -L jail/file ] &&
	echo s | cmp - secret'
ok 'one file is one file: a second is refused, and has no other name' '
	evil --transform "s|e/f|good|;s|e/g|good2|" e/f e/g &&
	rm -rf one && mkdir one && fails 1 cp_ liar:/x/name one 2>err &&
	[ "$(ls -A one)" = name ]'
need ROOT 'devices are refused, set-id bits are left out' '
	mknod e/null c 1 3 && evil e/null && says 1 "it is a device" \
		cp_ liar:/x/null one && [ ! -e one/null ] &&
	cp e/f suid && chmod 6755 suid && evil suid &&
	cp_ liar:/suid one && [ "$(stat -c %a one/suid)" = 755 ]'
ok 'more than a machine can hold is refused, as is more than --limit' '
	head -c 3000000 /dev/zero >zeros && evil zeros &&
	says 1 "more than a machine" cp_ --limit 2M liar:/zeros one &&
	[ ! -e one/zeros ] &&
	for less in 2 2929K 2929KiB 2MB 2MiB; do
		says 1 "more than a machine" cp_ --limit $less liar:/zeros \
			one && [ ! -e one/zeros ] || exit 1
	done &&
	for more in 4M 2930K 2930KB 3 1G 2TiB; do
		cp_ --limit $more liar:/zeros one && rm one/zeros || exit 1
	done && cp_ --limit 4M liar:/zeros one'
ok 'a file that is cut short leaves what was there' '
	echo good >one/zeros && head -c 2000000 evil.tar >cut &&
	cp cut evil.tar && says 1 "cut short" cp_ liar:/zeros one &&
	[ "$(ls -A one)" = "$(printf "name\nsuid\nzeros")" ] &&
	echo good | cmp - one/zeros'
ok 'noise, an empty stream and a lie about a sparse file are refused' '
	head -c 5000 src/big >evil.tar &&
	says 1 "malformed" cp_ liar:/x one && : >evil.tar &&
	says 1 "cut short" cp_ liar:/x one &&
	tar -C h -cSf evil.tar --format=posix end &&
	sed -i "s/realsize=104857600/realsize=000000001/" evil.tar &&
	says 1 "map is malformed" cp_ liar:/end one'
ok 'what a machine says reaches no terminal as it is' '
	printf "a\033]0;x\007b\n" >said && LIAR_ERR=$T/said &&
	: >evil.tar && fails 1 cp_ liar:/x one 2>err &&
	! grep -q "$(printf "\033")" err'
done_testing
