#!/bin/sh
# Ctrl-C at a terminal, in every stage of a real run: 130, and nothing stays.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
. "$TOP/t/repo.sh"
need script 'Ctrl-C at a terminal' || done_testing
store || exit 1

vms=$BANGER_STATE/vms
mkfifo now
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

# The front end over applets that tell when a stage is reached, and stay in
# it when they are told to.
mkdir -p slow share/guest/recipes tmp && chmod 1777 tmp && chmod 711 .
cp -r "$TOP/sh" share
for applet in disk agent; do
	cat >"slow/bng-$applet" <<-END
	#!/bin/sh
	case \$STAGE,\$1 in
	disks,format) echo >"$T/now"; exec sleep 1000 ;;
	copy,put) echo >"$T/now"; exec sleep 1000 ;;
	boot,wait) echo >"$T/now" ;;
	esac
	exec "$BUILD/bng-$applet" "\$@"
	END
done
sed -e "s|@BIN@|$T/slow:$BUILD|" -e "s|@SHARE@|$T/share|" \
	-e "s|@AGENT@|$BUILD/agent|" "$TOP/sh/banger" >slow/banger
chmod -R +x slow

mkdir -p files/etc files/usr/share/doc &&
	echo hello >files/etc/greeting && repo_add greeting files &&
	repo_done
cat >share/guest/recipes/endless.sh <<END
recipe_distro=test recipe_suite=bookworm recipe_variant=extract
recipe_init= recipe_kernel= recipe_packages=greeting
recipe_customise() { echo >$T/now; exec sleep 1000; }
END
chmod 666 now

# Whatever still runs of ours, apart from us, is given ten seconds to end.
alone() {
	set +f
	grep -lsaF "BANGER_STATE=$BANGER_STATE" /proc/[0-9]*/environ >pids
	set -f
	while IFS=/ read -r _ _ pid _; do
		timeout 100 tail --pid="$pid" -f /dev/null || {
			tr '\0' ' ' <"/proc/$pid/cmdline"
			return 1
		}
	done <pids
}
nothing_left() {
	alone && ls -A "$vms" tmp && [ -z "$(ls -A "$vms")" ] &&
		[ -z "$(ls -A tmp)" ] &&
		[ -z "$(find "$BANGER_STATE" -name '.[nd]*')" ]
}

# ctrl_c STAGE WORDS: typed at a terminal as soon as the stage is reached.
ctrl_c() {
	{ timeout 300 head -n 1 now; printf "\003"; } | TMPDIR=$T/tmp STAGE=$1 \
		timeout 300 script -qec "$T/slow/banger vm run --rm $2" \
		/dev/null >screen
	_ctrl_c_status=$?
	cat screen
	[ "$_ctrl_c_status" = 130 ] || {
		echo "status $_ctrl_c_status"
		return 1
	}
	nothing_left
}
tiny='--image tiny --memory 256M'
git init -q repo && echo a >repo/a && git -C repo add a &&
	git -C repo -c user.name=a -c user.email=b commit -qm 1

ok 'while the disks are made' 'ctrl_c disks "$tiny -- true"'
ok 'while it boots' 'ctrl_c boot "$tiny -- true"'
ok 'while the workspace is copied' 'ctrl_c copy "$tiny repo -- true"'
ok 'while the command runs: it gets it, and its status is ours' '
	ctrl_c command "$tiny -- sh -c \
		'\''trap \"echo got it >&2; exit 130\" INT; echo up
		while :; do sleep 1; done'\'' >$T/now" && grep "got it" screen'
if [ "$(id -u)" = 0 ] || grep -q "^$(id -un):" /etc/subuid; then
	ok 'while an image is made, whatever the caller has open' '
		exec 3</dev/null 4<&3 5<&3 6<&3 7<&3 8<&3 9<&3 &&
		ctrl_c pull "--image endless -- true"'
fi

done_testing
