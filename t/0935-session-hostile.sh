#!/bin/sh
# what becomes of a session's client when the machine lies
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"

# An agent that answers whatever is asked with what is in the file `lie`.
cat >liar.sh <<'END'
#!/bin/sh
dd bs=5 count=1 <&3 >/dev/null 2>&1
cat "$T/lie" >&3
exec cat <&3 >/dev/null 2>&1
END
chmod +x liar.sh
AGENT=$T/liar.sh
agentd_start liar || exit

# frame CHANNEL TEXT; answer TEXT: as one on stdout, with its frames.
frame() {
	printf "\\$(printf %o "$1")\\000\\000\\$(printf %o $((${#2} / 256)))"
	printf "\\$(printf %o $((${#2} % 256)))%s" "$2"
}
answer() {
	{ frame 4 '{"v":1}'; frame 2 "$1"; frame 4 '{"exit":0}'; } >lie
}
session() { _verb=$1; shift; timeout 100 bng-session "$_verb" "$vm" "$@"; }
# No byte that a terminal would act on.
harmless() { ! grep -aq "[^[:print:][:space:]]" "$@" &&
	! grep -aq "$(printf '\302\233')" "$@"; }

is_one() { [ "$(wc -l <"$1")" = 1 ]; }

evil='{"name":"\u001b[2Jx","status":"\u001b]0;t\u0007\r\n","pid":1e300,
"command":["a\nb\u009b",5,null],"started":-5,"ended":"x","exit":-1,
"attached":{"who":"\u001b[31m"},"cwd":7}'
ok 'a table of lies is a table, without an escape sequence' '
	answer "{\"sessions\":[$evil,5,null,[]]}" &&
	session list >out && harmless out && [ "$(wc -l <out)" = 5 ] &&
	grep -q "?\[2Jx" out'
ok 'JSON of lies is JSON' '
	bng-session list -j "$vm" >out && harmless out &&
	jq -e ".[0].pid == null and .[0].exit == null and .[0].cwd == \"\"" out'
ok 'names of lies are names' '
	bng-session list -q "$vm" >out && harmless out &&
	[ "$(wc -l <out)" = 4 ]'
ok 'a lie about one is shown as one' '
	answer "{\"sessions\":[$(printf %s "$evil" |
		sed "s/\"name\":\"[^\"]*/\"name\":\"x/")]}" &&
	session show x >out && harmless out && grep -q "^name *x" out'
# Either is an answer; a crash is none.
harmless_list() {
	session list >out 2>&1
	_status=$?
	harmless out && { [ $_status = 0 ] || [ $_status = 111 ]; }
}
for lie in '' x '[]' '{"sessions":5}' '{"sessions":[' '5' null; do
	ok "an answer that is '$lie' ends without a crash" '
		answer "$lie" && harmless_list'
done
ok 'a name that is none is not printed as the session'\''s' '
	answer "{\"name\":\"../\\u001b\"}" && says 111 "malformed" \
		bng-session start "$vm" true >out && ! grep -v ^bng out'
ok 'an error text cannot do anything either' '
	frame 4 "{\"v\":1,\"error\":\"\\u001b[2Jno\\r\\n\"}" >lie &&
	for v in attach stop kill send; do
		session $v x </dev/null 2>err && exit 1
		cat err && harmless err && is_one err || exit 1
	done'
attach_harmless() {
	session attach x </dev/null >out 2>err
	[ $? != 0 ] && harmless err && [ "$(wc -l <err)" -le 2 ]
}
for lie in '\004\377\377\377\377' '\011\000\000\000\001x' \
	'\001\000\000\000\001x' \
	'\004\000\000\000\001x'; do
	ok "frames that are '$lie' end an attachment with one line" '
		{ frame 4 "{\"v\":1,\"type\":\"attached\",\"lost\":1e300}"
		printf "$lie"; } >lie && attach_harmless'
done
done_testing
