#!/bin/sh
# trees into a machine and out of it
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
agentd_start copy -m || exit

nl='
'
# What a tree is, one line an entry.
list() {
	(cd "$1" && find . -printf '%p|%y|%m|%U:%G|%s|%l|%n|%T@\n' | sort)
}

long=a-name-of-thirty-characters-ok
long=$long$long$long$long$long
mkdir -p "src/a/b/c" "src/sp ace" "src/$long/$long"
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
	echo deep >"$long/$long/file"
	ln -s "$long/$long/file" far
	mkfifo fifo
	head -c 3000000 /dev/urandom >big
	chmod 4755 a/one
	chmod 1777 a/b
	chmod 555 'sp ace'
	touch -d '2001-02-03 04:05:06.123456789' a/one a/b big
	touch -d '1960-01-01 00:00:00.5' -- -dash
) || exit
at_end 'chmod -R u+w "$T"'

ok 'put makes the tree that tar wrote: modes, owners, times, links, names' '
	tar -C src --format=pax -cf - . | bng-agent put "$vm" "$T/put" &&
	list src >want && list put >out && same want out &&
	cmp src/big put/big'
ok 'GNU'\''s own format too, long names included' '
	tar -C src --format=gnu -cf - . | bng-agent put "$vm" "$T/gnu" &&
	list src | sed "s/[.][0-9]*$//" >want &&
	list gnu | sed "s/[.][0-9]*$//" >out && same want out'
ok 'get writes what tar extracts to the same tree' '
	bng-agent get "$vm" "$T/src" >get.tar && mkdir got &&
	tar -C got -xpf get.tar && list src >want && list got >out &&
	same want out && cmp src/big got/big'
# Which of a file's names is the link is the directory's to say.
members() {
	tar -tvf "$1" | sed 's/^h/-/; s/ link to .*//' |
		awk '{ $3 = ""; print }' | sort
	tar -tvf "$1" | grep -c ' link to '
}
ok 'get of put of get is the same archive' '
	bng-agent put "$vm" "$T/again" <get.tar &&
	bng-agent get "$vm" "$T/again" >again.tar &&
	members get.tar >want && members again.tar >out &&
	same want out'
ok 'pack and put keep times to the nanosecond, without a header for each' '
	(cd src && find . -type f -printf "%P\\0" -o -type l -printf "%P\\0") \
		>names && bng-copy pack src <names >brief.tar &&
	bng-agent put "$vm" "$T/brief" <brief.tar &&
	(cd src && xargs -0 stat -c "%n|%A|%s|%y|%N" -- <../names) >want &&
	(cd brief && xargs -0 stat -c "%n|%A|%s|%y|%N" -- <../names) >out &&
	same want out && cmp src/big brief/big &&
	[ "$(stat -c %h brief/a/one)" = 1 ] &&
	printf "a/one\\0big\\0" | bng-copy pack src >brief.tar &&
	[ "$(grep -ac "mtime=" brief.tar)" = 0 ] &&
	[ "$(tar -tf brief.tar)" = "a/one${nl}big" ]'
ok 'pack of what is not there: 1, and its name; the rest is in it' '
	printf "nope\\0big" >names &&
	says 1 "'\''nope'\'': No such file" \
		sh -c "bng-copy pack src <names >brief.tar" &&
	[ "$(tar -tf brief.tar)" = big ] &&
	says 1 "cannot open '\''nodir'\''" bng-copy pack nodir'
need ROOT 'owners, devices and attributes arrive' '
	mkdir special && echo x >special/f && chown 1234:5678 special/f &&
	mknod special/null c 1 3 && chmod 2750 special/f &&
	{ setfattr -n user.k -v v special/f 2>/dev/null || :; } &&
	tar -C special --xattrs --format=pax -cf - . |
		bng-agent put "$vm" "$T/special2" &&
	list special >want && list special2 >out && same want out'
ok 'get of one file is one member' '
	bng-agent get "$vm" "$T/src/big" | tar -xOf - big >out &&
	cmp out src/big'
ok 'get of what is not there: 1, and why' '
	says 1 "cannot read '\''/nosuch'\'': No such file" \
		bng-agent get "$vm" /nosuch'
ok 'put over what is there replaces files and links, keeps the rest' '
	mkdir -p over/a && echo old >over/a/one && ln -s /etc over/big &&
	echo mine >over/mine && mkdir over/far &&
	tar -C src --format=pax -cf - . | bng-agent put "$vm" "$T/over" &&
	cmp over/big src/big && [ ! -L over/big ] && cmp over/a/one src/a/one &&
	echo mine | cmp - over/mine && [ -L over/far ]'

# A stream with one member of that name; whatever tar would say about it.
evil() { tar -cPf - --transform "s|^.*$|$1|" src/a/one; }

ok 'a name with .. is refused, and nothing is outside' '
	evil "../outside" >e.tar && mkdir jail &&
	says 1 "lead out of the directory" \
		bng-agent put "$vm" "$T/jail" <e.tar && [ ! -e outside ] &&
	evil "a/../../outside" >e.tar &&
	says 1 "lead out" bng-agent put "$vm" "$T/jail" <e.tar &&
	[ ! -e outside ] && evil ".." >e.tar &&
	says 1 "lead out" bng-agent put "$vm" "$T/jail" <e.tar'
ok 'an absolute name is refused' '
	evil "$T/outside" >e.tar &&
	says 1 "lead out" bng-agent put "$vm" "$T/jail" <e.tar &&
	[ ! -e outside ]'
ok 'a symlink of the stream leads nowhere outside' '
	mkdir -p s1 s2/out target && ln -s "$T/target" s1/out &&
	echo x >s2/out/file &&
	tar -cf e.tar -C s1 out && tar -rf e.tar -C "$T/s2" out/file &&
	says 1 "lead out" bng-agent put "$vm" "$T/jail" <e.tar &&
	[ ! -e target/file ]'
ok 'a relative one neither' '
	rm -rf jail s1/out && mkdir jail && ln -s ../target s1/out &&
	tar -cf e.tar -C s1 out && tar -rf e.tar -C "$T/s2" out/file &&
	says 1 "lead out" bng-agent put "$vm" "$T/jail" <e.tar &&
	[ ! -e target/file ]'
ok 'a hard link to something outside is refused' '
	echo secret >secret && mkdir h && echo x >h/f && ln h/f h/l &&
	tar -C h -cPf - f l --transform "flags=h;s|^f|../secret|" >e.tar &&
	says 1 "lead out" bng-agent put "$vm" "$T/jail" <e.tar'
ok 'a file is written over a symlink, not through it' '
	rm -rf jail && mkdir jail && ln -s "$T/secret" jail/f &&
	tar -C h -cf - f | bng-agent put "$vm" "$T/jail" &&
	echo secret | cmp - secret && [ ! -L jail/f ]'
ok 'a stream that is cut short: 1, and why' '
	head -c 100000 get.tar >cut.tar &&
	says 1 "it is cut short" bng-agent put "$vm" "$T/cut" <cut.tar'
ok 'noise: 1, and why' '
	head -c 5000 src/big >noise &&
	says 1 "a header is malformed" bng-agent put "$vm" "$T/cut" <noise'
ok 'put into what is no directory: 1, and why' '
	says 1 "cannot extract into" bng-agent put "$vm" "$T/secret" <get.tar &&
	says 1 "not an absolute path" bng-agent put "$vm" there <get.tar'
done_testing
