#!/bin/sh
# vmm pull: a release of Firecracker is installed whole, right, or not at all.
. "$(dirname "$0")/lib.sh"
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY \
	ALL_PROXY NO_PROXY BANGER_FIRECRACKER_URL BANGER_FIRECRACKER
XDG_DATA_HOME=$T/data BANGER_FIRECRACKER_URL=file://$T/www
export XDG_DATA_HOME BANGER_FIRECRACKER_URL
bin=$T/data/banger/bin pins=$T/data/banger/pins
export bin pins

# program FILE VERSION: what says that it is Firecracker VERSION; 1.5 MiB, so
# that a download of it takes more than one piece.
program() {
	printf '#!/bin/sh\necho "Firecracker v%s"; exit\n' "$2" >"$1"
	head -c 1500000 /dev/urandom >>"$1"
	chmod 700 "$1"
}

# tree VERSION: what a release's archive holds, below $T/tree.
tree() {
	rm -rf "$T/tree"
	_tree=$T/tree/release-v$1-x86_64
	mkdir -p "$_tree"
	program "$_tree/firecracker-v$1-x86_64" "$1"
	printf 'jailer %s\n' "$1" >"$_tree/jailer-v$1-x86_64"
	printf 'more\n' >"$_tree/seccompiler-bin-v$1-x86_64"
}

# publish VERSION: that tree as an archive, with its digest beside it.
publish() {
	_pub=$T/www/v$1 _tgz=firecracker-v$1-x86_64.tgz
	mkdir -p "$_pub"
	chmod -R a+rX "$T/www"
	tar -C "$T/tree" -czf "$_pub/$_tgz" "release-v$1-x86_64"
	digest "$1"
}
digest() {
	(cd "$T/www/v$1" && sha256sum "firecracker-v$1-x86_64.tgz" \
		>"firecracker-v$1-x86_64.tgz.sha256.txt")
}
release() { tree "$1" && publish "$1"; }
archive() { printf '%s\n' "$T/www/v$1/firecracker-v$1-x86_64.tgz"; }
sum_of() { sha256sum "$(archive "$1")" | cut -d' ' -f1; }

# Nothing is installed but these versions, and nothing is half-way.
only() {
	for _only; do
		printf '%s\n' "firecracker-$_only" "jailer-$_only"
	done | sort >want
	find "$bin" -mindepth 1 ! -type l ! -name .lock -printf '%P\n' \
		2>/dev/null | sort >got
	same want got && [ -z "$(ls -A "$BANGER_CACHE" 2>/dev/null)" ]
}
used() { [ "$(readlink "$bin/firecracker") $(readlink "$bin/jailer")" = \
	"firecracker-$1 jailer-$1" ]; }
fresh() { rm -rf "$T/data" "$BANGER_CACHE" "$T/www"; }

ok 'what is wrong in the command line is said at once' '
	says 2 "name of a VMM is required" banger vmm pull &&
	says 1 "cannot find a VMM" banger vmm pull vmware &&
	says 1 "cannot install qemu" banger vmm pull qemu &&
	says 1 "cannot remove qemu" banger vmm delete --version 1.2.3 qemu &&
	says 2 "not of the form" banger vmm pull firecracker --version x/../y &&
	says 2 "not of the form" banger vmm pull firecracker --version 1.2 &&
	says 2 "not of the form" banger vmm pull firecracker --version v &&
	says 1 "1.4.1: it is too old" \
		banger vmm pull firecracker --version 1.4.1 &&
	says 2 "is not a SHA-256" banger vmm pull firecracker --sha256 beef &&
	for url in nowhere ftp://x/ file://x "http://a b" https://; do
		says 2 "is no http, https or file URL" \
			banger vmm pull firecracker --url "$url" || exit 1
	done &&
	says 2 "unknown option" banger vmm pull firecracker --fast &&
	says 2 "version is required" banger vmm delete firecracker &&
	says 1 "there is no firecracker 9.9.9" \
		banger vmm delete firecracker --version 9.9.9
'
ok 'nobody is asked who was not named' '
	says 1 "nobody has said where" env BANGER_FIRECRACKER_URL= \
		banger vmm pull firecracker && only
'
ok 'a release is installed, both programs, and used' '
	release 1.12.1 && banger vmm pull firecracker --version v1.12.1 &&
	only 1.12.1 && used 1.12.1 && [ -x "$bin/jailer-1.12.1" ] &&
	same "$bin/firecracker-1.12.1" \
		tree/release-v1.12.1-x86_64/firecracker-v1.12.1-x86_64 &&
	[ "$(cat "$pins/firecracker-1.12.1")" = "$(sum_of 1.12.1)" ] &&
	[ "$("$bin/firecracker" --version)" = "Firecracker v1.12.1" ]
'
ok 'a second one beside it is used from then on, and the first again' '
	release 1.14.4 &&
	banger vmm pull --url "file://$T/www/" firecracker &&
	only 1.12.1 1.14.4 && used 1.14.4 && mv www away &&
	banger vmm pull firecracker --version 1.12.1 && used 1.12.1 &&
	mv away www
'
ok 'they are listed, as a table, as names, as JSON' '
	banger vmm list >list && cat list &&
	grep -qE "^firecracker +1.12.1 +yes +$bin/firecracker-1.12.1$" list &&
	grep -qE "^firecracker +1.14.4 +no " list &&
	banger vmm list -q | grep -qx firecracker-1.14.4 &&
	banger vmm list --json >list.json &&
	grep -q "\"vmm\": \"firecracker\", \"version\": \"1.12.1\"" list.json
'
ok 'one that is used from elsewhere is listed as that' '
	program other 1.13.2 && BANGER_FIRECRACKER="$T/other" \
		banger vmm list >list && cat list &&
	grep -qE "^firecracker +1.13.2 +yes +$T/other$" list &&
	grep -qE "^firecracker +1.12.1 +no " list
'
ok 'one that is deleted is gone; the newest left is used; its pin stays' '
	for v in 1.9.1 1.14.3; do
		release $v && banger vmm pull firecracker --version $v || exit
	done && banger vmm delete firecracker --version 1.9.1 &&
	used 1.14.3 && banger vmm delete firecracker --version 1.14.3 &&
	used 1.14.4 && banger vmm pull firecracker --version 1.12.1 &&
	banger vmm delete firecracker --version 1.12.1 2>err && cat err &&
	grep -q "firecracker 1.14.4 is used" err && used 1.14.4 &&
	only 1.14.4 && banger vmm delete firecracker --version 1.14.4 &&
	only && [ ! -e "$bin/firecracker" ] && [ ! -e "$bin/jailer" ] &&
	banger vmm pull firecracker --version 1.14.4 &&
	[ -s "$pins/firecracker-1.12.1" ]
'
ok 'a release that has changed since is refused, whoever vouches for it' '
	release 1.12.1 &&
	says 1 "but it was $(cat "$pins/firecracker-1.12.1")" \
		banger vmm pull firecracker --version 1.12.1 &&
	says 1 "rm $pins" banger vmm pull firecracker --version 1.12.1 \
		--sha256 "$(sum_of 1.12.1)" 2>&1 | grep "to forget" &&
	only 1.14.4 && rm "$pins/firecracker-1.12.1" &&
	banger vmm pull firecracker --version 1.12.1 && only 1.12.1 1.14.4
'
ok 'a digest that is published wrong is refused, and nothing stays' '
	fresh && release 1.12.1 && echo more >>"$(archive 1.12.1)" &&
	says 1 "has the SHA-256 $(sum_of 1.12.1) instead of" \
		banger vmm pull -q firecracker --version 1.12.1 && only &&
	[ ! -e "$pins/firecracker-1.12.1" ]
'
ok 'so is one that is not what was asked for, before anything is fetched' '
	fresh && release 1.12.1 && zeros=$(printf %064d 0) &&
	rm "$(archive 1.12.1)" &&
	says 1 "but it was to be $zeros" banger vmm pull firecracker \
		--version 1.12.1 --sha256 "$zeros" && only
'
ok 'without a published digest it takes one that is given' '
	fresh && release 1.12.1 && rm "$(archive 1.12.1).sha256.txt" &&
	says 1 "SHA-256 is not published" \
		banger vmm pull firecracker --version 1.12.1 && only &&
	banger vmm pull firecracker --version 1.12.1 \
		--sha256 "sha256:$(sum_of 1.12.1 | tr a-f A-F)" && only 1.12.1
'
ok 'what is installed, nobody knows as what, is checked against one given' '
	rm "$pins/firecracker-1.12.1" && zeros=$(printf %064d 0) &&
	says 1 "instead of" banger vmm pull -q firecracker --version 1.12.1 \
		--sha256 "$zeros" && [ ! -e "$pins/firecracker-1.12.1" ] &&
	banger vmm pull firecracker --version 1.12.1 \
		--sha256 "$(sum_of 1.12.1)" && only 1.12.1 &&
	[ -s "$pins/firecracker-1.12.1" ]
'
ok 'a digest may be published with the line ends of others' '
	fresh && release 1.12.1 && sed -i "s/$/\r/" \
		"$(archive 1.12.1).sha256.txt" &&
	banger vmm pull firecracker --version 1.12.1 && only 1.12.1 &&
	fresh && release 1.12.1 && printf "%s\r\n" "$(sum_of 1.12.1)" \
		>"$(archive 1.12.1).sha256.txt" &&
	banger vmm pull firecracker --version 1.12.1 && only 1.12.1
'
ok 'what is published as a digest and is none is refused' '
	fresh && release 1.12.1 &&
	for text in "" "<html>" "beef  firecracker-v1.12.1-x86_64.tgz" \
		"$(sum_of 1.12.1)  another-file.tgz"; do
		echo "$text" >"$(archive 1.12.1).sha256.txt" &&
		says 1 "no SHA-256 is in what is published" \
			banger vmm pull firecracker --version 1.12.1 || exit
	done && only
'
ok 'a release that is not there is an answer of the server' '
	fresh && mkdir www &&
	says 1 "cannot install firecracker 1.2.3" \
		banger vmm pull firecracker --version 1.2.3 && only
'

# Archives whose digest is right, and that are wrong.
refused() {
	digest 1.12.1
	says 1 "$1" banger vmm pull -q firecracker --version 1.12.1 &&
		find "$bin" -name "*1.12.1*" >got && [ ! -s got ] &&
		rm -rf "$BANGER_CACHE" && only
}
dir=release-v1.12.1-x86_64
member=$dir/firecracker-v1.12.1-x86_64
ok 'a truncated archive, and one that is no archive' '
	fresh && release 1.12.1 && truncate -s 700000 "$(archive 1.12.1)" &&
	refused "cannot unpack" && echo hello >"$(archive 1.12.1)" &&
	refused "cannot unpack" && : >"$(archive 1.12.1)" &&
	refused "firecracker"
'
ok 'an archive without one of the two' '
	fresh && tree 1.12.1 && rm "tree/$dir/jailer-v1.12.1-x86_64" &&
	publish 1.12.1 &&
	refused "there is no '\''release-v1.12.1-x86_64/jailer-v1.12.1-x86_64"
'
ok 'one whose gzip checksum is wrong, or that ends too early' '
	fresh && release 1.12.1 && cp "$(archive 1.12.1)" good.tgz &&
	printf "X" | dd of="$(archive 1.12.1)" bs=1 conv=notrunc status=none \
		seek=$(($(stat -c %s good.tgz) - 6)) && digest 1.12.1 &&
	refused "its checksum is wrong" &&
	head -c -4 good.tgz >"$(archive 1.12.1)" && digest 1.12.1 &&
	refused "it is cut short"
'
ok 'a program that is a link, or a directory, or a device' '
	fresh && tree 1.12.1 && rm "tree/$member" &&
	ln -s /bin/true "tree/$member" && publish 1.12.1 &&
	refused "is not a regular file" && rm "tree/$member" &&
	mkdir "tree/$member" && publish 1.12.1 &&
	refused "firecracker-v1.12.1-x86_64" && rmdir "tree/$member" &&
	mkfifo "tree/$member" && publish 1.12.1 &&
	refused "is not a regular file" && rm "tree/$member" &&
	program "tree/$dir/a" 1.12.1 && ln "tree/$dir/a" "tree/$member" &&
	tar -C tree -czf "$(archive 1.12.1)" "$dir/a" "$member" &&
	refused "is not a regular file"
'
ok 'a program that is there twice' '
	fresh && tree 1.12.1 && publish 1.12.1 &&
	tar -C tree -cf two.tar "$member" && tar -C tree -rf two.tar \
		"$member" && gzip -c two.tar >"$(archive 1.12.1)" &&
	refused "twice"
'
ok 'one that unpacks to more than there may be, also where it is passed over' '
	fresh && tree 1.12.1 &&
	truncate -s 300M "tree/$dir/a" && echo x >>"tree/$dir/a" &&
	publish 1.12.1 && refused "it holds more than 256 MiB" &&
	tar -C tree -Sczf "$(archive 1.12.1)" "$dir" &&
	[ "$(stat -c %s "$(archive 1.12.1)")" -lt 4000000 ] &&
	refused "it holds more than 256 MiB"
'
ok 'one with paths that lead elsewhere puts nothing there' '
	fresh && tree 1.12.1 && echo evil >evil &&
	tar -C tree -cf - --transform "s,^evil,../../../../$T/owned," \
		-P release-v1.12.1-x86_64 -C .. evil 2>/dev/null |
		gzip >evil.tgz && mkdir -p www/v1.12.1 &&
	cp evil.tgz "$(archive 1.12.1)" && digest 1.12.1 &&
	banger vmm pull firecracker --version 1.12.1 && [ ! -e owned ] &&
	only 1.12.1
'
ok 'a program that is another version than its name says' '
	fresh && tree 1.12.1 && program "tree/$member" 1.0.0 &&
	publish 1.12.1 && refused "says that its version is 1.0.0"
'
ok 'unpack: wrong usage, and a file that is there stays' '
	release 1.12.1 && a=$(archive 1.12.1) && echo keep >there &&
	says 100 "an archive, and members" bng-pull unpack "$a" &&
	says 100 "an archive, and members" bng-pull unpack "$a" x &&
	says 111 "cannot open" bng-pull unpack none x y &&
	says 111 "File exists" bng-pull unpack "$a" "$member" there &&
	[ "$(cat there)" = keep ] &&
	says 1 "there is no" bng-pull unpack "$a" x new && [ ! -e new ]
'
need strace 'who unpacks can open nothing' '
	strace -f -o trace bng-pull unpack "$(archive 1.12.1)" "$member" out &&
	sed -n "/landlock_restrict_self/,/exited with/p" trace >child &&
	[ -s child ] && ! grep -E "open(at)?\(" child && same out "tree/$member"
'

web() {
	_web=0
	while [ $((_web += 1)) -le 20 ]; do
		port=$((20000 + ($$ * 7 + _web * 991) % 30000))
		cat >nginx.conf <<-!
			pid $T/nginx.pid;
			error_log $T/nginx.log;
			worker_processes 1;
			events {}
			http {
				log_format short '\$uri \$status \$http_range';
				access_log $T/access short;
				client_body_temp_path $T/n1;
				proxy_temp_path $T/n2;
				fastcgi_temp_path $T/n3;
				uwsgi_temp_path $T/n4;
				scgi_temp_path $T/n5;
				server {
					listen 127.0.0.1:$port;
					root $T/www;
				}
			}
		!
		nginx -p "$T" -c "$T/nginx.conf" -e "$T/nginx.log" && return
	done
	return 1
}
# nginx writes down what it was asked before it hears the next question.
heard() { curl -s -o /dev/null "$BANGER_FIRECRACKER_URL/"; }
if need nginx 'a web server can be started' 'web && echo "$port" >port'; then
	at_end '[ ! -e "$T/nginx.pid" ] || kill "$(cat "$T/nginx.pid")"'
	BANGER_FIRECRACKER_URL=http://127.0.0.1:$(cat port)
	ok 'from a web server; one that has no such release says 404' '
		fresh && release 1.12.1 &&
		banger vmm pull -q firecracker --version 1.12.1 &&
		only 1.12.1 && says 1 "404" \
			banger vmm pull firecracker --version 7.7.7
	'
	need strace 'killed half-way through, it goes on where it was' '
		fresh && release 1.12.1 &&
		part=$BANGER_CACHE/firecracker-v1.12.1-x86_64.tgz.part &&
		! strace -qq -f -o trace -P "$part" \
			--inject=write:signal=KILL:when=9 \
			banger vmm pull -q firecracker --version 1.12.1 &&
		[ -s "$part" ] && ! [ -e "$bin/firecracker" ] &&
		banger vmm pull -q firecracker --version 1.12.1 &&
		only 1.12.1 && heard && cat access &&
		grep -q "tgz 206 bytes=[1-9]" access
	'
	ok 'ended while it installs, nothing half-way is used or stays' '
		fresh && release 1.12.1 && mkdir -p "$bin/.new.firecracker.1" &&
		mkfifo at && printf "#!/bin/sh\necho >$T/at; exec sleep 60\n" \
			>"tree/$member" && publish 1.12.1 &&
		{ banger vmm pull -q firecracker --version 1.12.1 & } &&
		pull=$! && read -r _ <at && kill -TERM "$pull" &&
		! wait "$pull" && [ ! -e "$bin/firecracker" ] && rm -r \
			"$BANGER_CACHE" && only
	'
	ok 'two at once install it once' '
		fresh && release 1.12.1 && heard && : >access &&
		{ banger vmm pull -q firecracker --version 1.12.1 & } &&
		banger vmm pull -q firecracker --version 1.12.1 && wait $! &&
		only 1.12.1 && heard && [ "$(grep -c "tgz 200" access)" = 1 ]
	'
fi
done_testing
