#!/bin/sh
# what an OCI image says about how to run it, in its manifest
. "$(dirname "$0")/lib.sh"

image=$BANGER_STATE/images/app
mkdir -p "$image"
: >"$image/rootfs.ext4"
# config TEXT: the manifest made of a configuration with this in it.
config() {
	printf '{"os":"linux","config":%s,"rootfs":{}}' "$1" >config.json
	bng-store manifest -c config.json "$image" name=app kernel=k
}
# refused TEXT WHY: there is no manifest then.
refused() {
	rm -f "$image/manifest.json"
	says 111 "cannot use the configuration 'config.json': $2" config "$1" &&
		[ ! -e "$image/manifest.json" ]
}
stored() { jq -S -c .config "$image/manifest.json"; }

full='{"Env":["PATH=/app/bin:/bin","A=1 2","=x","B"],"WorkingDir":"/app",
"User":"app:www","Entrypoint":["/entry","-v"],"Cmd":["serve","a b"],
"StopSignal":"SIGQUIT","Labels":{"x":"y"},"ExposedPorts":null}'

ok 'environment, directory, user, command and signal are kept' '
	config "$full" && stored >got && printf "%s\n" \
	"{\"cmd\":[\"serve\",\"a b\"],\"cwd\":\"/app\",\"entrypoint\":\
[\"/entry\",\"-v\"],\"env\":[\"PATH=/app/bin:/bin\",\"A=1 2\"],\
\"stop_signal\":\"SIGQUIT\",\"user\":\"app:www\"}" >want && same got want &&
	[ "$(bng-store field "$image/manifest.json" name)" = app ]'
ok 'what is not there, null or empty is absent' '
	for text in "{}" null "{\"Env\":null,\"Cmd\":[],\"User\":\"\"}"; do
		config "$text" && [ "$(stored)" = "{}" ] || exit 1
	done && echo "{}" >config.json &&
	bng-store manifest -c config.json "$image" name=app &&
	[ "$(stored)" = "{}" ]'
ok 'a relative directory is meant from the root' '
	config "{\"WorkingDir\":\"srv/www\"}" &&
	[ "$(stored)" = "{\"cwd\":\"/srv/www\"}" ]'
ok 'it survives other changes, and another one takes its place' '
	config "$full" && bng-store manifest -u "$image" distro=x &&
	[ "$(jq -r .config.user "$image/manifest.json")" = app:www ] &&
	echo "{\"config\":{\"User\":\"7\"}}" >config.json &&
	bng-store manifest -u -c config.json "$image" arch=y &&
	[ "$(stored)" = "{\"user\":\"7\"}" ] &&
	[ "$(bng-store field "$image/manifest.json" distro)" = x ]'
ok 'bng-store image shows it, for people and for programs' '
	config "$full" && bng-store image app >got &&
	grep -qx "env          PATH=/app/bin:/bin" got &&
	grep -qx "             A=1 2" got &&
	grep -qx "entrypoint   /entry -v" got &&
	grep -qx "cmd          serve a b" got &&
	grep -qx "user         app:www" got && bng-store image -j app >got &&
	python3 "$TOP/t/fits.py" image-show got &&
	[ "$(jq -r .config.cmd[1] got)" = "a b" ] &&
	[ "$(jq -r .config.stop_signal got)" = SIGQUIT ]'
ok 'what is no string, or holds a NUL, is refused, and why' '
	refused "{\"User\":7}" "User is not a string" &&
	refused "{\"Env\":\"A=1\"}" "Env is not an array" &&
	refused "{\"Cmd\":[\"a\",{}]}" "Cmd holds what is not a string" &&
	refused "[]" "config is not an object" &&
	refused "{\"User\":\"a\\u0000b\"}" "it holds a NUL" &&
	config "{\"User\":\"a\\\\u0000b\"}" &&
	[ "$(jq -r .config.user "$image/manifest.json")" = "a\\u0000b" ]'
ok 'too much of anything is refused' '
	long=$(printf "%040000d" 0) && refused "{\"User\":\"$long\"}" \
		"User is longer than 255 bytes" &&
	refused "{\"WorkingDir\":\"$long\"}" "WorkingDir is longer" &&
	refused "{\"Env\":[\"A=$long\"]}" "its environment and command are" &&
	many=$(yes "\"x\"," | head -n 1024 | tr -d "\n") &&
	refused "{\"Cmd\":[$many\"x\"]}" "Cmd has more than 1024 strings" &&
	head -c 5000000 /dev/zero >config.json &&
	says 111 "File too large" bng-store manifest -c config.json \
		"$image" name=app'
ok 'what is no configuration at all is refused, not run into' '
	for text in "" "[" "12" "{} x" "{\"config\":{}"; do
		printf "%s" "$text" >config.json &&
		says 111 "it is not a JSON object" bng-store manifest \
			-c config.json "$image" name=app || exit 1
	done && yes "[" | head -c 4000000 | tr -d "\n" >config.json &&
	says 111 "it is not a JSON object" bng-store manifest \
		-c config.json "$image" name=app &&
	says 111 "No such file" bng-store manifest -c nowhere "$image" name=x'
ok 'config is set by a file alone' '
	says 100 "what -c makes" bng-store manifest "$image" config=x'
ok 'of a manifest that somebody else wrote, a bad one is said and left out' '
	for config in 7 "{\"user\":[]}" "{\"env\":[1]}" "{\"cwd\":{}}"; do
		echo "{\"name\":\"app\",\"config\":$config}" \
			>"$image/manifest.json" &&
		bng-store image -j app >got 2>err && grep -q malformed err &&
		[ "$(jq .config got)" = null ] || exit 1
	done'
done_testing
