#!/bin/sh
# file_sync: what it refuses, what it copies, what it leaves out; and, once,
# what a guest then sees.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"

mkdir -p home out
HOME=$(cd home && pwd -P)
unset BANGER_VMM
export HOME
conf=$T/conf.toml
export BANGER_CONFIG="$conf"
tab=$(printf "\t")

# entry HOST GUEST [MODE]: one more.
entry() {
	printf '[[file_sync]]\nhost = "%s"\nguest = "%s"\n' "$1" "$2"
	[ $# -lt 3 ] || printf 'mode = "%s"\n' "$3"
}
# refused NUMBER LINE TEXT: conf.toml is, its entry and line named.
refused() {
	says 111 "line $2: file_sync entry $1: $3" bng-config env &&
		[ "$(wc -l <.err)" = 1 ]
}
# What would be copied: "MODE PATH".
listed() {
	bng-config sync tar -tv --numeric-owner 2>warnings |
		sed -e 's/^\(.\{10\}\) \([0-9/]*\) .* sync/\1 \2 /' \
			-e 's| $| /|'
}

# Each is the second entry; its line is 6 for host, 7 for guest, 8 for mode.
cat >wrong <<'END'
6 |~/y||host: it is empty
6 .aws|~/y||host: it is relative
6 ~bob/x|~/y||host: the home directory of another user
6 ~/a/../../x|~/y||host: '..' is not allowed
6 ~/..|~/y||host: '..' is not allowed
6 /etc/passwd|~/y||host: '/etc/passwd' is not inside your home
6 ~/|~/y||host: it is the whole home
6 ~|~/y||host: it is the whole home
6 ~/.|~/y||host: it is the whole home
7 ~/x|||guest: it is empty
7 ~/x|y||guest: it is relative
7 ~/x|~bob/y||guest: the home directory of another user
7 ~/x|/root/../etc/y||guest: '..' is not allowed
7 ~/x|/etc/y||guest: '/etc/y' is not below
7 ~/x|/rooty||guest: '/rooty' is not below
7 ~/x|/root||guest: '/root' is not below
7 ~/x|~//||guest: it is all of /root
8 ~/x|~/y|0999|mode: permissions
8 ~/x|~/y|4755|mode: permissions
8 ~/x|~/y|rw|mode: permissions
8 ~/x|~/y|00755|mode: permissions
END
# shellcheck disable=SC2088  # what ~ is, banger says
all_wrong() {
	n=0
	while IFS='|' read -r host guest mode text; do
		{
			entry "~/ok" "~/ok"
			if [ -n "$mode" ]; then
				entry "${host#* }" "$guest" "$mode"
			else
				entry "${host#* }" "$guest"
			fi
		} | sed 's/^\[\[file_sync\]\]$/&/' >"$conf"
		# The second entry begins on line 4.
		refused 2 $((${host%% *} - 1)) "$text" || return
		n=$((n + 1))
	done <wrong
	[ "$n" = 21 ]
}
ok 'paths and modes that must not be are refused, entry and line named' \
	all_wrong
ok 'so are other keys, other types and what is missing' '
	printf "[[file_sync]]\nhosts = \"~/x\"" >"$conf" &&
	refused 1 2 "there is no key '\''hosts'\''; is this meant: host" &&
	printf "[[file_sync]]\nhost = \"~/x\"" >"$conf" &&
	refused 1 1 "guest is missing" &&
	printf "[[file_sync]]\nhost = [\"~/x\"]\nguest=\"~/x\"" >"$conf" &&
	refused 1 2 "host: a path in quotes is wanted" &&
	printf "file_sync = [1]" >"$conf" && refused 1 1 "it is no table" &&
	printf "[file_sync]\nhost = \"~/x\"" >"$conf" &&
	says 111 "[[file_sync]] entries are wanted" bng-config env'

cd home || exit
mkdir -p .aws/sso/deep .config/gh bin
echo key >.aws/credentials
echo x >.aws/sso/token
echo '#!/bin/sh' >.aws/sso/run
echo host >.config/gh/hosts.yml
echo script >bin/script
chmod 640 .aws/credentials
chmod 600 .aws/sso/token
chmod 4755 .aws/sso/run
chmod 700 .aws/sso
chmod 755 .aws .aws/sso/deep
ln -s .aws aws-inside
ln -s "$HOME/.aws" aws-absolute
ln -s ../out out-there
ln -s nowhere dangling
mkfifo fifo
cd ..
echo secret >out/secret

ok 'a directory is copied with the modes in it, a file with that of its entry' '
	{ entry "~/.aws" "~/.aws"; entry "~/bin/script" "/root/bin/s" 0755
	  entry "$HOME/.config/gh/hosts.yml" "~/.config/gh/hosts.yml"; } \
		>"$conf" && listed | sort >got && [ ! -s warnings ] &&
	sort >want <<-END && same want got
	drwx------ 0/0 /
	drwxr-xr-x 0/0 /.aws
	-rw-r----- 0/0 /.aws/credentials
	drwx------ 0/0 /.aws/sso
	drwxr-xr-x 0/0 /.aws/sso/deep
	-rwxr-xr-x 0/0 /.aws/sso/run
	-rw------- 0/0 /.aws/sso/token
	-rwxr-xr-x 0/0 /bin/s
	-rw------- 0/0 /.config/gh/hosts.yml
	END'
ok 'links that the path leads through are followed inside the home' '
	{ entry "~/aws-inside/credentials" "~/1"
	  entry "~/aws-absolute" "~/2"; } >"$conf" && listed >got &&
	grep -qx -- "-rw------- 0/0 /1" got &&
	grep -qx -- "-rw-r----- 0/0 /2/credentials" got && [ ! -s warnings ]'
ok 'one that leads out of it ends everything, and the command with it' '
	entry "~/out-there/secret" "~/s" >"$conf" &&
	fails 111 bng-config sync cat >got 2>err && ! grep -q secret got &&
	grep -q "leads out of your home directory, to '\''$T/out/s" err &&
	ln -s / home/root && entry "~/root/etc/passwd" "~/s" >"$conf" &&
	says 111 "leads out of your home directory, to '\''/etc/passwd'\''" \
		bng-config sync cat && rm home/root &&
	ln -s . home/self && entry "~/self" "~/s" >"$conf" &&
	says 111 "leads out of your home" bng-config sync cat && rm home/self'
# A directory that is a link to another, and itself again, all the time, while
# each file is opened slowly: what is copied must always be what was resolved.
# shellcheck disable=SC2088  # what ~ is, banger says
raced() {
	mkdir -p home/r && echo mine >home/r/secret
	entry "~/r/secret" "~/s" >"$conf"
	(
		while [ ! -e raced ]; do
			mv -T home/r home/r.is && ln -s ../out home/r
			rm home/r && mv -T home/r.is home/r
		done
	) &
	racer=$! i=0
	while [ $((i = i + 1)) -le 25 ]; do
		strace -qq -o /dev/null -e trace=openat \
			-e inject=openat:delay_enter=2000 \
			bng-config sync cat 2>>err >>got
	done
	: >raced
	wait "$racer"
	rm raced
	! grep -q "^secret" got
}
need strace 'links that change meanwhile lead nowhere' 'raced'
ok 'links and fifos met in a directory are left out, with a warning' '
	mkdir home/d && ln -s ../../out/secret home/d/link &&
	ln -s credentials home/d/inner && mkfifo home/d/fifo &&
	echo file >home/d/file && entry "~/d" "~/d" >"$conf" && listed >got &&
	[ "$(wc -l <got)" = 3 ] && grep -q " /d/file$" got &&
	grep -c "left out '\''~/d/.*'\'': a symbolic link" warnings >n &&
	grep -qx 2 n && grep -q "~/d/fifo'\'': neither a file" warnings'
ok 'many of them are counted' '
	mkdir home/many && (cd home/many && for i in 1 2 3 4 5 6 7; do
		ln -s x a$i; ln -s x b$i; done) &&
	entry "~/many" "~/m" >"$conf" &&
	listed >got && [ "$(wc -l <warnings)" = 11 ] &&
	grep -q "left out 4 more" warnings'
ok 'what is not there is left out, with a warning, and the rest is copied' '
	{ entry "~/missing" "~/m"; entry "~/dangling" "~/d"
	  entry "~/bin/script" "~/s"; } >"$conf" && listed >got &&
	[ "$(wc -l <got)" = 2 ] && grep -q " /s$" got &&
	[ "$(grep -c "it is not there" warnings)" = 2 ]'
ok 'a fifo that is named is refused at once' '
	entry "~/fifo" "~/f" >"$conf" &&
	says 111 "neither a file nor a directory" bng-config sync cat'
need setpriv 'a file that cannot be read ends everything' '
	echo no >home/d/locked && chmod 0 home/d/locked &&
	entry "~/d" "~/d" >"$conf" && chmod 755 home home/d &&
	set -- setpriv --reuid=65534 --regid=65534 --clear-groups && {
		[ "$(id -u)" = 0 ] || set -- env; } &&
	says 111 "cannot open '\''~/d/locked'\''" "$@" bng-config sync cat &&
	rm home/d/locked'
ok 'names and contents of any length come through' '
	long=$(printf %0200d 7) && mkdir -p "home/l/$long/$long" &&
	head -c 70001 /dev/urandom >"home/l/$long/$long/é b" &&
	: >home/l/empty && entry "~/l" "~/l" >"$conf" && mkdir x &&
	bng-config sync tar -xf - -C x && diff -r home/l x/sync/l'
ok 'the status of the command is that of sync; a missing one is 127' '
	entry "~/l" "~/l" >"$conf" &&
	fails 7 bng-config sync sh -c "cat >/dev/null; exit 7" &&
	says 127 "cannot run" bng-config sync no-such-command'

store || exit 1
ok 'a new machine has it on its work disk, all of it root'\''s' '
	{ entry "~/.aws" "~/.aws"; entry "~/bin/script" "~/bin/s" 0755
	  entry "~/missing" "~/m"; } >"$conf" &&
	banger vm create -q --no-start --image tiny m 2>err &&
	grep -q "banger: file_sync: left out '\''~/missing'\''" err &&
	work=$BANGER_STATE/vms/m/work.ext4 &&
	[ "$(bng-disk get "$work" /sync/.aws/credentials)" = key ] &&
	bng-disk list -l "$work" /sync/bin >got && cat got &&
	grep -q "^100755${tab}1${tab}0${tab}0${tab}7${tab}" got'
ok 'nothing is made where it cannot be copied, and nothing is left' '
	entry "~/out-there/secret" "~/s" >"$conf" &&
	says 1 "leads out of your home directory" \
		banger vm create -q --no-start --image tiny n &&
	[ "$(ls -A "$BANGER_STATE/vms")" = m ]'
at_end 'banger vm delete m >/dev/null'
ok 'in the guest it is in /root, for root alone to change' '
	banger vm start -q m && banger vm exec m -- sh -c "
		cd /root && cat .aws/credentials bin/s &&
		stat -c \"%a %u:%g %n\" . .aws .aws/sso .aws/sso/run bin/s &&
		ls -A" >got && sort >want <<-END && sort got | same want -
	key
	script
	700 0:0 .
	755 0:0 .aws
	700 0:0 .aws/sso
	755 0:0 .aws/sso/run
	755 0:0 bin/s
	.aws
	.ssh
	bin
	END'
done_testing
