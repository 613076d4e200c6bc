#!/bin/sh
# ssh-config, and what bng-ssh tells ssh: no guest is needed for that
. "$(dirname "$0")/lib.sh"
. "$TOP/t/agentd.sh"
HOME=$T/home
export HOME
unset XDG_CONFIG_HOME 2>/dev/null
mkdir -p "$HOME" "$BANGER_STATE/vms"
config=$HOME/.ssh/config
install() { banger ssh-config --install -q; }
uninstall() { banger ssh-config --uninstall; }
# The settings that ssh itself makes of it.
settings() { ssh -F "$config" -G "$1"; }

ok 'it prints settings that ssh understands' '
	banger ssh-config >out && ssh -F out -G web.vm >got &&
	grep -qx "user root" got && grep -q "^proxycommand .*dial" got &&
	grep -qx "stricthostkeychecking true" got &&
	ssh -F out -G web.org >got && ! grep -q "^proxycommand" got'
ok 'install makes what is missing, private to its owner' '
	install && [ "$(stat -c %a "$HOME/.ssh" "$config")" = "700
600" ] && settings web.vm | grep -qx "user root"'
ok 'uninstall takes all of it away again' '
	uninstall && [ ! -s "$config" ] &&
	[ ! -e "$HOME/.config/banger/ssh_config" ] &&
	uninstall'
# Bytes that an editor of lines would change.
printf 'Host *\n\tUser me\r\n# \377\0 end without a newline' >mine
ok 'not a byte of another line changes, there and back, mode and time kept' '
	cp mine "$config" && chmod 640 "$config" && install &&
	tail -c "$(stat -c %s mine)" "$config" | cmp - mine &&
	[ "$(stat -c %a "$config")" = 640 ] && uninstall &&
	cmp mine "$config" && [ "$(stat -c %a "$config")" = 640 ]'
ok 'installing twice is installing once' '
	install && cp "$config" once && install && cmp once "$config" &&
	[ "$(grep -c "^Include" "$config")" = 1 ] && uninstall &&
	cmp mine "$config"'
ok 'a config that is a link stays one, and its target is edited' '
	mkdir dotfiles && mv "$config" dotfiles/c &&
	ln -s ../../dotfiles/c "$config" && install && [ -L "$config" ] &&
	grep -q "^Include" dotfiles/c && uninstall && [ -L "$config" ] &&
	cmp mine dotfiles/c && rm "$config"'
need ROOT 'its owner stays' '
	cp mine "$config" && chown 1234:1234 "$config" && install &&
	[ "$(stat -c %u:%g "$config")" = 1234:1234 ] && uninstall &&
	[ "$(stat -c %u:%g "$config")" = 1234:1234 ]'
ok 'lines of ours that have lost their end are left to the person' '
	cp mine "$config" && install &&
	sed -i "/ssh-config: end/d" "$config" && cp "$config" torn &&
	says 1 "have no end" banger ssh-config --uninstall &&
	cmp torn "$config"'
ok 'a place of its own is told to ssh, and one with quotes is refused' '
	rm "$config" && XDG_CONFIG_HOME="$T/x dg" BANGER_STATE="$T/a %d b" \
		banger ssh-config --install -q &&
	grep -qF "$T/a %%d b" "$T/x dg/banger/ssh_config" &&
	BANGER_STATE="$T/a'\''b" says 1 "has quotes" banger ssh-config &&
	says 2 "exclude" banger ssh-config --install --uninstall'

mkdir -p "$BANGER_STATE/vms/web"
echo 'ssh-ed25519 AAAAC3Nza+/= web' >"$BANGER_STATE/vms/web/ssh_host_key.pub"
ok 'the key of a machine is told for its name alone' '
	[ "$(bng-ssh key web.vm)" = "web.vm ssh-ed25519 AAAAC3Nza+/=" ] &&
	[ "$(bng-ssh key "[web.vm]:2222")" = \
		"[web.vm]:2222 ssh-ed25519 AAAAC3Nza+/=" ] &&
	[ -z "$(bng-ssh key nobody.vm)" ] && [ -z "$(bng-ssh key ../web.vm)" ]'
ok 'a key file with more in it than a key tells nothing else' '
	printf "ssh-ed25519 AAAA\n* ssh-rsa EVIL\n" \
		>"$BANGER_STATE/vms/web/ssh_host_key.pub" &&
	[ "$(bng-ssh key web.vm)" = "web.vm ssh-ed25519 AAAA" ]'
banger ssh-config >out
ok 'a host name cannot become a command' '
	for evil in "a'\''; touch $T/pwned; '\''.vm" "a\$(touch $T/pwned).vm" \
		"a\`touch $T/pwned\`.vm" "a;touch $T/pwned;.vm"; do
		timeout 100 ssh -F out "$evil" true
		timeout 100 ssh -F out -l "$evil" web.vm true
		[ ! -e "$T/pwned" ] || exit 1
	done'
ok 'a machine that is not there, or does not run, is said so' '
	fails 255 ssh -F out nobody.vm 2>err && grep -q "there is no" err &&
	fails 255 ssh -F out web.vm 2>err && grep -q "not running" err &&
	says 255 "there is no machine" banger vm ssh nobody &&
	says 255 "is not running" banger vm ssh web'
done_testing
