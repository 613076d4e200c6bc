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
talk() { timeout 20 frames "$vm"; }
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
ok 'a frame that is too long is an error' '
	printf "\\004\\000\\001\\000\\001" | talk >out && grep -q error out &&
	printf "\\004\\377\\377\\377\\377" | talk >out && grep -q error out'
ok 'input before the request is an error' '
	frame 1 hello | talk >out && grep -q error out'
ok 'noise is an error' '
	head -c 100000 /dev/urandom | talk >out && grep -q error out && alive'
ok 'clients that never finish their request do not keep others out' '
	i=0 && while [ $i -lt 50 ]; do
		{ printf "\\004\\000\\001\\000\\000{" | talk & }
		i=$((i + 1)); done && alive && alive'
done_testing
