#!/bin/sh
# what the agent makes of clients and links that do not keep to the protocol
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
agentd_start hostile -m || exit

# frame CHANNEL TEXT: one frame; the text may hold printf's escapes.
frame() {
	_text=$(printf "$2x")
	_text=${_text%x}
	_len=${#_text}
	printf "\\$(printf %o "$1")\\000\\000\\$(printf %o $((_len / 256)))"
	printf "\\$(printf %o $((_len % 256)))"
	printf %s "$_text"
}
talk() { timeout 100 frames "$vm"; }
PATH=$BUILD/t:$PATH
alive() { bng-agent ping "$vm"; }

ok 'a ping is answered with the version' '
	frame 4 "{\"v\":1,\"op\":\"ping\"}" | talk >out &&
	grep -qx "4 {\"v\":1,\"pong\":true}" out'
for bad in '{' '[]' '""' '{"v":1}' '{"v":1,"op":5}' '{"v":2,"op":"ping"}' \
	'{"v":1,"op":"nosuch"}' '{"v":1,"op":"ping"' '{"v":1,"op":"ping"}x' \
	'{"v":1,"op":"exec"}' '{"v":1,"op":"exec","argv":[]}' \
	'{"v":1,"op":"exec","argv":"ls"}' '{"v":1,"op":"exec","argv":[1]}' \
	'{"v":1,"op":"exec","argv":["a"],"env":[{}]}' \
	'{"v":1,"op":"exec","argv":["a\\u0000b"]}' \
	'{"v":1,"op":"dial","port":0}' '{"v":1,"op":"dial","port":65536}' \
	'{"v":1,"op":"dial","port":22,"host":"x"}' '{"v":1,"op":"put"}' \
	'{"v":1,"op":"get","path":""}' \
	'{"v":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]],"op":"ping"}'
do
	ok "one error answers $bad" '
		frame 4 "$bad" | talk >out &&
		grep -q "^4 {\"v\":1,\"error\":\"" out &&
		[ "$(wc -l <out)" = 1 ] && alive'
done
ok 'a host under test is not configured and not shut down' '
	frame 4 "{\"v\":1,\"op\":\"shutdown\"}" | talk >out &&
	grep -q error out && frame 4 "{\"v\":1,\"op\":\"configure\"}" |
	talk >out && grep -q error out'
ok 'an unknown channel is an error' '
	printf "\\011\\000\\000\\000\\001x" | talk >out && grep -q error out &&
	printf "\\000\\000\\000\\000\\000" | talk >out && grep -q error out'
ok 'a request that is too long is an error, at its length' '
	printf "\\004\\000\\100\\000\\001" | talk >out && grep -q error out &&
	printf "\\004\\377\\377\\377\\377" | talk >out && grep -q error out'
ok 'so is any other frame beyond 64 KiB' '
	cat="{\"v\":1,\"op\":\"exec\",\"argv\":[\"cat\"],\"stdin\":true}" &&
	for channel in 1 4; do
		{ frame 4 "$cat" &&
			printf "\\00$channel\\000\\001\\000\\001"; } |
			talk >out && grep -q "malformed frame" out || exit
	done'
# Each announces 4 MiB, and sends none of it.
hoard() {
	mkfifo hoard && exec 7<>hoard &&
		printf '\004\000\100\000\000{' >begun || return
	while [ $# -lt 9 ]; do
		timeout 100 frames -n 1 "$vm" <begun >hoard &
		set -- "$@" $!
	done
	read -r one <&7 && read -r two <&7
	kill "$@"
	wait "$@"
	printf '%s\n' "$one" "$two" | grep -c 'out of memory' | grep -x 2
}
ok 'nor do many together make it take what it has not' 'hoard && alive'
ok 'a session takes no request that is so long' '
	printf "{\"v\":1,\"op\":\"session.send\",\"name\":\"x\",\"y\":\"%s\"}" \
		"$(head -c 70000 /dev/zero | tr "\0" x)" >text &&
	{ printf "\\004\\000\\001$(printf "\\\\%o\\\\%o" \
		$((($(wc -c <text) - 65536) / 256)) \
		$(($(wc -c <text) % 256)))" && cat text; } | talk >out &&
	grep -q "malformed request: too long" out'
ok 'input before the request is an error' '
	frame 1 hello | talk >out && grep -q error out'
ok 'noise is an error' '
	head -c 100000 /dev/urandom | talk >out && grep -q error out && alive'
ok 'clients that never finish their request do not keep others out' '
	i=0 && while [ $i -lt 50 ]; do
		{ printf "\\004\\000\\001\\000\\000{" | talk & }
		i=$((i + 1)); done && alive && alive'
done_testing
