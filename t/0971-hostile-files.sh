#!/bin/sh
# State files that are torn, empty, huge, binary or hostile, and a state
# directory that is not as it should be: a line, and bounds.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/machine.sh"
. "$TOP/t/fakefc.sh"
firecracker 1.12.1
export BANGER_READY_TIMEOUT=20

# polite COMMAND...: it ends soon and not by a signal; it says a line, and a
# hint at most, none of which a terminal would act on.
polite() {
	timeout 100 "$@" >"$T/out" 2>"$T/err"
	_polite=$?
	[ "$_polite" -lt 124 ] || [ "$_polite" = 125 ] || {
		echo "status $_polite: $*"
		return 1
	}
	[ "$(wc -l <"$T/err")" -le 3 ] || {
		echo "so many lines: $*"
		cat "$T/err"
		return 1
	}
	! cat "$T/out" "$T/err" | tr -d "\n\t" |
		LC_ALL=C grep -qP "[\x00-\x1f\x7f]|\xc2[\x80-\x9f]" || {
		echo "control bytes: $*"
		cat -v "$T/out" "$T/err"
		return 1
	}
	[ "$(cat "$T/out" "$T/err" | wc -c)" -lt 20000 ] || {
		echo "a lot to read: $*"
		return 1
	}
}

# spoil HOW FILE
spoil() {
	rm -rf "$2"
	case $1 in
	empty) : >"$2" ;;
	torn) printf 12 >"$2" ;;
	text) echo 'no such thing' >"$2" ;;
	escape) printf '\033]0;owned\007\033[2J\r\302\2332J\n' >"$2" ;;
	binary) printf '\001\000\377\000x\n\000' >"$2" ;;
	digits) printf '%0300d\n' 9 >"$2" ;;
	minus) echo -1 >"$2" ;;
	huge) { printf 1; head -c 3000000 /dev/zero | tr '\0' 9; } >"$2" ;;
	link) ln -s /etc/passwd "$2" ;;
	loop) ln -s "${2##*/}" "$2" ;;
	dir) mkdir "$2" ;;
	fifo) mkfifo "$2" ;;
	device) ln -s /dev/zero "$2" ;;
	gone) ;;
	esac
}
hows='empty torn text escape binary digits minus huge link loop dir fifo
	device gone'

fc good && mv "$VMS/good" "$T/good"
values='id image_dir kernel vcpu disk_bytes vmm net ip owner maker created ready
	pid supervisor exit error ssh_host_key run.lock lock work.ext4
	workspace restoring snapshots'

# The file $1 of a machine is spoiled in each way: what is shown is polite.
shown() {
	_shown=0
	for how in $hows; do
		spoil "$how" "$VMS/bad/$1" && polite bng-state list &&
			polite bng-state show -j bad || {
			echo "with $1 $how"
			_shown=1
		}
	done
	rm -rf "$VMS/bad"
	cp -a "$T/good" "$VMS/bad"
	return "$_shown"
}
# Then it is started, and deleted.
used() {
	_used=0
	for how in $worst; do
		rm -rf "$VMS/bad" && cp -a "$T/good" "$VMS/bad" &&
			spoil "$how" "$VMS/bad/$1" || return
		polite banger vm start -q bad &&
			polite banger vm delete bad || _used=1
		[ ! -d "$VMS/bad" ] || case $1 in
		lock | run.lock) ;;
		*) echo 'it cannot be deleted'; _used=1 ;;
		esac
		[ "$_used" = 0 ] || echo "with $1 $how"
		bng-fc kill "$VMS/bad/" 2>/dev/null
	done
	rm -rf "$VMS/bad"
	return "$_used"
}
worst='escape huge dir fifo link'
cp -a "$T/good" "$VMS/bad"
all_shown() {
	_all=0
	for value in $values; do
		shown "$value" || _all=1
	done
	return "$_all"
}
ok 'a machine whose files are anything is listed and shown in bounds' all_shown
for value in $values; do
	ok "one whose $value is anything is started or not, and deleted" '
		used "$value"'
done
ok 'nothing of it was believed: there is nothing left, and nothing new' '
	polite banger gc && [ -z "$(ls -A "$VMS")" ] &&
	grep -q ^root: /etc/passwd'

# Its files decide what a machine boots.
store_spoiled() {
	_spoiled=0
	for how in $worst binary gone; do
		cp -a "$BANGER_STATE/$1" thing && spoil "$how" "thing/$2" &&
			mv "$BANGER_STATE/$1" was && mv thing "$BANGER_STATE/$1"
		polite banger image list && polite banger kernel list --json &&
			polite banger vm create -q --vmm firecracker \
			--no-start --image tiny --disk-size 64M --memory 64M \
			made || {
			echo "with $2 $how"
			_spoiled=1
		}
		[ ! -d "$VMS/made" ] || {
			polite banger vm start -q made
			polite banger vm delete made
		} || _spoiled=1
		rm -rf "${BANGER_STATE:?}/$1" && mv was "$BANGER_STATE/$1"
	done
	return "$_spoiled"
}
ok 'an image whose manifest is anything' '
	store_spoiled images/tiny manifest.json'
ok 'an image whose disk is anything' 'store_spoiled images/tiny rootfs.ext4'
ok 'a kernel whose manifest is anything' 'store_spoiled kernels/k manifest.json'
ok 'a kernel that is anything' 'store_spoiled kernels/k vmlinux'
ok 'a manifest as deep as it is long is no crash' '
	cp "$BANGER_STATE/images/tiny/manifest.json" . &&
	head -c 200000 /dev/zero | tr "\0" "[" \
		>"$BANGER_STATE/images/tiny/manifest.json" &&
	polite banger image list && polite banger image list --json &&
	cp manifest.json "$BANGER_STATE/images/tiny"'

# --- the directory itself --------------------------------------------------

verbs_are_polite() {
	polite banger vm list && polite banger vm show web &&
		polite banger gc && polite banger vm start -q web &&
		polite banger vm stop -q web && polite banger image list &&
		polite banger vm create -q --no-start --vmm firecracker \
		--image tiny --disk-size 64M --memory 64M more
}
fc web
# spoiled_version HOW: neither the front end nor an applet goes on.
spoiled_version() {
	spoil "$1" "$BANGER_STATE/version" && polite banger vm list &&
		[ "$_polite" = 1 ] && polite bng-state gc &&
		[ "$_polite" = 111 ] || _spoiled=1
}
ok 'a state of a newer version is refused with a sentence, by applets too' '
	echo 2 >"$BANGER_STATE/version" &&
	says 1 "was written by a newer banger" banger vm list &&
	says 1 "was written by a newer banger" banger gc &&
	says 111 "was written by a newer banger" bng-state list &&
	says 111 "was written by a newer banger" bng-state del web &&
	says 125 "was written by a newer banger" banger vm run &&
	[ -d "$VMS/web" ] && echo 1 >"$BANGER_STATE/version" &&
	banger vm show web && rm "$BANGER_STATE/version"'
spoiled_versions() {
	_spoiled=0
	for how in empty text escape digits huge dir fifo; do
		spoiled_version "$how"
	done
	rm -rf "$BANGER_STATE/version"
	return "$_spoiled"
}
ok 'a version that is none is no reason to touch anything' spoiled_versions

# elsewhere COMMAND...: with the state moved away; then it is put back.
elsewhere() {
	mv "$BANGER_STATE" moved
	"$@"
	_elsewhere=$?
	rm -f "$BANGER_STATE"
	mv moved "$BANGER_STATE"
	return "$_elsewhere"
}
moved() (
	export BANGER_STATE="$T/moved"
	verbs_are_polite && banger vm list -q | grep -qx web
)
linked() {
	ln -s moved "$BANGER_STATE" && banger vm start -q web &&
		banger vm stop -q web && banger vm list -q | grep -qx web
}
ok 'a state directory that was moved lists, and says what it misses' '
	elsewhere moved'
ok 'one that is a link is as good' 'elsewhere linked'
ok 'one that is a file, or leads nowhere, is refused' '
	: >file && (export BANGER_STATE="$T/file" && verbs_are_polite) &&
	ln -s void lost && (export BANGER_STATE="$T/lost" &&
	verbs_are_polite) && [ ! -e void/vms/web ]'
need ROOT 'one that is the property of somebody else is refused' '
	chown 1234 "$BANGER_STATE" &&
	says 1 "belongs to another user" banger vm list &&
	says 1 "belongs to another user" banger vm delete web &&
	[ -d "$VMS/web" ]'
chown "$(id -u)" "$BANGER_STATE"

read_only() {
	unshare -m sh -c 'mount --bind "$BANGER_STATE" "$BANGER_STATE" &&
		mount -o remount,ro,bind "$BANGER_STATE" &&
		banger vm list -q >listed && banger vm show web >/dev/null &&
		{ banger gc; banger vm start -q web; banger vm delete web
		banger vm create -q --no-start --image tiny \
			another; } 2>err
		[ -s err ]'
}
need ROOT 'one that can only be read is listed, and nothing more' '
	read_only && grep -qx web listed && cat err &&
	grep -q "cannot start machine .web.: .*Read-only" err &&
	grep -q "cannot delete machine .web.: .*Read-only" err &&
	grep -q "cannot write to .*: Read-only" err &&
	fails 1 grep -v "^banger: \|^try: another BANGER_STATE$" err'
done_testing
