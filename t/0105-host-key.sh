#!/bin/sh
# The key that a new machine gets for its sshd, as OpenSSH sees it.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"

# What one signs with the secret part is right by the public one.
pair() {
	ssh-keygen -q -Y sign -f "$1" -n file <word >word.sig 2>sign.err &&
		printf 'm %s\n' "$(cat "$1.pub")" >allowed &&
		ssh-keygen -q -Y verify -f allowed -I m -n file -s word.sig \
			<word >verify.out
}
echo word >word

# Names of every length modulo 8, which is what the secret part is padded to.
ok 'both parts of a key belong together, and say whose it is' '
	name=m && for _ in $(seq 24); do
		machine "$name" && pair "$VMS/$name/ssh_host_key" || return
		set -- $(cat "$VMS/$name/ssh_host_key.pub") &&
		[ "$1 $3" = "ssh-ed25519 $name" ] &&
		ssh-keygen -l -f "$VMS/$name/ssh_host_key" >shown &&
		grep -q " $name (ED25519)$" shown || return
		name=${name}x
	done'
ok 'a name as long as they get makes a key, too' '
	name=$(printf %063d 0) && machine "$name" &&
	pair "$VMS/$name/ssh_host_key"'
ok 'the secret part is its owner'\''s, and of OpenSSH'\''s own form' '
	[ "$(stat -c %a "$VMS/m/ssh_host_key")" = 600 ] &&
	cp "$VMS/m/ssh_host_key" again && chmod 600 again &&
	ssh-keygen -q -p -P "" -N "" -f again &&
	grep -v "^-----" again | head -n 1 >theirs &&
	grep -v "^-----" "$VMS/m/ssh_host_key" | head -n 1 >ours &&
	same theirs ours &&
	[ "$(wc -c <again)" = "$(wc -c <"$VMS/m/ssh_host_key")" ]'
ok 'no two machines have the same' '
	find "$VMS" -name ssh_host_key.pub -exec cut -d " " -f 2 {} + |
		sort >keys &&
	[ "$(wc -l <keys)" = 25 ] && [ -z "$(uniq -d keys)" ]'
ok 'a pair of two machines is none' '
	cp "$VMS/mx/ssh_host_key" mixed && cp "$VMS/m/ssh_host_key.pub" \
		mixed.pub && fails 255 pair mixed'

done_testing
