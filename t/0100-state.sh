#!/bin/sh
# bng-state: a machine is made, named, read, changed and deleted.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"

ok 'new prints the absolute directory of a machine that nobody sees yet' '
	dir=$(bng-state new -n web tiny vcpu=3) &&
	case $dir in "$VMS"/.new.web.*) ;; *) false ;; esac &&
	[ -d "$dir" ] && [ -z "$(bng-state list -q)" ] &&
	rm -r "$dir"'

ok 'a new machine has every value, each one line, private' '
	machine full vcpu=3 memory_mib=512 disk_bytes=1073741824 vmm=qemu \
		nested=yes ephemeral=yes workspace/host_path="/a b" &&
	bng-state get full image kernel vcpu memory_mib disk_bytes vmm net \
		ip gateway dns nat nested ephemeral workspace/host_path \
		image_dir kernel_dir >got &&
	printf "%s\n" tiny k 3 512 1073741824 qemu user 10.0.2.15/24 10.0.2.2 \
		10.0.2.3 yes yes yes "/a b" images/tiny kernels/k >want &&
	same got want &&
	grep -Eqx "[0-9a-f]{32}" "$VMS/full/id" &&
	grep -Eqx "[0-9]+" "$VMS/full/created" &&
	[ ! -e "$VMS/full/maker" ] &&
	[ -z "$(find "$VMS/full" -type f ! -perm 0600)" ]'

ok 'two machines never have the same id' '
	machine id1 && machine id2 &&
	! cmp -s "$VMS/id1/id" "$VMS/id2/id"'

ok 'what was not asked for has a default' '
	machine plain &&
	bng-state get plain vcpu memory_mib disk_bytes vmm net nat nested \
		ephemeral >got &&
	printf "%s\n" 2 1024 8589934592 auto user yes no no >want &&
	same got want'

ok 'a machine without a network has no address' '
	machine lone net=none && fails 1 bng-state get lone ip'

ok 'each of the four bad names is told from the others' '
	says 100 "a name is required" bng-state new -n "" tiny &&
	says 100 "at most 63 characters, this one has 64" bng-state new -n \
		"$(printf %064d 0)" tiny &&
	says 100 "character 4 is not one of" bng-state new -n "webX" tiny &&
	says 100 "neither starts nor ends" bng-state new -n "web-" tiny'

ok 'a missing image is status 2, a missing kernel 3' '
	says 2 "there is no image '\''nope'\''" bng-state new nope &&
	says 2 "there is no image" bng-state new ../tiny &&
	says 3 "there is no kernel '\''nope'\''" \
		bng-state new tiny kernel=nope &&
	[ -z "$(find "$VMS" -name ".new*")" ]'

ok 'images and kernels are found along the paths, the own ones first' '
	mkdir -p s1/images s1/kernels s2 &&
	cp -r "$BANGER_STATE/images/tiny" s1/images/other &&
	cp -r "$BANGER_STATE/images/tiny" s1/images/tiny &&
	cp -r "$BANGER_STATE/kernels/k" s1/kernels/k2 &&
	export BANGER_IMAGE_PATH="relative::$T/s2:$T/s1/images:" &&
	export BANGER_KERNEL_PATH="$T/s1/kernels" &&
	dir=$(bng-state new -n far other kernel=k2) &&
	[ "$(bng-state get "$dir" image_dir kernel_dir)" = "$T/s1/images/other
$T/s1/kernels/k2" ] && rm -r "$dir" &&
	dir=$(bng-state new -n near tiny) &&
	[ "$(bng-state get "$dir" image_dir)" = images/tiny ] &&
	rm -r "$dir"'

for bad in vcpu=0 vcpu=257 vcpu=2x vcpu= vcpu=02 vcpu=-1 memory_mib=1 \
	memory_mib=99999999999999999999 disk_bytes=8G vmm=bochs \
	vmm=aut net=tap nat=maybe nested=1 ephemeral=YES kernel=../k \
	owner=me owner='1 2 3' \
	workspace/host_path=rel "workspace/head=$(printf 'a\033b')" image=x \
	id=x workspace/../x=1 workspace/=1 =1; do
	export bad
	shown=$(printf %s "$bad" | tr -d '\033')
	ok "refused before anything is made: $shown" '
		says 100 "bad value" bng-state new -n bad tiny "$bad" &&
		[ -z "$(find "$VMS" -name "*bad*")" ]'
done

ok 'wrong usage is one line and the usage of that verb' '
	says 100 "an image is missing" bng-state new &&
	[ "$(wc -l <"$T/.err")" = 2 ] &&
	says 100 "not of the form" bng-state new tiny vcpu &&
	says 100 "unknown option" bng-state new -z tiny &&
	says 100 "unknown verb" bng-state nope'

ok 'a name that is taken is refused by new and by commit' '
	machine once &&
	says 1 "a machine '\''once'\'' exists already" \
		bng-state new -n once tiny &&
	dir=$(bng-state new -n twice tiny) && cp -r "$VMS/once" "$VMS/twice" &&
	says 1 "a machine '\''twice'\'' exists already" \
		bng-state commit "$dir" && [ ! -e "$dir" ]'

ok 'a name that somebody is making is refused' '
	dir=$(bng-state new -n soon tiny) &&
	says 1 "is being made already" bng-state new -n soon tiny &&
	rm -r "$dir"'

# race COUNT FILE NEW-OPTIONS: that many at once; the winners' names in FILE.
race() {
	_race_file=$2 _race=0
	: >"$2"
	while [ $((_race += 1)) -le "$1" ]; do
		(shift 2; dir=$(bng-state new "$@" tiny) &&
			bng-state commit "$dir" >>"$_race_file") &
	done
	wait
}

ok 'of ten at the same moment that want a name, one gets it' '
	race 10 won -n race && [ "$(cat won)" = race ] &&
	[ -z "$(find "$VMS" -name ".new*")" ]'

ok 'twenty at the same moment that want any name get twenty names' '
	race 20 won && [ "$(sort -u won | wc -l)" = 20 ] &&
	fails 1 grep -Evx "[a-z]+-[a-z]+" won'

# all_but COUNT: all names that there are but so many are taken.
all_but() {
	python3 - "$TOP/lib/words.c" "$VMS" "$1" <<'END'
import re, sys
text = open(sys.argv[1]).read()
first, second = ([w for w in re.findall('"([a-z]+)"', part)]
                 for part in text.split("[][8]")[1:3])
names = [a + "-" + b for a in first for b in second]
for name in names[int(sys.argv[3]):]:
    open(sys.argv[2] + "/" + name, "x").close()
END
}
ok 'where they are few, too: the eleventh of ten is another one' '
	export BANGER_STATE="$T/few" && VMS=$T/few/vms && mkdir -p "$VMS" &&
	cp -r state/images state/kernels few &&
	all_but 10 && race 30 won && cat won &&
	[ "$(sort -u won | wc -l)" = 30 ] &&
	[ "$(grep -cx "[a-z]*-[a-z]*" won)" = 10 ] && rm -r few'
ok 'commit takes only the directory of a new machine' '
	mkdir "$VMS/.new.x.y" plain &&
	says 100 "is not the directory of a new machine" \
		bng-state commit "$VMS/.new.x.y" &&
	says 100 "is not the directory" bng-state commit plain &&
	says 100 "is not the directory" bng-state commit "$VMS/once" &&
	[ -d "$VMS/once" ] && rmdir "$VMS/.new.x.y"'

ok 'set replaces values, all or none when one is bad' '
	machine alter &&
	bng-state set alter vcpu=7 workspace/head=abc &&
	[ "$(bng-state get alter vcpu workspace/head)" = "7
abc" ] &&
	says 100 "bad value" bng-state set alter vcpu=8 memory_mib=no &&
	[ "$(bng-state get alter vcpu)" = 7 ]'

ok 'set KEY= removes the value' '
	bng-state set alter workspace/head= owner= &&
	fails 1 bng-state get alter workspace/head'

ok 'set takes a directory as well as a name' '
	bng-state set "$VMS/alter" vcpu=9 && [ "$(cat "$VMS/alter/vcpu")" = 9 ]'

ok 'get prints an empty line for what is absent, and says no' '
	fails 1 bng-state get alter nope vcpu >got &&
	printf "\n9\n" >want && same got want'

ok 'get refuses keys that leave the directory' '
	says 100 "bad key" bng-state get alter ../alter/vcpu &&
	says 100 "bad key" bng-state get alter workspace/../vcpu &&
	says 100 "bad key" bng-state get alter .hidden'

ok 'del removes a machine; what is not there is a no' '
	machine gone && bng-state del gone && [ ! -e "$VMS/gone" ] &&
	says 1 "there is no machine '\''gone'\''" bng-state del gone &&
	says 100 "not a path" bng-state del ../vms/once &&
	says 100 "bad name" bng-state del ..'

ok 'del refuses a running machine' '
	machine busy && hold 8 busy &&
	says 1 "cannot delete '\''busy'\'': it is running" bng-state del busy &&
	[ -d "$VMS/busy" ] && exec 8>&- && bng-state del busy'

ok 'del does not touch what is no machine, nor what a link points at' '
	mkdir "$VMS/mine" precious && echo x >"$VMS/mine/x" &&
	ln -s "$T/precious" "$VMS/link" &&
	says 111 "does not look like a machine" bng-state del mine &&
	[ -e "$VMS/mine/x" ] && fails 111 bng-state del link &&
	[ -d precious ] && rm -r "$VMS/mine" "$VMS/link"'

ok 'pick prints a name that is free' '
	name=$(bng-state pick) && [ ! -e "$VMS/$name" ] && machine "$name"'

ok 'a manifest is written, read, and updated in place' '
	mkdir m && bng-store manifest m name=x arch=x86_64 created=12 &&
	[ "$(bng-store field m/manifest.json created)" = 12 ] &&
	bng-store manifest -u m agent="q\"\\uote" &&
	[ "$(bng-store field m/manifest.json agent)" = "q\"\\uote" ] &&
	[ "$(bng-store field m/manifest.json name)" = x ] &&
	fails 1 bng-store field m/manifest.json nope &&
	fails 1 bng-store field m/nope name'

ok 'a manifest that is none is an error, not a crash' '
	mkdir bad && for text in "" "[" "[]" "{\"name\":" "12" "null"; do
		printf %s "$text" >bad/manifest.json &&
		says 111 "cannot read" bng-store field bad/manifest.json name ||
		exit 1
	done &&
	head -c 300000 /dev/zero | tr "\0" "[" >bad/manifest.json &&
	says 111 "File too large" bng-store field bad/manifest.json name &&
	head -c 200000 /dev/zero | tr "\0" "[" >bad/manifest.json &&
	says 111 "cannot read" bng-store field bad/manifest.json name'

done_testing
