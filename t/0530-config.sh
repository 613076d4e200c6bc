#!/bin/sh
# config.toml: what it may say, what then holds, and who is told.
. "$(dirname "$0")/lib.sh"
. "$TOP/t/fake.sh"

mkdir -p home/.config/banger
HOME=$T/home
unset XDG_CONFIG_HOME XDG_DATA_HOME BANGER_VMM BANGER_LOG_LEVEL
export HOME
own=$HOME/.config/banger/config.toml
conf=$T/conf.toml
export conf
create() { BANGER_CONFIG=$conf banger vm create -q --no-start "$@"; }
value() { cat "$BANGER_STATE/vms/$1/$2"; }
# row KEY: "VALUE FROM" of it.
row() { bng-config show -t | sed -n "s/^$1$tab//p"; }
tab=$(printf '\t')

# refused TEXT SAYING: a config.toml of TEXT is, its line and reason said.
refused() {
	printf '%b' "$1" >"$conf"
	BANGER_CONFIG=$conf says 111 "$conf': $2" bng-config env &&
		[ "$(wc -l <.err)" = 1 ]
}

ok 'what is not TOML is refused with its line' '
	refused "a = 1\nvmm = \n" "line 2: the line ends where a value" &&
	refused "vmm = \"auto\"\n[x" "line 2: the file ends where" &&
	refused "vmm=\"\\0001\"" "line 1: there is a control character"'
ok 'a key that there is not is refused, and the nearest is named' '
	refused "\nvmmm = 1\n" "line 2: there is no key '\''vmmm'\''; is this \
meant: vmm" &&
	refused "[vm_defaults]\nvcpus = 1" "line 2: there is no key \
'\''vm_defaults.vcpus'\''; is this meant: vcpu" &&
	refused "[bridge]\nname = 1" "line 1: there is no key '\''bridge'\''" &&
	refused "\"vm_defaults.vcpu\" = 1" "line 1: there is no key" &&
	refused "[vm_default]" "line 1: there is no key '\''vm_default'\''; is \
this meant: vm_defaults"'

ok 'a link to a file that is not there is not taken for no file' '
	ln -s gone "$own" && unset BANGER_CONFIG &&
	says 1 "config.toml'\'': it is a link to what is not there" \
		banger vm create --no-start none &&
	[ ! -e "$BANGER_STATE/vms/none" ]; s=$?; rm -f "$own"; exit $s'

# Each key, and a value that it does not allow.
cat >wrong <<'END'
log_level "loud" debug, info, warn or error
default_image_name "../x" a name of letters
default_image_name 1 a name of letters
default_kernel_name "" a name of letters
image_path "images" absolute paths
kernel_path "/a::/b" absolute paths
vmm "xen" auto, firecracker or qemu
vmm true auto, firecracker or qemu
vmm_jailer "yes" true or false
firecracker_bin "bin/fc" an absolute path
firecracker_bin "~root/fc" an absolute path
jailer_bin "" an absolute path
firecracker_release_url "ftp://x/" an http, https or file URL
emulation "both" single or parallel
ready_timeout 0 a number from 1 to 86400
ready_timeout "300" a number from 1 to 86400
vm_run_login "telnet" agent or ssh
install_sshd "no" true or false
acp_command "" a text that is not empty
acp_command "a\\nb" a text that is not empty
ssh_key_path "id" an absolute path
debian_mirror "mirror" a URL, or a line
catalog_url "host" http, https or file URLs
catalog_keys "ed25519:short" keys ed25519:BASE64
catalog_keys "key.pub" keys ed25519:BASE64
registry_mirrors "docker.io" HOST=URL
registry_mirrors "docker.io=file:///srv" HOST=URL
registry_auth "auth.json" an absolute path
registry_ca "ca.crt" an absolute path
registry_insecure "http://host" hosts such as
image_max_size "1M" a size from
auto_stop_stale_after "1hour" a time such as
stats_poll_interval 10 a time such as
bridge_name "a-name-of-sixteen" the name of an interface
bridge_ip "172.16.0" an IPv4 address
cidr "33" a prefix
cidr "10.0.0/24" a prefix
tap_pool_size -1 a number from 0 to 64
web_listen_addr "127.0.0.1" an address and a port
web_listen_addr "127.0.0.1:99999" an address and a port
default_dns "resolver" an IPv4 address
vm_defaults.vcpu 0 a number from 1 to 256
vm_defaults.vcpu 1.5 a number from 1 to 256
vm_defaults.memory_mib "4G" a number from 64 to 1048576
vm_defaults.disk_size "16X" a size from
vm_defaults.disk_size 16 a size from
vm_defaults.disk_size "1M" a size from
vm_defaults.disk_size "64512K" a size from
vm_defaults.disk_size "128MM" a size from
END
all_wrong() {
	while read -r key bad wanted; do
		refused "# \\n$key = $bad\\n" "line 2: $key is " &&
			grep -qF ": $wanted" .err || return
		echo "$key" >>refused
	done <wrong
	bng-config keys | cut -f1 | sort >keys
	sort -u refused | same - keys
}
ok 'each key refuses what it does not allow, and says what it does' all_wrong
cat >good <<'END'
log_level = "warn"
default_image_name = "fake"
default_kernel_name = "fake"
image_path = "~/images:/srv/images"
kernel_path = "/srv/kernels"
vmm = "qemu"
vmm_jailer = false
firecracker_bin = "~/bin/firecracker"
jailer_bin = "/opt/jailer"
firecracker_release_url = "file:///srv/releases"
emulation = "parallel"
ready_timeout = 60
vm_run_login = "ssh"
install_sshd = false
acp_command = "opencode acp --quiet"
ssh_key_path = "~/.ssh/id"
debian_mirror = "deb [trusted=yes] file:/srv/debian bookworm main"
catalog_url = "http://host/banger  file:///srv/banger"
catalog_keys = "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ~/k.pub"
registry_mirrors = "docker.io=http://host:5000  ghcr.io=https://mirror/x"
registry_auth = "~/auth.json"
registry_ca = "/etc/ca.crt"
registry_insecure = "host:5000 [::1]:80"
image_max_size = "64G"
auto_stop_stale_after = "1h30m"
stats_poll_interval = "30s"
bridge_name = "br0"
bridge_ip = "10.9.0.1"
cidr = "10.9.0.0/24"
tap_pool_size = 0
web_listen_addr = "[::1]:80"
default_dns = "9.9.9.9"
vm_defaults = { vcpu = 3, memory_mib = 2_048, disk_size = "16GiB" }
END
ok 'each key takes what it allows, and is shown with its line' '
	BANGER_CONFIG=good bng-config show -t >out &&
	grep -c "${tab}good:[0-9]" out >n && grep -qx 35 n &&
	grep -qx "cidr${tab}10.9.0.0/24${tab}good:29" out &&
	grep -qx "vm_defaults.memory_mib${tab}2048${tab}good:33" out &&
	grep -qx "image_path$tab$HOME/images:/srv/images${tab}good:4" out'
ok 'a file that is none, too large or unreadable is refused' '
	says 111 "not a regular file" env BANGER_CONFIG="$T" bng-config env &&
	says 111 "No such file" env BANGER_CONFIG=/no/file bng-config env &&
	head -c 1048577 /dev/zero | tr "\0" "#" >big &&
	says 111 "File too large" env BANGER_CONFIG=big bng-config env &&
	mkfifo fifo &&
	says 111 "not a regular file" env BANGER_CONFIG=fifo bng-config env'

ok 'the person'\''s file is read where XDG says, and wins over an earlier' '
	unset BANGER_CONFIG && echo "vmm = \"qemu\"" >"$own" &&
	[ "$(row vmm)" = "qemu$tab$own:1" ] &&
	mkdir -p x/banger && echo "vmm = \"auto\"" >x/banger/config.toml &&
	[ "$(XDG_CONFIG_HOME=$T/x row vmm)" = \
		"auto$tab$T/x/banger/config.toml:1" ] &&
	rm "$own" && [ "$(row vmm)" = "auto${tab}built-in" ] &&
	printf "emulation=\"parallel\"\nvmm = \"qemu\"\n" >one &&
	printf "\nvmm = \"auto\"\n" >two && export BANGER_CONFIG=one:two &&
	[ "$(row vmm)" = "auto${tab}two:2" ] &&
	[ "$(row emulation)" = "parallel${tab}one:1" ]'
ok 'the host'\''s file is read before it' '
	strace -qq -o calls -e trace=openat env -u BANGER_CONFIG \
		bng-config env >out &&
	grep -o "\"[^\"]*config.toml\"" calls >opened &&
	printf "\"%s\"\n" /etc/banger/config.toml "$own" | same - opened'
ok 'a flag outdoes the environment, which outdoes a file, and it the host' '
	echo "[vm_defaults]" >"$conf" && echo "vcpu = 3" >>"$conf" &&
	export BANGER_CONFIG=$conf && banger config show >out &&
	grep -Eq "^vm_defaults.vcpu +3 +$conf:2$" out &&
	grep -Eq "^vm_defaults.memory_mib +[0-9]+ +host$" out &&
	grep -Eq "^vm_defaults.disk_size +8G +built-in$" out &&
	BANGER_VCPU=2 banger config show >out && grep -Eq \
		"^vm_defaults.vcpu +2 +BANGER_VCPU in the environment$" out &&
	BANGER_VCPU=2 banger config show --vcpu 5 --disk-size 1T >out &&
	grep -Eq "^vm_defaults.vcpu +5 +flag$" out &&
	grep -Eq "^vm_defaults.disk_size +1048576M +flag$" out'
ok 'its JSON says the same' '
	echo "vmm = \"qemu\"" >"$conf" &&
	BANGER_CONFIG=$conf BANGER_VCPU=2 banger config show --json >out &&
	jq -e "map({key, value: .}) | from_entries |
		.vmm.value == \"qemu\" and .vmm.from == \"config\" and
		.vmm.line == 1 and .vmm.file == env.conf and
		.[\"vm_defaults.vcpu\"].variable == \"BANGER_VCPU\" and
		.[\"vm_defaults.memory_mib\"].from == \"host\" and
		.image_path.value == null and
		.cidr.from == \"built-in\"" out'
ok 'a bad size among the options of config show is refused' '
	says 2 "BANGER_MEMORY '\''x'\''" env BANGER_MEMORY=x \
		banger config show &&
	says 2 "vcpu" banger config show --vcpu 0 &&
	says 2 "none of: auto" banger config show --vmm x &&
	says 2 "none of: auto" env BANGER_VMM=x banger config show'

sizes() { echo "$(value "$1" vcpu) $(value "$1" memory_mib) \
$(value "$1" disk_bytes) $(value "$1" image)"; }
ok 'new machines are made as the file says' '
	cat >"$conf" <<-END &&
	default_image_name = "fake"
	vmm = "qemu"
	[vm_defaults]
	vcpu = 3
	memory_mib = 512
	disk_size = "1048576K"
	END
	create a && [ "$(sizes a)" = "3 512 1073741824 fake" ] &&
	[ "$(value a vmm)" = qemu ] &&
	create b --vcpu 1 --memory 1048575K --vmm auto &&
	[ "$(sizes b)" = "1 1024 1073741824 fake" ] &&
	[ "$(value b vmm)" = auto ] &&
	BANGER_VCPU=2 BANGER_MEMORY=600 BANGER_DISK_SIZE=2G create c &&
	[ "$(sizes c)" = "2 600 2147483648 fake" ]'
ok 'and with the kernel that it names' '
	cp -r "$BANGER_STATE/kernels/fake" "$BANGER_STATE/kernels/other" &&
	echo "default_kernel_name = \"other\"" >"$conf" &&
	create --image fake k && [ "$(value k kernel)" = other ]'
ok 'a jailer that cannot be is done without, and the first line says so' '
	echo "vmm_jailer = true" >"$conf" &&
	BANGER_CONFIG=$conf banger vm create --no-start --image fake \
		--vmm qemu j 2>err && cat err &&
	grep -q "^spec: .*, not jailed: qemu has no jailer$" err &&
	[ "$(value j jailer)" = no ]'
ok 'a wrong file keeps anything from being made, and list does not read it' '
	echo "vmm = 1" >"$conf" && says 1 "line 1: vmm is 1" create z &&
	says 125 "line 1: vmm is 1" env BANGER_CONFIG="$conf" \
		banger vm run -- true &&
	[ ! -e "$BANGER_STATE/vms/z" ] &&
	BANGER_CONFIG=$conf banger vm list >out && grep -q "^a " out &&
	BANGER_CONFIG=$conf banger vm run --help >out'
ok 'images and kernels are looked for where it says' '
	mkdir -p shared/i shared/k && mv "$BANGER_STATE/images/fake" shared/i &&
	mv "$BANGER_STATE/kernels/fake" shared/k &&
	printf "image_path = \"$T/shared/i\"\nkernel_path = \"$T/shared/k\"\n" \
		>"$conf" && create --image fake sh1 &&
	[ "$(value sh1 image_dir)" = "$T/shared/i/fake" ] &&
	BANGER_CONFIG=$conf banger image list -q >out && grep -qx fake out &&
	BANGER_CONFIG=$conf banger kernel show fake >out &&
	mv shared/i/fake "$BANGER_STATE/images" &&
	mv shared/k/fake "$BANGER_STATE/kernels"'
ok 'a Firecracker that it names is the one that is asked' '
	mkdir -p "$HOME/bin" && printf "#!/bin/sh\necho Firecracker v1.13.9\n" \
		>"$HOME/bin/fc" && chmod +x "$HOME/bin/fc" &&
	echo "firecracker_bin = \"~/bin/fc\"" >"$conf" &&
	BANGER_CONFIG=$conf banger vmm list >out &&
	grep -q "^firecracker  *1.13.9 .* $HOME/bin/fc$" out'
ok 'releases are fetched from where it says' '
	echo "firecracker_release_url = \"file://$T/none\"" >"$conf" &&
	says 1 "cannot install firecracker 1.14.4" env BANGER_CONFIG="$conf" \
		banger vmm pull firecracker &&
	! grep -q "nobody has said" .err'
ok 'log_level decides what is said' '
	echo "log_level = \"info\"" >"$conf" && export BANGER_CONFIG="$conf" &&
	banger vm create --no-start --image fake l1 2>err >out &&
	grep -q "^spec: " err && echo "log_level = \"warn\"" >"$conf" &&
	banger vm create --no-start --image fake l2 2>err >out &&
	[ ! -s err ] && [ ! -e "$BANGER_STATE/trace.log" ] &&
	echo "log_level = \"debug\"" >"$conf" &&
	banger vm create --no-start --image fake l3 2>err >out &&
	grep -Eq "^[0-9]+ [0-9]+ bng-state new .*l3" \
		"$BANGER_STATE/trace.log" &&
	says 2 "BANGER_LOG_LEVEL '\''loud'\''" env BANGER_LOG_LEVEL=loud \
		banger vm create --no-start --image fake l4'
ok 'a key of one'\''s own has to be there, and is what machines let in' '
	echo "ssh_key_path = \"~/.ssh/mine\"" >"$conf" &&
	says 1 "there is no '\''$HOME/.ssh/mine.pub'\''" \
		create --image fake s &&
	grep -qx "try: ssh-keygen -t ed25519 -f $HOME/.ssh/mine" .err &&
	mkdir -p "$HOME/.ssh" && echo mine >"$HOME/.ssh/mine.pub" &&
	rm -rf "$BANGER_STATE/ssh" && create --image fake s &&
	[ ! -e "$BANGER_STATE/ssh/id_ed25519" ]'

ok 'without a file no verb starts bng-config; with one, once' '
	strace -f -qq -e trace=execve -o calls env BANGER_CONFIG= \
		banger vm create -q --no-start --image fake n1 &&
	! grep -q bng-config calls && : >"$conf" &&
	strace -f -qq -e trace=execve -o calls env BANGER_CONFIG="$conf" \
		banger vm create -q --no-start --image fake n2 &&
	grep "bng-config" calls | grep -c " = 0" >n && grep -qx 1 n'
ok 'doctor names the file and what new machines are made of' '
	printf "vmm = \"qemu\"\n[vm_defaults]\nvcpu = 3\n" >"$conf" &&
	{ BANGER_CONFIG=$conf banger doctor >out || :; } &&
	grep -Eq "^PASS  config +$conf$" out && grep -Eq "^PASS  defaults +\
image debian-bookworm \(built-in\), 3 vcpu \($conf:3\), [0-9]+ MiB \(host\), \
8G disk \(built-in\), vmm qemu \($conf:1\)$" out &&
	{ BANGER_CONFIG= banger doctor >out || :; } &&
	grep -q "^PASS  config  *no config.toml" out'
ok 'a wrong file is a FAIL of doctor, with its line' '
	printf "\nvmm = 1\n" >"$conf" &&
	fails 1 env BANGER_CONFIG="$conf" banger doctor >out &&
	grep -q "^FAIL  config  *cannot use .*: line 2: vmm is 1" out &&
	fails 1 env BANGER_CONFIG="$conf" banger doctor --json >out &&
	jq -e ".[] | select(.check == \"config\") | .level == \"FAIL\"" out'

# The page's keys as bng-config keys prints them.
paged() {
	awk '/^\.Sh FILE_SYNC/ { exit }
		/^\.It Cm / { key = $3 }
		/^Allowed: / { sub(/^Allowed: /, ""); sub(/\.$/, ""); a = $0 }
		/^Default: / {
			sub(/^Default: /, ""); sub(/\.$/, "")
			row[key] = a "\t%s\t" $0
			order[++n] = key; v[key] = "-"
		}
		/^\.Ev BANGER_/ && key in v { v[key] = $2 }
		END { for (i = 1; i <= n; i++) {
			printf "%s\t", order[i]
			printf row[order[i]] "\n", v[order[i]] } }' \
		"$TOP/doc/banger.toml.5"
}
ok 'banger.toml(5) has the keys, what they allow, and their defaults' '
	bng-config keys >want && [ "$(wc -l <want)" = 35 ] &&
	paged >page && same page want'
ok 'the example of banger.toml(5) is right' '
	sed -n "/^.Bd/,/^.Ed/{ /^\./!p; }" "$TOP/doc/banger.toml.5" >"$conf" &&
	[ -s "$conf" ] && BANGER_CONFIG=$conf bng-config env >out &&
	grep -qx file_sync=3 out && grep -qx BANGER_VCPU=4 out'
done_testing
