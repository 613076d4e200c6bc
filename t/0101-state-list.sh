#!/bin/sh
# bng-state: what the listings say, whatever is in the directories.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"

ok 'nothing is listed where there is nothing' '
	[ "$(bng-state list | wc -l)" = 1 ] && [ -z "$(bng-state list -q)" ] &&
	[ "$(bng-state list -j | tr -d "\n")" = "[]" ]'

ok 'a state directory that does not exist is empty' '
	(BANGER_STATE=$T/void; [ -z "$(bng-state list -q)" ] &&
	says 1 "there is no machine" bng-state list web) &&
	[ ! -e void ]'

machine web vcpu=3 memory_mib=512 workspace/host_path=/home/me/repo
long=a-machine-with-a-long-name
machine $long memory_mib=1536

ok 'the table names state, image, address and size, by name' '
	bng-state list >got &&
	sed -n "s/  */ /g; s/ now\| [0-9]* s ago/ AGE/; p" got >short &&
	printf "%s\n" \
		"NAME STATE IMAGE IP VCPU MEMORY DISK CREATED WORKSPACE" \
		"$long created tiny 10.0.2.15 2 1.5 GiB 8 GiB AGE -" \
		"web created tiny 10.0.2.15 3 512 MiB 8 GiB AGE /home/me/repo" \
		>want && same short want'

ok 'every column starts where its heading does, and no line ends in blanks' '
	bng-state list >got && fails 1 grep -n " \$" got &&
	awk "NR == 1 { s = index(\$0, \"STATE\"); w = index(\$0, \"WORK\") }
		substr(\$0, s - 2, 2) != \"  \" || substr(\$0, s, 1) == \" \" ||
		substr(\$0, w - 2, 2) != \"  \" || substr(\$0, w, 1) == \" \" {
			exit 1 }" got'

ok 'names can be asked for; what is not there is a no, the rest is shown' '
	fails 1 bng-state list -q web nope ../x >got 2>err &&
	[ "$(cat got)" = web ] && printf "%s\n" \
		"bng-state: there is no machine '\''nope'\''" \
		"bng-state: there is no machine '\''../x'\''" >want &&
	same err want'

ok 'a machine is created, starting, running, stopped or in error' '
	state() { bng-state get web state; } &&
	[ "$(state)" = created ] && hold 8 web && [ "$(state)" = starting ] &&
	echo 1 >"$VMS/web/ready" && [ "$(state)" = running ] &&
	[ "$(bng-state list -qr)" = web ] &&
	exec 8>&- && echo 1 >"$VMS/web/started" && [ "$(state)" = stopped ] &&
	[ -z "$(bng-state list -qr)" ] &&
	echo oops >"$VMS/web/error" && [ "$(state)" = error ] &&
	rm "$VMS/web/ready" "$VMS/web/started" "$VMS/web/error"'

ok 'images and kernels are listed from every path, each name once' '
	mkdir -p s/images s/kernels &&
	cp -r "$BANGER_STATE/images/tiny" s/images/shared &&
	cp -r "$BANGER_STATE/images/tiny" s/images/tiny &&
	mkdir s/images/.new.x.1 s/images/empty &&
	BANGER_IMAGE_PATH=$T/s/images bng-store images -q >got &&
	printf "shared\ntiny\n" >want && same got want &&
	bng-store kernels | grep -Eq "^k +6.1 +q35 +0 B " &&
	says 1 "there is no image '\''no'\''" bng-store images no'

ok 'a size is what is allocated, not what a sparse file claims' '
	truncate -s 1G "$BANGER_STATE/images/tiny/rootfs.ext4" &&
	bng-store images | grep -q " 0 B "'

ok 'JSON can be read by another program, and holds what is there' '
	bng-state list -j >got && bng-state show -j web >one &&
	bng-store images -j >img && bng-store kernels -j >ker'
need python3 'it is JSON' '
	python3 -c "
import json
got = json.load(open(\"got\"))
assert [m[\"name\"] for m in got] == [\"a-machine-with-a-long-name\", \"web\"]
web = json.load(open(\"one\"))
assert web == got[1], web
assert web[\"vcpu\"] == 3 and web[\"memory_mib\"] == 512
assert web[\"state\"] == \"created\" and web[\"error\"] is None
assert web[\"workspace\"][\"host_path\"] == \"/home/me/repo\"
assert json.load(open(\"img\"))[0][\"kernel\"] == \"k\"
assert json.load(open(\"ker\"))[0][\"machine\"] == \"q35\"
"'

ok 'show prints one machine, value by value' '
	bng-state show web >got && grep -Eqx "memory +512 MiB" got &&
	grep -Eqx "host_path +/home/me/repo" got &&
	grep -Eqx "directory +$VMS/web" got &&
	says 1 "there is no machine" bng-state show nope'

is_json() {
	! command -v python3 >/dev/null ||
		python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$1"
}

# Everything below is a directory in a state that no writer of ours leaves.
for value in image vcpu memory_mib created ip run.lock ready \
	workspace/host_path started; do
	export value
	ok "listings survive any kind of file as $value" '
		machine hostile workspace/host_path=/x &&
		f=$VMS/hostile/$value && try() {
			timeout 100 bng-state list >got &&
			timeout 100 bng-state list -j >got.json &&
			timeout 100 bng-state show hostile >>got &&
			timeout 100 bng-state gc >>got &&
			fails 1 grep -q "PRECIOUS" got got.json &&
			is_json got.json
		} &&
		rm -f "$f" && : >"$f" && try &&
		head -c 1000000 /dev/urandom >"$f" && try &&
		head -c 1000000 /dev/zero | tr "\0" 7 >"$f" && try &&
		printf "\033[31m\233\"\\\\\n" >"$f" && try &&
		fails 1 grep -q "$(printf "\033")" got got.json &&
		rm -rf "$f" && mkdir "$f" && try && rm -rf "$f" &&
		mkfifo "$f" && try && rm -rf "$f" &&
		echo PRECIOUS >outside && ln -s "$T/outside" "$f" && try &&
		rm -rf "$f" && ln -s "$f" "$f" && try && rm -r "$VMS/hostile"'
done

ok 'a workspace that is a link is not followed' '
	machine linked && mkdir -p out && echo /PRECIOUS >out/host_path &&
	ln -s "$T/out" "$VMS/linked/workspace" &&
	bng-state list >got && fails 1 grep PRECIOUS got &&
	fails 111 bng-state set linked workspace/host_path=/y &&
	[ "$(cat out/host_path)" = /PRECIOUS ]'

ok 'what is no machine is not listed' '
	mkdir "$VMS/empty" "$VMS/Upper" "$VMS/.dot" && : >"$VMS/file" &&
	ln -s "$VMS/web" "$VMS/alias" && mkfifo "$VMS/pipe" &&
	bng-state list -q >got &&
	printf "%s\n" $long linked web >want &&
	same got want'

ok 'a manifest of any kind is listed as far as it can be read' '
	mkdir "$BANGER_STATE/images/odd" &&
	: >"$BANGER_STATE/images/odd/rootfs.ext4" &&
	for text in "" "{" "{\"created\":-5,\"distro\":7}" \
		"{\"created\":1e300,\"kernel\":[]}" "{\"created\":\"x\"}"; do
		printf %s "$text" >"$BANGER_STATE/images/odd/manifest.json" &&
		bng-store images >got && grep -q "^odd  *-" got &&
		bng-store images -j >got.json || exit 1
	done'

done_testing
