#!/bin/sh
# vm workspace prepare: a repository copied into a machine that runs, again
# and again; and vm exec, which runs there and knows when it is stale.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"
. "$TOP/t/git.sh"

had=$BANGER_STATE/vms/web/workspace

prepare() { banger vm workspace prepare -q web "$@"; }
asks() { grep -c "^agent $1" asked; }

# A repository, and a machine that runs.
git init -q repo
(
	cd repo || exit
	mkdir sub
	printf 1 >a
	printf 2 >sub/b
	printf '*.o\n' >.gitignore
	git add -A
	git commit -qm one
)
banger vm create -q --image fake web >/dev/null || exit

ok 'a repository is copied, and where to is the answer' '
	[ "$(prepare repo)" = /root/repo ] && same repo/sub/b "$copy/sub/b" &&
	[ -z "$(git -C "$copy" status --porcelain)" ] &&
	[ "$(cat "$had/host_path")" = "$T/repo" ] &&
	[ "$(cat "$had/guest_path")" = /root/repo ] &&
	[ "$(cat "$had/head")" = "$(git -C repo rev-parse HEAD)" ] &&
	[ "$(cat "$had/mode")" = shallow_overlay ] &&
	[ ! -e "$had/readonly" ] && [ ! -e "$had/scratch" ]'
ok 'the repository is the one around us when none is named' '
	banger vm create -q --image fake here >/dev/null && cd repo/sub &&
	banger vm workspace prepare -q here --guest-path /srv/x >../../out &&
	cd ../.. && [ "$(cat out)" = /srv/x ] &&
	same repo/a guest/srv/x/a && banger vm delete here'
ok 'show and list tell of it' '
	banger vm show web | grep -q "^mode  *shallow_overlay" &&
	[ "$(banger vm show --json web | jq -r .workspace.mode)" = \
		shallow_overlay ]'
ok 'a second time the copy becomes what the repository is now' '
	echo 3 >repo/new && rm repo/a && git -C repo add -A &&
	git -C repo mv sub/b moved && git -C repo commit -qm two &&
	echo dirty >>repo/new && prepare repo && [ ! -e "$copy/a" ] &&
	[ ! -e "$copy/sub" ] && same repo/new "$copy/new" &&
	git -C repo status --porcelain -b >here &&
	git -C "$copy" status --porcelain -b >there && same here there'
ok 'what git ignores there, a build say, survives' '
	mkdir "$copy/build" && echo o >"$copy/build/x.o" && prepare repo &&
	[ -f "$copy/build/x.o" ]'
ok 'a repository of its own that the guest has cloned into it survives' '
	git clone -q repo "$copy/vendor" && prepare repo &&
	[ -f "$copy/vendor/moved" ]'
# refused: so is another preparation, without a word of what would be lost.
refused() {
	cp -a "$copy" kept &&
		says 1 "the guest has changes there" prepare repo &&
		grep -q "^try: banger vm workspace export web, .*--force" \
			.err &&
		diff -r --no-dereference "$copy" kept && rm -rf kept
}
ok 'a file that the guest has changed keeps it from being replaced' '
	echo guest >>"$copy/new" && refused && echo dirty >here &&
	printf "3\ndirty\n" >"$copy/new" && prepare repo'
ok 'a file that it has added does, and one that it has removed' '
	echo x >"$copy/added" && refused && rm "$copy/added" &&
	rm "$copy/moved" && refused && cp repo/moved "$copy/moved" &&
	prepare repo'
ok 'a commit does, also when no file has changed, and so does a stash' '
	git -C "$copy" commit -q --allow-empty -m mine && refused &&
	prepare --force repo && git -C "$copy" stash -q &&
	git -C "$copy" stash apply -q && refused && prepare --force repo &&
	git -C "$copy" branch side && refused && prepare --force repo &&
	git -C repo rev-parse HEAD >here &&
	git -C "$copy" rev-parse HEAD >there && same here there'
ok 'with --force the copy is as new' '
	echo x >"$copy/added" && echo y >"$copy/new" && rm "$copy/moved" &&
	git -C "$copy" add -A && prepare --force repo &&
	[ ! -e "$copy/added" ] && same repo/new "$copy/new" &&
	[ -f "$copy/moved" ] && [ -f "$copy/build/x.o" ]'
ok 'what is not ours is left alone, and said' '
	mkdir -p guest/root/mine guest/root/own && echo m >guest/root/mine/m &&
	git init -q guest/root/own && : >guest/root/file &&
	says 1 "not empty, and no copy" prepare --guest-path /root/mine repo &&
	says 1 "repository of its own" prepare --guest-path /root/own repo &&
	says 1 "repository of its own" \
		prepare --force --guest-path /root/own repo &&
	says 1 "not a directory" prepare --guest-path /root/file repo &&
	[ -z "$(ls guest/root/own)" ] && [ "$(ls guest/root/mine)" = m ] &&
	[ "$(cat "$had/guest_path")" = /root/repo ]'
ok 'over what is no repository it is put with --force, removing nothing' '
	prepare --force --guest-path /root/mine repo &&
	[ -f guest/root/mine/m ] && same repo/new guest/root/mine/new &&
	prepare repo'
ok 'what failed half-way can be done again' '
	echo 4 >>repo/new && echo "bng-agent: no space left" >fail.put &&
	says 1 "no space left" prepare repo && rm fail.put &&
	[ ! -e "$had/scratch" ] && prepare repo && same repo/new "$copy/new"'
ok 'a repository that cannot be copied costs the guest nothing' '
	git clone -q repo broken && find broken/.git/objects -type f \
		-exec rm -f {} + && cp -a "$copy" kept &&
	says 1 "HEAD is missing" prepare broken && diff -r "$copy" kept &&
	rm -rf kept'
ok 'what cannot be copied is said in full, and which file cannot be read' '
	mkdir none && cd none && says 1 "'\''$T/none'\'': not a git" \
		banger vm workspace prepare web && cd .. &&
	cp -a repo shut && echo more >>shut/moved &&
	says 1 "open(\"moved\"): Permission denied" strace -f -qq -P moved \
		-e trace=openat,open -e inject=openat,open:error=EACCES \
		-o /dev/null sh -c "exec banger vm workspace prepare -q web \
		shut"'
ok 'a path in the guest is absolute and plain' '
	for path in rel / // /a/../b /a/./b "/a//b" "$(printf "/a\nb")"; do
		says 2 "--guest-path" prepare --guest-path "$path" repo ||
			exit
	done && says 2 "'\''/'\'' is not" prepare --guest-path / repo &&
	says 2 "is neither" prepare --mode half repo &&
	says 2 "needs --branch" prepare --from HEAD repo'
ok '--dry-run lists and copies nothing' '
	: >asked && banger vm workspace prepare -q --dry-run web repo >list &&
	git -C repo ls-files >there && same list there && [ ! -s asked ]'
ok '--branch and --from are those of vm run' '
	rm -rf "$copy/vendor" && prepare repo --branch fix --from HEAD~1 &&
	[ "$(git -C "$copy" symbolic-ref --short HEAD)" = fix ] &&
	[ "$(cat "$copy/sub/b")" = 2 ] && [ ! -e "$copy/new" ] &&
	[ "$(cat "$had/from")" = HEAD~1 ] &&
	[ -z "$(git -C "$copy" status --porcelain)" ] && prepare repo &&
	[ ! -e "$had/from" ]'
ok 'a machine that does not run, or is none, is refused' '
	banger vm create -q --no-start --image fake off &&
	says 1 "is not running" banger vm workspace prepare off repo &&
	says 1 "no machine" banger vm workspace prepare nobody repo &&
	says 1 "is not running" banger vm workspace export off \
		--guest-path /x && banger vm delete off'

exec_() { banger vm exec web "$@"; }
ok 'vm exec runs in the copy, or in the one that is named' '
	exec_ -- pwd >out 2>err && [ "$(cat out)" = "$copy" ] && [ ! -s err ] &&
	exec_ --guest-path /root/mine -- pwd >out &&
	[ "$(cat out)" = "$T/guest/root/mine" ] &&
	says 2 "exclude each other" exec_ --guest-path /x -C /y -- pwd &&
	says 2 "is not an absolute path" exec_ --guest-path x -- pwd &&
	says 2 "is not a plain path" exec_ --guest-path /a/../b -- pwd'
stale() { exec_ "$@" -- true 2>err && grep -q "has changed since" err; }
ok 'it says when the repository has moved on: a commit, a file' '
	git -C repo commit -q --allow-empty -m three && stale &&
	[ "$(wc -l <err)" = 1 ] && prepare repo && ! stale &&
	echo 5 >>repo/moved && stale && prepare repo && ! stale &&
	echo 6 >>repo/moved && stale && prepare repo &&
	touch repo/moved && ! stale && echo u >repo/untracked && ! stale &&
	rm repo/untracked'
ok 'it does not say so when asked to be quiet, or elsewhere' '
	echo 7 >>repo/moved && ! stale -q && ! stale -C /root && stale &&
	mkdir -p "$copy/d" && stale -C /root/repo/d && rmdir "$copy/d"'
ok '--auto-prepare copies again, and only then' '
	exec_ --auto-prepare -- cat moved 2>err >out && same repo/moved out &&
	! grep -q "has changed" err && : >asked &&
	exec_ --auto-prepare -- true && [ "$(asks put)" = 0 ] &&
	[ "$(asks exec)" = 1 ]'
ok 'so it is with a repository whose path has newlines and blanks' '
	odd=$(printf "odd dir/re\\\\po\n\tx  .") && odd=${odd%.} &&
	mkdir -p "$odd" && cp -a repo/. "$odd" && prepare "$odd" &&
	! stale && echo 10 >>"$odd/moved" && stale && [ "$(wc -l <err)" = 1 ] &&
	exec_ --auto-prepare -- cat moved 2>err >out &&
	same "$odd/moved" out && [ "$(wc -l <"$had/host_path")" = 1 ] &&
	prepare repo'
ok 'it does so the way it was done before' '
	echo u >repo/untracked && prepare --include-untracked repo \
		--guest-path /srv/copy && echo 8 >>repo/moved &&
	exec_ -q --auto-prepare -- pwd >out &&
	[ "$(cat out)" = "$T/guest/srv/copy" ] &&
	same repo/moved guest/srv/copy/moved &&
	[ -f guest/srv/copy/untracked ] && [ "$(cat "$had/untracked")" = yes ]'
ok 'what the guest has changed stops it, before the command' '
	echo g >>guest/srv/copy/moved && echo 9 >>repo/moved &&
	says 125 "the guest has changes" exec_ -q --auto-prepare -- touch ran &&
	grep -q "; banger vm workspace prepare --force drops them" .err &&
	[ ! -e guest/srv/copy/ran ]'
ok 'a repository that is gone has not changed; there is nothing to copy' '
	mv repo away && exec_ -- true 2>err && [ ! -s err ] &&
	says 125 "no such directory" exec_ --auto-prepare -- true &&
	mv away repo'
ok 'a machine without a copy starts in /root and has nothing to prepare' '
	banger vm create -q --image fake bare >/dev/null &&
	[ "$(banger vm exec bare -- pwd)" = "$T/guest/root" ] &&
	says 125 "has no workspace" banger vm exec bare --auto-prepare -- pwd &&
	says 1 "has no workspace" banger vm workspace export bare &&
	banger vm delete bare'
ok 'without a copy vm exec starts nothing else' '
	banger vm create -q --image fake bare >/dev/null && strace -f -qq \
		-e trace=execve -o trace sh -c "exec banger vm exec bare -- \
		true" && grep -c "execve.* = 0" trace >n &&
	! grep -q "/git\"" trace && banger vm delete bare'

done_testing
