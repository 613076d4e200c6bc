#!/bin/sh
# Completion: what may follow, and three shells that a person types into.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"

# offers 'CANDIDATE...' WORD...: exactly these, in any order.
offers() {
	_want=$1
	shift
	banger __complete "$@" >said 2>err
	[ ! -s err ] || return
	_got=$(cut -f1 said | sort | tr '\n' ' ')
	_want=$(for w in $_want; do echo "$w"; done | sort | tr '\n' ' ')
	[ "$_got" = "$_want" ] || { echo "'$_got' not '$_want': $*"; return 1; }
}

ok 'nothing is there yet: no names, no errors' '
	offers "" vm show "" && offers "--" vm restore x "" &&
	BANGER_STATE=$T/none offers "" vm delete "" &&
	BANGER_STATE=relative offers "" vm delete "" &&
	(unset HOME BANGER_STATE XDG_STATE_HOME; offers "" vm delete "") &&
	[ ! -e none ]'
banger vm create -q --image fake web >/dev/null
for name in wasp idle; do
	banger vm create -q --image fake --no-start $name >/dev/null
done
ok 'verbs, by group, with what they are for' '
	offers "vm vmm version" v && offers "restart restore run" vm r &&
	offers "prepare export" vm workspace "" &&
	grep -q "^export	a patch" said &&
	offers "" xyzzy "" && offers "" vm xyzzy "" && offers "" "vm run" "" &&
	offers "list" -q vm li && offers "config completion" co &&
	offers "run restart restore" help vm r'
ok 'options, those given left out, but for what may be repeated' '
	offers "--name --nat --nested --no-bootstrap --no-nat" vm run --n &&
	offers "--name --nat --nested" vm run --no-bootstrap --no-nat --n &&
	offers "--env" vm exec --env A=1 --env B=2 --en &&
	offers "--help" vm --h && offers "--help --quiet --version" --'
ok 'the values that an option may have' '
	offers "ready boot" vm run --wait "" && offers "boot" vm run --wait b &&
	offers "--wait=boot" vm run --wait=b &&
	offers "USR1 USR2" vm kill -s U && offers "" vm run --name "" &&
	offers "fake" vm run --image fa && offers "firecracker" vmm pull ""'
ok 'machines that run, that do not, and all' '
	offers "web" vm stop "" && offers "wasp idle" vm start "" &&
	offers "web wasp idle" vm delete "" && offers "web wasp" vm show w &&
	offers "wasp idle" vm delete web "" && offers "" vm show web ""'
ok 'images, those that can be made, kernels, snapshots' '
	mkdir -p "$BANGER_STATE/vms/web/snapshots/first" &&
	echo 1 >"$BANGER_STATE/vms/web/snapshots/first/created" &&
	offers "fake" image show "" && offers "fake" kernel rm "" &&
	banger __complete image pull "" | grep -qx debian-minimal &&
	offers "oci: oci-archive: :path" image pull oci &&
	offers "prune" image cache "" &&
	offers "--run" image build --name x --run y --r &&
	offers "-- first" vm restore web "" && offers "--" vm restore idle ""'
ok 'what belongs to the command is not ours' '
	offers "--" vm exec web "" && offers "" vm exec web -- "" &&
	offers "" vm run -- ls --n'
ok 'the scripts are printed, and other shells refused' '
	for shell in bash zsh fish powershell; do
		banger completion $shell | grep -q "__complete" || exit 1
	done && says 2 "is neither bash" banger completion csh'

# typed SHELL RC KEYS...: type into an interactive shell on a terminal; what
# its last command wrote to the file out is the answer.
typed() {
	rm -f out
	_shell=$1
	shift
	mkdir -p home && printf '%s\n' "$@" |
		HOME=$T/home ZDOTDIR=$T/home XDG_CONFIG_HOME=$T/home/c \
		XDG_DATA_HOME=$T/home/d TERM=xterm \
		timeout 300 script -qec "$_shell" /dev/null >screen 2>&1
	cat -v screen
	[ -f out ]
}
tb=$(printf '\t')
need bash 'bash completes what a person types' '
	typed "bash --norc -i" "PS1=; . <(banger completion bash)" \
		"banger vm sho${tb}we${tb}--js$tb>out; exit" &&
	[ "$(jq -r .name out)" = web ] &&
	typed "bash --norc -i" ". <(banger completion bash)" \
		"banger vm set idle na${tb}n${tb}>out; exit" &&
	[ "$(bng-state get idle nat)" = no ] &&
	typed "bash --norc -i" ". <(banger completion bash)" \
		"banger vm create --no-start --image=fak${tb}n1 >out; exit" &&
	[ "$(cat out)" = n1 ]'
need zsh 'zsh completes what a person types' '
	mkdir -p home && echo "autoload -U compinit; compinit -u -D
		. <(banger completion zsh)" >home/.zshrc &&
	typed "zsh -i" "banger vm sho${tb}we${tb}--js$tb>out; exit" &&
	[ "$(jq -r .name out)" = web ]'
need fish 'fish completes what a person types' '
	mkdir -p home/c/fish &&
	echo "banger completion fish | source" >home/c/fish/config.fish &&
	typed "fish -i" "banger vm sho${tb}we${tb}--js$tb>out; exit" &&
	[ "$(jq -r .name out)" = web ]'
need zsh 'zsh finds it where it is installed' '
	mkdir -p site && cp "$TOP/completion/banger.zsh" site/_banger &&
	echo "fpath=($T/site \$fpath); autoload -U compinit; compinit -u -D" \
		>home/.zshrc &&
	typed "zsh -i" "banger vm sho${tb}we${tb}--js$tb>out; exit" &&
	[ "$(jq -r .name out)" = web ]'

ok 'without a shell it says which there are' '
	says 2 "required: bash, zsh, fish or powershell" banger completion'

done_testing
