# git.sh - git as nobody has set it up, for the tests of workspaces
#
#	. "$TOP/t/git.sh"		(after lib.sh)
#
# HOME is a directory of the test's own. With t/fake.sh, $copy is where the
# guest's copy of a repository is.
#
# shellcheck shell=sh disable=SC2034
HOME=$T/home GIT_CONFIG_NOSYSTEM=1
export HOME GIT_CONFIG_NOSYSTEM
mkdir home
git config --global user.name 'A Tester'
git config --global user.email t@example.org
git config --global init.defaultBranch trunk
git config --global protocol.file.allow always
copy=$T/guest/root/repo
