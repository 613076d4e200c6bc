#!/bin/sh
# Tools that a repository wants from mise: installed in its machine, beside
# what a person does there, and never in the way of it.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"

mise=$(sh "$TOP/t/mise.sh" 2>/dev/null) || mise='mise, which npm has'
HOME=$T/home GIT_CONFIG_NOSYSTEM=1
export HOME GIT_CONFIG_NOSYSTEM
mkdir home
git config --global user.name 'A Tester'
git config --global user.email t@example.org
logs=$HOME/.cache/banger

run() { banger vm run --image fake "$@"; }
# The guest's mise: it says what it was asked and where, and tells when it has.
mkfifo ended
stub() {
	cat >fake/mise <<-'EOF'
	#!/bin/sh
	echo "mise $* in $PWD"
	[ "$1" = install ] || exit 0
	[ ! -f "$T/mise.fails" ] || exit 3
	[ -f "$T/mise.quiet" ] || echo done >"$T/ended"
	EOF
	chmod +x fake/mise
}
gone() { banger vm list -q | xargs -r banger vm delete >/dev/null; }

for file in mise.toml .mise.toml .tool-versions; do
	git init -q "repo$file"
	echo >"repo$file/$file"
	git -C "repo$file" add -A
	git -C "repo$file" commit -qm one
done
git init -q none
echo >none/mise.toml
echo >none/a
git -C none add a
git -C none commit -qm one

ok 'without mise in the machine that is said, and nothing else happens' '
	run --rm repomise.toml -- true 2>err &&
	grep -q "no mise, which would install the tools of mise.toml" err &&
	[ ! -e "$logs" ] && run --rm none -- true 2>err &&
	! grep -q mise err'
ok 'each of the three files has it installed, in the background' '
	stub && for file in mise.toml .mise.toml .tool-versions; do
		log=$logs/vm-run-tooling-repo$file.log
		run --rm "repo$file" -- sh -c \
			"read -r x <\"$T/ended\" && cat \"$log\"" \
			>out 2>err || exit
		grep -qx "mise install in $T/guest/root/repo" out &&
		grep -q "^the tools of $file are being installed; the log is \
/root/.cache/banger/vm-run-tooling-repo$file.log" err || exit
	done'
ok 'a file that is not copied is not looked at, one that is untracked is' '
	: >mise.quiet && : >asked && run -q -d none >name && gone &&
	! grep -q "sh -s -- tools" asked &&
	run -q -d --include-untracked none >name && gone &&
	grep -q "sh -s -- tools" asked'
ok 'of --from it is what that commit has' '
	git -C none add mise.toml && git -C none commit -qm two && : >asked &&
	run -q -d --branch x --from HEAD~1 none >name && gone &&
	! grep -q "sh -s -- tools" asked &&
	run -q -d --branch x --from HEAD none >name && gone &&
	grep -q "sh -s -- tools" asked'
ok '--no-bootstrap leaves it out' '
	: >asked && run -q -d --no-bootstrap none >name && gone &&
	! grep -q "sh -s -- tools" asked'
ok 'without a network it is refused, both options named, before anything' '
	: >asked && says 2 "--no-nat" run -d --no-nat none &&
	grep -q -e "--no-bootstrap" .err && ! grep -q "^disk" asked &&
	run -q -d --no-nat --no-bootstrap none >name && gone'
ok 'with -d it has ended when the machine is ready' '
	rm -f "$logs"/* mise.quiet && { read -r x <ended & } &&
	run -d none >name 2>err && wait $! && gone &&
	grep -q "^mise install" "$logs/vm-run-tooling-none.log" &&
	grep -qx "installing the tools of mise.toml" err'
ok 'that it fails is said, and is no failure' '
	: >mise.fails && run -q -d none >name 2>err && gone &&
	grep -q "^banger: cannot install the tools of mise.toml: .* status 3; \
banger vm exec .* -- cat /root/.cache/banger/vm-run-tooling-none.log" err &&
	run -q --rm none -- true && rm mise.fails'
ok 'a name that is odd becomes the name of a log' '
	: >mise.quiet && cp -a none "o d;d" && run -q -d "o d;d" >name &&
	gone && [ -f "$logs/vm-run-tooling-o_d_d.log" ]'
need "$mise" 'the real mise installs what a repository pins' '
	ln -sf "$mise" fake/mise && git init -q real && printf "%s\n" \
		"[tools]" "\"npm:semver\" = \"7.6.3\"" "[settings]" \
		"npm.package_manager = \"npm\"" >real/mise.toml &&
	git -C real add -A && git -C real commit -qm one &&
	run -q -d real >name && gone &&
	cat "$logs/vm-run-tooling-real.log" &&
	(cd guest/root/repo && "$mise" exec -- semver 1.2.3 -i minor) >out &&
	[ "$(cat out)" = 1.3.0 ]'

done_testing
