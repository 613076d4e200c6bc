#!/bin/sh
# Every kind of init: it boots, it is asked in its own way to switch off, and
# nothing that was written is lost. systemd's is in 0517.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/inits.sh"
need qemu-system-x86_64 'images with an init boot' || done_testing
inits busybox sysvinit openrc openrc-init runit s6 tini scratch || exit
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

make() {
	_make_image=init-$1
	shift
	make_of "$_make_image" "$@"
}
make_of() {
	_make_image=$1
	shift
	banger vm create -q --image "$_make_image" --memory 192M --vcpu 1 \
		--no-nat "$@"
}
guest() { timeout 300 banger vm exec -q "$@"; }
# off NAME: it switches itself off, before the agent would do it by force.
off() {
	_off_began=$(date +%s)
	timeout 300 bng-qemu stop -t 150 "$1" &&
		[ "$(($(date +%s) - _off_began))" -lt 100 ] &&
		! console "$1" | grep 'not done in time'
}
# left NAME PATH: what is in a file of one that is off.
left() {
	e2fsck -p "$BANGER_STATE/vms/$1/overlay.ext4" >/dev/null
	bng-disk get "$BANGER_STATE/vms/$1/overlay.ext4" "/upper$2"
}
console() { tr -d '\r' <"$BANGER_STATE/vms/$1/console.log"; }

# life NAME PROGRAM [OPTION...]: all that can be said of one.
life() {
	_life=$1 _life_program=$2
	shift 2
	make "$_life" --name "$_life" "$@" &&
		if [ $# = 0 ]; then
			guest "$_life" -- sh -c \
				'until [ -e /srv/up ]; do usleep 50000; done'
		fi &&
		guest "$_life" -- cat /srv/up &&
		guest "$_life" -- readlink /proc/1/exe >"$_life.exe" &&
		[ "$(cat "$_life.exe")" = "$_life_program" ] &&
		guest "$_life" -- sh -c 'echo kept >/srv/kept' &&
		off "$_life" && [ "$(left "$_life" /srv/kept)" = kept ] &&
		[ "$(left "$_life" /srv/down)" = down ] &&
		! console "$_life" | grep '^banger:'
}

# both JOB JOB: two at once, the host has two processors; how each ended is
# in ended.NUMBER, what it said in said.NUMBER.
both() {
	for _both in 1 2; do
		eval "_both_job=\$$_both"
		_both_n=$((${_both_n:-0} + 1))
		{
			($_both_job) >"said.$_both_n" 2>&1
			echo $? >"ended.$_both_n"
		} &
	done
	wait
}
# well NUMBER: that job ended well.
well() {
	cat "said.$1"
	[ "$(cat "ended.$1")" = 0 ]
}

both 'life openrc /sbin/init --wait boot' \
	'life openrc-init /sbin/openrc-init --wait boot'
ok 'OpenRC below sysvinit: up with --wait boot, down in order' 'well 1'
ok 'openrc-init as PID 1: the same' 'well 2'

both 'life busybox /bin/busybox' 'life runit /sbin/runit'
ok 'busybox init: boots, is told to switch off, loses nothing' 'well 3'
ok 'runit: the same, through its third stage' 'well 4'

# Its services are told, but there is no finish script to switch off.
unfinished() {
	make s6 --name unfinished && guest unfinished -- sh -c '
		rm /etc/s6/.s6-svscan/finish
		until [ -e /srv/up ]; do usleep 50000; done' &&
		off unfinished && [ "$(left unfinished /srv/down)" = down ] &&
		console unfinished | grep -q 'cannot be asked: the agent'
}
both 'life s6 /usr/bin/s6-svscan' unfinished
ok 's6: its finish script switches off' 'well 5'
ok 'an init that cannot switch off: the agent does, services told before' '
	well 6'

# Asked too early, it would not listen; what it runs to switch off hangs.
stuck() {
	make sysvinit --name stuck && guest stuck -- sh -c '
		printf "%s\n" "#!/bin/sh" "exec sleep 1000" >/etc/init.d/halt
		until [ -e /srv/up ]; do usleep 50000; done
		echo kept >/srv/kept' &&
		bng-agent shutdown -t 4 stuck &&
		timeout 100 bng-qemu wait stuck &&
		console stuck >stuck.log && grep -q 'runlevel: 0' stuck.log &&
		grep -q 'not done in time: the agent switches off' stuck.log &&
		[ "$(left stuck /srv/kept)" = kept ]
}
# Nothing of banger's own is in the image: no shell, no directory.
scratch() {
	fails 7 banger vm run -q --image init-scratch --name scratch \
		--memory 192M --vcpu 1 --no-nat >scratch.out &&
		printf '%s\n' 'a b' /data '1234 77' said >scratch.want &&
		same scratch.want scratch.out &&
		fails 7 banger vm exec --user root -C / --env SAY=more \
			scratch -- /say x >scratch.out &&
		printf '%s\n' x / '0 0' more >scratch.want &&
		same scratch.want scratch.out && off scratch
}
both stuck scratch
ok 'sysvinit that hangs while it switches off: the agent does, in time' '
	well 7'
ok 'FROM scratch with one static program: that runs, as its image says' '
	well 8'

# An image that says how what it runs is to be stopped: so, and not otherwise.
stopped() {
	_stopped=$BANGER_STATE/images/stopped
	mkdir -p "$_stopped" && ln -s \
		"$BANGER_IMAGE_PATH/init-tini/rootfs.ext4" "$_stopped" &&
		jq --arg run 'trap "echo asked >/srv/asked; exit" USR1
			trap : TERM
			echo up >/srv/up
			while :; do sleep 0.1; done' '.name = "stopped" |
			.config.cmd = ["/bin/sh", "-c", $run] |
			.config.stop_signal = "SIGUSR1"' \
			"$BANGER_IMAGE_PATH/init-tini/manifest.json" \
			>"$_stopped/manifest.json" &&
		make_of stopped --name stopped &&
		{ bng-agent exec stopped >/dev/null 2>&1 & } &&
		guest stopped -- sh -c \
			'until [ -e /srv/up ]; do usleep 50000; done' &&
		off stopped && [ "$(left stopped /srv/asked)" = asked ]
}
entrypoint() {
	fails 7 banger vm run -q --image init-tini --name tini --entrypoint \
		--memory 192M --vcpu 1 --no-nat >tini.out &&
		[ "$(cat tini.out)" = tini ] &&
		guest tini -- readlink /proc/1/exe >tini.exe &&
		[ "$(cat tini.exe)" = /init ] &&
		banger vm session start --name say tini -- /sbin/say &&
		guest tini -- sh -c '
			until [ -e /srv/up ]; do usleep 50000; done
			mkdir -p /root/repo; (exec sleep 0.01 &)' &&
		off tini && [ "$(left tini /srv/down)" = down ] &&
		dumpe2fs -h "$BANGER_STATE/vms/tini/overlay.ext4" >tini.disk &&
		! grep needs_recovery tini.disk
}
both entrypoint stopped
ok 'tini as entrypoint: the agent is PID 1, ends it properly, and the disk' '
	well 9'
ok 'what an image runs is stopped by the signal that the image says' '
	well 10'
done_testing
