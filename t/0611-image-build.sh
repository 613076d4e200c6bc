#!/bin/sh
# image build: commands in a machine, and what becomes of it
. "$(dirname "$0")/lib.sh"
. "$TOP/t/store.sh"
store || exit 1
. "$TOP/t/fake.sh"
real=$BUILD/banger images=$BANGER_STATE/images vms=$BANGER_STATE/vms
at_end "$real vm list -q | xargs -r $real vm delete >/dev/null 2>&1"
# Whatever was to become of it, there is no machine, and nothing half-made.
nothing_left() {
	find "$vms" "$images" -mindepth 1 -maxdepth 1 ! -name '.lock*' \
		! -path "$images/[a-z]*" >left
	cat left
	[ ! -s left ]
}

# --- without a guest: what is refused, and how it ends ----------------------

refused() {
	_text=$1
	shift
	says 2 "$_text" banger image build "$@" && [ ! -e asked ]
}
ok 'what cannot be is refused before anything is made' '
	refused "--from is required" --name new --run true &&
	refused "--name is required" --from fake --run true &&
	refused "nothing to do" --from fake --name new &&
	refused "nothing to do" --from fake --name new --env A=1 &&
	refused "not of the form NAME=VALUE" --from fake --name new \
		--run true --env A &&
	for bad in x x:y x: :/y; do
		refused "not of the form SOURCE:/PATH" --from fake --name new \
			--copy "$bad" || exit 1
	done &&
	says 125 "it is not there" banger image build --from fake --name new \
		--copy ./none:/x &&
	says 125 "it exists already" banger image build --from fake \
		--name fake --run true &&
	says 125 "cannot use" banger image build --from fake --name a/b \
		--run true && [ ! -e asked ]'
ok 'steps are done in their order, with --env, their output shown' '
	echo "bng-disk: cannot export" >fail.export &&
	{ fails 125 banger image build --from fake --name new --env A=one \
		--run "echo \$A >order; echo shown" --run "echo two >>order" \
		>out 2>err || cat err; } && cat out err asked &&
	[ "$(tr "\n" " " <guest/root/order)" = "one two " ] &&
	grep -qx shown out && grep -qx "run: echo two >>order" err &&
	grep -q "^agent exec -u root " asked && nothing_left'
ok 'the first step that fails ends it, and with its status' '
	says 7 "the command ended with status 7: exit 7" banger image build \
		-q --from fake --name new --run "exit 7" --run "echo no >no" &&
	[ ! -e guest/root/no ] && [ ! -e "$images/new" ] && nothing_left'
interrupted() {
	: >hang.exec
	# What a shell starts in the background would not see an INT.
	env --default-signal=INT,QUIT banger image build -q --from fake \
		--name new --run true &
	build=$!
	timeout 300 head -n 1 hung && kill -"$1" "$build"
	wait "$build"
}
ok 'interrupted, it leaves no machine, and no image' '
	{ interrupted INT || [ $? = 130 ]; } && nothing_left &&
	{ interrupted TERM; [ $? = 143 ]; } && nothing_left &&
	[ ! -e "$images/new" ]'
ok 'killed, its machine is gone with the next verb' '
	{ interrupted KILL; [ $? = 137 ]; } && [ -n "$(ls "$vms")" ] &&
	banger vm list && bng-state gc && nothing_left'
ok 'files that are synced into machines are nobody else'\''s' '
	mkdir -p home/.config/banger && echo secret >home/token &&
	printf "[[file_sync]]\nhost = \"~/token\"\nguest = \"~/token\"\n" \
		>sync.toml && rm -f asked &&
	HOME=$T/home BANGER_CONFIG=$T/sync.toml fails 125 banger image build \
		-q --from fake --name new --run true &&
	grep "^disk format" asked && ! grep "import.*work.ext4" asked'

# --- with one ---------------------------------------------------------------

mkdir -p tree/bin tree/etc/ssh tree/etc/old/deep \
	tree/etc/moving/in tree/root/sub copied/in
cp "$(command -v busybox)" tree/bin/busybox
for link in sh cat rm mkdir mv ln ls chmod id; do
	ln -s busybox "tree/bin/$link"
done
echo base >tree/etc/hostname
echo gone >tree/etc/gone
echo old >tree/etc/old/deep/file
echo moved >tree/etc/moving/in/file
echo mine >tree/root/sub/of-the-base
echo dead >tree/root/dropped
echo root:x:0:0:root:/root:/bin/sh >tree/etc/passwd
: >tree/etc/machine-id
chmod 700 tree/root
echo copied >copied/in/file
chmod 4751 copied/in/file
tar -C tree --owner=0 --group=0 -cf base.tar .
file() { bng-disk get "$images/new/rootfs.ext4" "$1"; }
absent() { fails 1 file "$1" >/dev/null 2>&1; }
built() {
	$real image build --from base --name new --vcpu 1 --env WHO=me --run "
		echo \$WHO >/etc/made; rm /etc/gone; rm -r /etc/old
		mkdir /etc/old; echo new >/etc/old/new; ln -s /etc/made /link
		mv /etc/moving /etc/moved && echo root >/root/kept
		rm /root/dropped; echo fresh >/etc/ssh/ssh_host_rsa_key" \
		--copy copied/.:/opt --run "cat /opt/in/file"
}
ok 'an image is built of one machine, which is gone then' '
	$real image pull -q ./base.tar &&
	bng-store manifest -u "$images/base" distro=Base &&
	{ built >out 2>err || { cat out err; exit 1; }; } && cat out err &&
	grep -qx copied out && tail -n 1 out | grep -qx new && nothing_left'
ok 'it holds what was there and what has changed, and no more' '
	[ "$(file /etc/made)" = me ] && absent /etc/gone &&
	absent /etc/old/deep/file && [ "$(file /etc/old/new)" = new ] &&
	[ "$(file /etc/moved/in/file)" = moved ] &&
	absent /etc/moving/in/file &&
	[ "$(file /link)" = me ] && [ "$(file /opt/in/file)" = copied ] &&
	bng-disk list -l "$images/new/rootfs.ext4" /opt/in/file >l &&
	grep -q "^104751" l && [ "$(file /bin/busybox | wc -c)" = \
		"$(wc -c <"$(command -v busybox)")" ] &&
	e2fsck -fn "$images/new/rootfs.ext4"'
ok '/root is in it, as it was at the end' '
	[ "$(file /root/kept)" = root ] && absent /root/dropped &&
	[ "$(file /root/sub/of-the-base)" = mine ] &&
	bng-disk list -l "$images/new/rootfs.ext4" /root >l &&
	grep -q "^040700.*	/root$" l'
ok 'what the machine was told about itself is not' '
	[ "$(file /etc/hostname)" = base ] &&
	[ -z "$(file /etc/machine-id)" ] &&
	for path in /etc/resolv.conf /etc/hosts /etc/ssh/ssh_host_rsa_key \
	    /etc/ssh/ssh_host_ed25519_key; do
		absent "$path" || exit 1
	done &&
	bng-disk list "$images/new/rootfs.ext4" >l && grep -qx /root/kept l &&
	! grep -e /run/banger -e /root/.ssh l'
ok 'its manifest is the other one'\''s, but for what it is made of' '
	jq -c "[.name, .distro, .kernel, .source]" \
		"$images/new/manifest.json" >got &&
	echo "[\"new\",\"Base\",\"debian\",\"build:base\"]" >want && cat got &&
	same got want && $real image show --json new >json &&
	python3 "$TOP/t/fits.py" image-show json &&
	[ "$(jq .digest json)" != "$($real image show --json base |
		jq .digest)" ]'
done_testing
