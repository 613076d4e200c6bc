#!/bin/sh
# vm workspace export: what a guest has changed, as a patch for git apply.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"
. "$TOP/t/git.sh"

# both COMMAND: in the guest's copy, of a repository that is copied anew; the
# patch of it makes of the repository on the host what the guest has.
diff_() { banger vm workspace export web "$@"; }
fresh() {
	rm -rf work "$copy" && cp -a repo work &&
		banger vm workspace prepare -q --force web work >/dev/null
}
edit() {
	fresh && (cd "$copy" && eval "$1") && kept_apart &&
		git -C work apply --whitespace=nowarn "$T/patch" && alike
}
# The patch is made, and in the guest nothing is different afterwards.
kept_apart() {
	rm -rf kept && cp -a "$copy" kept &&
		diff_ -q >"$T/patch" &&
		diff -r --no-dereference "$copy" kept &&
		[ "$(stat -c %Y.%y "$copy/.git/index")" = \
			"$(stat -c %Y.%y kept/.git/index)" ]
}
# The same files, executable or not, links and all.
alike() {
	listing work >here && listing "$copy" >there && same here there
}
listing() (
	cd "$1" && git ls-files -z -c -o --exclude-standard --deduplicate |
		while_there | sort -z | tr '\0' '\n'
)
while_there() {
	xargs -0 sh -c 'for f; do
		if [ -L "$f" ]; then
			printf "%s link %s\0" "$f" "$(readlink "$f")"
		elif [ -f "$f" ]; then
			x=-
			[ ! -x "$f" ] || x=x
			printf "%s %s %s\0" "$f" $x "$(cksum <"$f")"
		fi
	done' sh
}

git init -q repo
(
	cd repo || exit
	mkdir -p deep/er 'sp ace'
	seq 200 >numbers
	seq 300 500 >deep/er/numbers
	printf 'no newline at the end' >bare
	printf 'a\r\nb\r\n' >dos
	head -c 3000 /dev/urandom >blob
	printf '#!/bin/sh\n' >run
	chmod +x run
	ln -s numbers link
	: >empty
	echo 1 >'sp ace/x y'
	echo 2 >"$(printf 'new\nline')"
	echo 3 >"$(printf 'bad\377byte')"
	echo 4 >'quo"te\'
	printf '*.o\n' >.gitignore
	git add -A
	git commit -qm one
)
banger vm create -q --image fake web >/dev/null || exit
fresh || exit

ok 'nothing changed: an empty patch, status 0, and a note' '
	diff_ >patch 2>err && [ ! -s patch ] &&
	grep -q "^nothing has changed in ./root/repo. of machine" err &&
	diff_ -q 2>err && [ ! -s err ]'
ok 'changes, whether staged or not' '
	edit "echo 201 >>numbers; echo 501 >>deep/er/numbers;
		git add deep; echo 502 >>deep/er/numbers; rm dos"'
ok 'new files, staged or not, empty ones, in new directories' '
	edit "echo n >new; : >void; mkdir -p a/b; echo c >a/b/c;
		echo s >staged; git add staged"'
ok 'ignored files do not come, those added in spite of it do' '
	fresh && echo 1 >"$copy/x.o" && echo 2 >"$copy/y.o" &&
	git -C "$copy" add -f y.o && diff_ >patch &&
	git -C work apply "$T/patch" && [ -f work/y.o ] && [ ! -e work/x.o ] &&
	fresh && echo 1 >"$copy/x.o" &&
	diff_ >patch && [ ! -s patch ]'
ok 'commits' '
	edit "echo 201 >>numbers; git commit -qam two; echo 202 >>numbers;
		git commit -qam three; git checkout -q --detach HEAD~1;
		echo 203 >>numbers" && grep -q "^+201" patch'
ok 'deletions, renames, and copies of a whole directory' '
	edit "rm -r deep; git mv numbers renamed; mv bare moved;
		cp -r \"sp ace\" other; echo x >>other/\"x y\"" &&
	grep -q "^rename to renamed" patch'
ok 'modes, links, and what turns into the other' '
	edit "chmod -x run; chmod +x numbers; ln -sfn bare link;
		rm dos; ln -s nowhere dos; rm empty; mkdir empty;
		echo in >empty/in; ln -s /etc/passwd out"'
ok 'binary files, new and changed' '
	edit "head -c 5000 /dev/urandom >blob; head -c 100 /dev/urandom >raw;
		printf \"\\0\" >nul" && grep -q "^GIT binary patch" patch'
ok 'odd names, with blanks, quotes, newlines and bytes that are no text' '
	edit "for f in *; do [ -d \"\$f\" ] || [ -L \"\$f\" ] ||
			echo more >>\"\$f\"; done
		echo 5 >>\"sp ace/x y\"; echo t >\"\$(printf \"a\\tb\")\";
		echo d >./-dash; echo g >\"gl*b[\"; echo u >ümläut"'
ok 'line ends and their lack are kept' '
	edit "printf \"a\\r\\nb\\nc\" >dos; printf x >bare;
		printf \"\\n\" >>empty"'
ok 'a merge that is not resolved comes as the files are' '
	edit "git checkout -q -b side; echo s >numbers; git commit -qam s;
		git checkout -q trunk; echo t >numbers; git commit -qam t;
		git merge side || :" && grep -q "^+<<<<<<<" patch'
ok 'repositories that the guest has cloned there stay out of it' '
	fresh && git clone -q repo "$copy/inner" && git init -q "$copy/new" &&
	diff_ >patch && [ ! -s patch ]'
ok 'what had not been committed on the host is no part of it' '
	fresh && echo local >>work/numbers && echo s >work/staged &&
	git -C work add staged && rm work/dos && echo u >work/u &&
	banger vm workspace prepare -q --include-untracked web work &&
	diff_ -q >patch && [ ! -s patch ] &&
	echo guest >>"$copy/numbers" && echo guest >>"$copy/u" &&
	diff_ >patch && git -C work apply "$T/patch" && alike &&
	! grep -q "^+local" patch'
# stored EDIT [MODE]: changes on the host, whose objects git has stored, come
# all; the patch is of what the guest adds.
stored() {
	fresh && (cd work && echo wip >>numbers && echo wip >>deep/er/numbers &&
		eval "$1") && banger vm workspace prepare -q --force \
		--mode "${2:-shallow_overlay}" web work &&
		git -C "$copy" fsck --strict >said 2>&1 && [ ! -s said ] &&
		diff_ -q >"$T/patch" && [ ! -s patch ] &&
		echo guest >>"$copy/numbers" && diff_ >"$T/patch" &&
		git -C work apply "$T/patch" && alike && ! grep "^+wip" patch
}
ok 'nor is what the repository had stored before: a commit that was undone' '
	stored "git commit -qam wip; git reset -q HEAD^" &&
	[ -z "$(ls "$copy/.git/banger" | grep objects)" ] &&
	stored "git commit -qam wip; git reset -q HEAD^" full_copy'
ok 'a stash that was applied, what was staged once, what is staged' '
	stored "git stash -q; git stash apply -q" &&
	stored "git add -A; git reset -q" &&
	stored "git add -A; git write-tree"'
ok 'nothing that the guest has set for git matters' '
	fresh && cd "$copy" && git config diff.noprefix true &&
	git config diff.external false && git config color.diff always &&
	git config core.safecrlf true && git config diff.mnemonicPrefix true &&
	git config core.autocrlf input && git config diff.orderFile nope &&
	git config diff.ignoreSubmodules all && git config core.pager false &&
	git config diff.x.textconv false && echo "* diff=x" >.gitattributes &&
	printf "x\r\n" >>new && echo 201 >>numbers && cd - >/dev/null &&
	diff_ >patch && git -C work apply "$T/patch" &&
	[ "$(tail -n 1 work/numbers)" = 201 ]'
ok 'an index that is split, packed objects, a collected copy' '
	edit "git update-index --split-index; git gc -q --prune=now;
		echo 201 >>numbers; git add numbers; git stash -q;
		git stash pop -q; git gc -q --prune=now; git pack-refs --all"'
ok 'a copy of which nothing was committed' '
	rm -rf work && git init -q work && echo a >work/a &&
	git -C work add a && banger vm workspace prepare -q --force web work &&
	diff_ -q >patch && [ ! -s patch ] && echo b >>"$copy/a" &&
	git -C "$copy" add a && git -C "$copy" commit -qm 1 &&
	diff_ >patch && git -C work apply "$T/patch" && same work/a "$copy/a"'
ok 'a sparse checkout: what is left out is not deleted' '
	rm -rf work && git clone -q repo work &&
	git -C work sparse-checkout set deep &&
	banger vm workspace prepare -q --force web work &&
	diff_ -q >patch && [ ! -s patch ] &&
	echo 501 >>"$copy/deep/er/numbers" && diff_ >patch &&
	git -C work apply "$T/patch" && [ "$(grep -c ^diff patch)" = 1 ]'
ok '--base-commit: since a commit of the guest' '
	fresh && echo 201 >>"$copy/numbers" && git -C "$copy" commit -qam 2 &&
	echo x >>"$copy/bare" && diff_ --base-commit HEAD >patch &&
	! grep -q 201 patch && grep -q "^+++ b/bare" patch &&
	says 1 "no such commit" diff_ --base-commit nope &&
	says 1 "no such commit" diff_ --base-commit=--output=/tmp/x'
ok '-o: the whole patch in a file, or the file as it was' '
	echo old >file && echo y >"$copy/y" && diff_ -o file >out &&
	[ ! -s out ] && diff_ >patch && same patch file &&
	echo "bng-agent: lost" >fail.exec && says 1 "lost" diff_ -o file &&
	fails 1 diff_ >out 2>err && rm fail.exec && [ ! -s out ] &&
	same patch file && [ "$(ls | grep -c ^file)" = 1 ] &&
	says 1 "cannot write" diff_ -o none/file &&
	diff_ -o /dev/stdout | cmp - patch &&
	says 1 "cannot write '\''.'\'': Is a directory" diff_ -o . &&
	[ "$(wc -l <.err)" = 1 ] &&
	says 1 "cannot write '\''/dev/full'\'': No space" diff_ -o /dev/full'
ok 'a terminal sees no control characters of the guest' '
	printf "\033[31mred\a" >"$copy/esc" &&
	script -qec "banger vm workspace export web" /dev/null >out &&
	grep -q "+.31mred" out && ! grep -q "$(printf "\033")" out'
ok 'what cannot be exported is said in a line, and what to do' '
	fresh && git -C "$copy" update-ref -d refs/banger/base &&
	says 1 "not on record" diff_ && grep -q "^try: --base-commit" .err &&
	rm -rf "$copy/.git" && says 1 "no git repository" diff_ &&
	rm -rf "$copy" && says 1 "no such directory" diff_ &&
	says 1 "no such directory" diff_ --guest-path /nowhere'
nogit() {
	mkdir -p few && for c in sh cat rm mktemp cp ls head sed; do
		ln -sf "$(command -v $c)" few/$c || return
	done
	cat >fake/few <<-'EOF'
	#!/bin/sh
	export PATH="$T/few"
	exec "$@"
	EOF
	chmod +x fake/few
	sed -i 's|^	exec "$@"|	exec ${FEW-} "$@"|' fake/bng-agent
}
ok 'a guest without git cannot, and nobody knows what has changed there' '
	fresh && nogit && export FEW="$T/fake/few" &&
	says 1 "git is not installed there" diff_ &&
	grep -q "^try: .* apt-get install git" .err && echo x >work/new &&
	git -C work add new && says 1 "nobody knows what has changed" \
		banger vm workspace prepare web work &&
	banger vm workspace prepare -q --force web work && [ -f "$copy/new" ]'
ok 'nothing of all that is left behind, here or there' '
	unset FEW && mkdir tmp && fresh && echo 1 >"$copy/1" &&
	TMPDIR=$T/tmp diff_ >patch && [ -s patch ] &&
	[ -z "$(ls -A tmp)" ]'

done_testing
