#!/bin/sh
# A state directory in all kinds of places: reached by a link, moved, on a file
# system that cannot be written, leading nowhere.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1
at_end 'banger vm list -q | xargs -r banger vm delete >/dev/null'

in_web() { banger vm exec web -- "$@"; }
# The image is one's own, as those are that a person has pulled.
own="$BANGER_STATE/images/own"
mkdir -p "$BANGER_STATE/images"
cp -RL "$BANGER_IMAGE_PATH/tiny" "$own"

ok 'a machine that was made by way of a link runs without it' '
	ln -s "$BANGER_STATE" link && BANGER_STATE="$T/link" banger vm create \
		-q --name web --image own --vcpu 1 --memory 128M &&
	in_web sh -c "echo kept >/root/file; echo too >/etc/too" && rm link &&
	[ "$(in_web cat /root/file)" = kept ] && banger vm stop -q web'
mv "$BANGER_STATE" moved
BANGER_STATE=$T/moved
ok 'in a state directory that was moved it starts, with its data' '
	banger vm start -q web && in_web cat /root/file /etc/too >out &&
	printf "%s\n" kept too >want && same want out'
ok 'and can be copied from, forked, and keeps its image' '
	banger vm cp web:/root/file . && [ "$(cat file)" = kept ] &&
	banger vm fork -q web twin &&
	[ "$(banger vm exec twin -- cat /root/file)" = kept ] &&
	says 1 "in use by machine twin, machine web" banger image delete own &&
	banger vm delete twin'

# In namespaces of its own, where the state directory cannot be written.
frozen() {
	unshare -m sh -c 'mount --bind "$BANGER_STATE" "$BANGER_STATE" &&
		mount -o remount,bind,ro "$BANGER_STATE" && "$@"' sh "$@"
}
# one_line COMMAND...: fails with one line, which says why, and perhaps a hint.
one_line() {
	frozen "$@" 2>err && return 1
	cat err
	[ "$(grep -vc "^try: " err)" = 1 ] &&
		grep -q "^banger: .*: Read-only file system$" err
}
need ROOT 'where it cannot be written all is shown' '
	frozen banger vm list -q >out && [ "$(cat out)" = web ] &&
	frozen banger vm show web && frozen banger vm stats web &&
	frozen banger vm ports web && frozen banger vm logs web &&
	frozen banger image list &&
	frozen banger vm snapshots web && frozen banger vm list --json'
need ROOT 'a machine runs on there, and has no copy of a repository made' '
	git init -q repo && git -C repo -c user.name=n -c user.email=e commit \
		-q --allow-empty -m one &&
	[ "$(frozen banger vm exec web -- echo up)" = up ] &&
	one_line banger vm workspace prepare -q web repo &&
	one_line banger vm workspace export web --guest-path /root'
banger vm stop -q web
need ROOT 'and what would change something leaves one line each' '
	for verb in "start -q web" "set web vcpu=2" "set web disk-size=9G" \
		"delete web" "snapshot -q web" "create -q --image own x" \
		"prune -f"; do
		one_line banger vm $verb || exit
	done && [ "$(banger vm list -q)" = web ]'
ok 'a link that leads nowhere is called that, by each verb' '
	ln -s void lost && (BANGER_STATE=$T/lost &&
		for verb in "vm list" "vm create -q --image tiny" gc \
			"image list"; do
			says 1 "lost'\'': it is a link to what is not there" \
				banger $verb || exit
		done) && [ ! -e void ]'

done_testing
