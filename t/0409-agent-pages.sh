#!/bin/sh
# output whose pages are moved to the link, and where they cannot be
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
agentd_start moves -m || exit
moves=$vm
printf '#!/bin/sh\nexec nosplice "%s" "$@"\n' "$AGENT" >copying &&
	chmod +x copying || exit
AGENT=$T/copying
agentd_start copies -m || exit
copies=$vm

# frames_of DIR N: how long the frames are in which that comes out of a command
# which writes N bytes at once.
frames_of() {
	tr '\0' x </dev/zero | head -c "$2" >"$T/block" || return
	set -- "$1" "$(printf '{"v":1,"op":"exec","argv":["dd","bs=%s",%s]}' \
		"$2" "\"count=1\",\"status=none\",\"if=$T/block\"")"
	{
		printf '\004\000\000'
		printf "\\$(printf %o $((${#2} / 256)))"
		printf "\\$(printf %o $((${#2} % 256)))"
		printf %s "$2"
	} | timeout 100 frames "$1" >shown || return
	awk '/^2 / { print length($0) - 2 }' shown
}

ok 'what is written at once comes in one frame, longer than any other' '
	frames_of "$moves" 98304 >out && echo 98304 | cmp - out'
ok 'where pages cannot be moved it comes in frames of the usual length' '
	frames_of "$copies" 98304 >out && [ "$(wc -l <out)" -gt 2 ] &&
	awk "{ n += \$1; if (\$1 > 32768) exit 1 }
		END { exit n != 98304 }" out'

head -c 3000000 /dev/urandom >random
for vm in "$moves" "$copies"; do
	how=${vm%/} how=${how##*/}
	ok "$how: output of any length, byte for byte" '
		for n in 1 4096 16383 16384 16385 65537 131067 262144 524288 \
			524289 2999999; do
			bng-agent exec "$vm" dd if="$T/random" bs="$n" count=1 \
				status=none >out && head -c "$n" random |
				cmp - out || return
		done'
	ok "$how: in pieces that are no pages" '
		bng-agent exec "$vm" dd if="$T/random" bs=5003 status=none \
			>out && same random out'
	ok "$how: 100 MB" '
		bng-agent exec "$vm" sh -c "for i in \$(seq 34); do
			cat \"\$1\"; done" x "$T/random" >out &&
			for i in $(seq 34); do cat random; done | cmp - out &&
			rm out'
	ok "$how: stdout and stderr at the same time" '
		bng-agent exec "$vm" sh -c "cat \$1 >&2 & cat \$1; wait" x \
			"$T/random" >out 2>err && same random out &&
			same random err'
	ok "$how: who takes bytes out of its own output ends as it says" '
		fails 3 timeout 60 bng-agent exec "$vm" sh -c "
			pids=; for i in 1 2 3 4; do
				dd if=/proc/\$\$/fd/1 of=/dev/null bs=5000 \
					status=none &
				pids=\"\$pids \$!\"
			done; dd if=/dev/zero bs=1M count=50 status=none;
			kill \$pids; exit 3" >out &&
			[ "$(wc -c <out)" -le 52428800 ]'
	ok "$how: who does not read stalls it, and nobody else" '
		mkfifo "stall.$how" &&
		{ bng-agent exec "$vm" cat "$T/random" >"stall.$how" & } &&
		exec 5<"stall.$how" &&
		bng-agent exec "$vm" cat "$T/random" >out && same random out &&
		same random /dev/fd/5 && wait && exec 5<&-'
done

done_testing
