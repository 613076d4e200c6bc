#!/bin/sh
# A workspace in real guests: what a directory in their place cannot show.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store debian-minimal || exit 1

HOME=$T/home GIT_CONFIG_NOSYSTEM=1
export HOME GIT_CONFIG_NOSYSTEM
mkdir home
git config --global user.name 'A Tester'
git config --global user.email t@example.org
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'
in_web() { banger vm exec web -- "$@"; }
prepare() { banger vm workspace prepare -q "$@" >/dev/null; }

sorted='--exclude=.git --sort=name --mtime=@0 --numeric-owner --owner=0
	--group=0 --mode=g-w'
git init -q repo
(
	cd repo || exit
	mkdir dir
	seq 100 >dir/numbers
	printf '#!/bin/sh\n' >run
	chmod +x run
	ln -s run link
	echo gone >gone
	head -c 1000 /dev/urandom >blob
	echo 1 >"$(printf 'new\nline')"
	git add -A
	git commit -qm one
	echo local >>dir/numbers
)

ok 'the patch of what a guest did makes the repository what the guest has' '
	banger vm run -q -d --name web --image debian-minimal repo >/dev/null &&
	in_web sh -euc "
		echo guest >>dir/numbers
		git commit -qam mine
		chmod -x run
		rm gone link
		ln -s dir link
		mkdir -p a/b
		: >a/b/empty
		echo 2 >>\"\$(printf \"new\\nline\")\"
		head -c 2000 /dev/urandom >blob
		git mv dir/numbers moved
		[ ! -d dir ] || rmdir dir
		sha256sum .git/index .git/HEAD; git rev-parse HEAD
		ls -A /tmp
		find .git/objects | sort" >before &&
	banger vm workspace export web -o out.patch &&
	in_web sh -euc "
		sha256sum .git/index .git/HEAD; git rev-parse HEAD
		ls -A /tmp
		find .git/objects | sort" >after && same before after &&
	git -C repo apply "$T/out.patch" &&
	in_web tar -c $sorted . >there.tar &&
	tar -C repo -c $sorted . >here.tar && same here.tar there.tar'
ok 'what runs after the connection ends goes on, and is never in the way' '
	in_web sh -euc "
		mkfifo /run/go
		printf %s\\\\n \"#!/bin/sh\" \"echo \\\$1\" \
			\"[ \\\$1 = trust ] || read -r x </run/go\" \
			\"echo ended \\\$x\" >/usr/local/bin/mise
		chmod +x /usr/local/bin/mise" &&
	timeout 300 bng-agent exec -i -C / web -- sh -s -- \
		tools ./root/repo x.log <"$TOP/sh/in-guest" &&
	in_web sh -c "echo now >/run/go; while ! grep -q ended.now \
		/root/.cache/banger/x.log; do sleep 0.1; done"'
sealed() {
	fails 1 in_web touch file && fails 1 in_web rm run &&
		fails 1 in_web touch .git/x && in_web git status >out &&
		! in_web test -e file
}
ok 'nobody writes into a copy that is read-only, also after a new start' '
	prepare web --force --readonly repo && sealed &&
	[ -z "$(banger vm workspace export -q web)" ] &&
	banger vm stop -q web >out && banger vm start -q web >out && sealed'
ok 'one that is copied again is what was asked for then' '
	echo more >>repo/blob && banger vm exec --auto-prepare web -- \
		grep -q more blob && sealed &&
	prepare web repo && in_web touch file && in_web rm file'
ok 'a guest that is busybox alone gets a copy, and no patch out of it' '
	banger vm delete web >out && banger vm run -q -d --name bb \
		--image tiny --memory 256M repo >out &&
	banger vm exec bb -- cat blob >out && same repo/blob out &&
	says 1 "git is not installed" banger vm workspace export bb &&
	says 1 "nobody knows what has changed" \
		banger vm workspace prepare bb repo &&
	prepare bb --force --readonly repo &&
	fails 1 banger vm exec bb -- touch file &&
	prepare bb --force repo && banger vm exec bb -- touch file'

done_testing
