#!/bin/sh
# What --json prints is what doc/schema says; vm stats and ports are in 0910.
# shellcheck disable=SC2086 # words of a verb
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"
. "$TOP/t/agentd.sh"
. "$TOP/sh/verbs"
. "$TOP/sh/things"
use() { :; }	# they are there

# fits VERB WORD...: its document is one, and is as described. What it says
# with --available is another.
fits() {
	_verb=$1
	shift
	banger $_verb --json "$@" >document 2>err
	_status=$?
	[ "$_status" -le 1 ] && [ ! -s err ] || { cat err; return 1; }
	case " $* " in
	*" --available "*) _verb="$_verb available" ;;
	esac
	python3 "$TOP/t/fits.py" "$(echo "$_verb" | tr " " -)" document ||
		{ cat document; return 1; }
}

with_json() {
	case " $4 " in
	*" json available "*) echo "$1 available" | tr " " - ;;
	esac
	case " $4 " in
	*" json "*) echo "$1" | tr " " - ;;
	esac
}
set +f
ok 'every verb with --json has its schema, and nothing else has' '
	each_verb with_json | sort >verbs && (cd "$TOP/doc/schema" &&
	printf "%s\n" *.json) | sed "s/\.json\$//" | sort >schemas &&
	same verbs schemas && [ "$(wc -l <verbs)" -ge 10 ]'
set -f
ok 'doc/json.md names them all' '
	while read -r one; do
		grep -qF "(schema/$one.json)" "$TOP/doc/json.md" ||
			{ echo "$one"; exit 1; }
	done <verbs'
ok 'of what is not there: an empty array' '
	fits "vm list" && fits "vm snapshots" && fits "image list" &&
	BANGER_STATE=$T/none fits "image list" &&
	[ "$(jq length document)" = 0 ]'
banger vm create -q --image fake web >/dev/null
banger vm create -q --image fake --no-start idle >/dev/null
vms=$BANGER_STATE/vms
ok 'machines, that run, that never did, that failed' '
	fits "vm list" && [ "$(jq length document)" = 2 ] &&
	fits "vm show" web && fits "vm show" idle &&
	echo "out of \"luck\"" >"$vms/idle/error" && fits "vm show" idle &&
	[ "$(jq -r .error document)" = "out of \"luck\"" ]'
ok 'snapshots' '
	mkdir -p "$vms/web/snapshots/first" &&
	echo 1 >"$vms/web/snapshots/first/created" &&
	fits "vm snapshots" && fits "vm snapshots" web &&
	[ "$(jq length document)" = 1 ]'
ok 'images and kernels, also those whose manifest is bad' '
	mkdir "$BANGER_STATE/images/odd" &&
	: >"$BANGER_STATE/images/odd/rootfs.ext4" &&
	echo nonsense >"$BANGER_STATE/images/odd/manifest.json" &&
	fits "image list" && [ "$(jq length document)" = 2 ] &&
	fits "image show" fake && fits "image show" odd &&
	fits "kernel list" && fits "kernel show" fake'
ok 'those that can be had' '
	fits "image list" --available &&
	jq -e ".[] | select(.name == \"debian-minimal\").from == \"recipe\"" \
		document && fits "kernel list" --available &&
	[ "$(jq length document)" -ge 1 ]'
ok 'the host: VMMs, findings, settings' '
	fits "vmm list" && fits doctor && fits "config show"'
printf 'default_image_name = "a"\n[[file_sync]]\nhost = "%s"\n%s\n' \
	"$T/toml" 'guest = "~/c"' >toml
ok 'settings, whoever decides: a flag, the environment, a file, host, banger' '
	(export HOME=$T BANGER_CONFIG=$T/toml BANGER_IMAGE_PATH=/x &&
	fits "config show" --vcpu 1) &&
	[ "$(jq -r ".[].from" document | sort -u | tr "\n" " ")" = \
		"built-in config environment flag host " ] &&
	jq -e ".[] | select(.variable == \"BANGER_IMAGE_PATH\" and
		.from == \"environment\")" document &&
	jq -e ".[] | select(.file == \"$T/toml\" and .line == 1)" document'
agentd_start kept -m || exit
ok 'the version' '
	fits version && [ "banger $(jq -r .version document)" = \
		"$(banger version)" ]'
# left: what a crash leaves, of each kind but a VMM that runs on.
left() {
	echo "1 1" >"$vms/idle/supervisor" && : >"$vms/idle/agent.sock" &&
		mkdir "$vms/.new.gone.999999999" "$BANGER_STATE/images/.x" &&
		cp -r "$vms/idle" "$vms/half" &&
		echo "999999999 1" >"$vms/half/maker"
}
acts() { jq -r ".[] | [.action, .path // .machine, .done] | @csv" document; }
ok 'what gc would clean up, and what it did' '
	fits gc && [ "$(jq length document)" = 0 ] && left &&
	fits gc --dry-run && acts | sort >would && cat would &&
	[ "$(wc -l <would)" = 3 ] && ! grep -v ",false\$" would &&
	fits gc && acts | sort | sed "s/,true\$/,false/" | same - would &&
	grep -x "\"remove\",\"vms/.new.gone.999999999\",false" would &&
	grep -x "\"delete\",\"half\",false" would &&
	grep -x "\"clean\",\"idle\",false" would && [ ! -e "$vms/half" ] &&
	fits gc && [ "$(jq length document)" = 0 ]'
ok 'also of what makes images, wherever that is' '
	mkdir -p tmp && export TMPDIR="$T/tmp" &&
	at="$T/tmp/banger-make.999999999.1" && mkdir "$at" && fits gc -n &&
	[ -d "$at" ] && fits gc && [ "$(acts)" = \
		"\"remove\",\"$at\",true" ] && [ ! -e "$at" ]'
ok 'sessions, that run and that have ended' '
	BANGER_STATE=$T &&
	fits "vm session list" kept &&
	fits "vm session start" --cwd / --name one kept -- sh -c "exit 3" &&
	banger vm session logs -f kept one && fits "vm session show" kept one &&
	[ "$(jq .exit document)" = 3 ] &&
	fits "vm session start" --cwd / --name two kept -- sleep 600 &&
	fits "vm session list" kept && [ "$(jq length document)" = 2 ]'

done_testing
