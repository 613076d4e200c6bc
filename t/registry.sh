# registry.sh - registries, a token server and web servers on loopback
#
#	. "$TOP/t/registry.sh"		(after lib.sh)
#	certificate			$T/ca/ca.crt, and localhost's by it
#	registry NAME [tls] [htpasswd] [token PATH] [redirect]
#					docker-registry; $NAME is HOST:PORT
#	web NAME CONF			nginx with the http block in CONF, in
#					which @PORT@ is a free port; likewise
#	redirect_target			an nginx that registries may send to
#	tokens				a token server, $tokens
#
# What listens is there when the function returns. All registries of a file
# have one storage, so that what is pushed to one is in all; what was asked of
# NAME is in $T/NAME.access, "METHOD PATH STATUS BYTES" a line, read by
# `asked`. The account is me with the password "s3cret: !". Servers end with
# the file. Below are functions that make layers, images and indexes as
# directories (oci-layout), and push them.
#
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY \
	ALL_PROXY NO_PROXY REGISTRY_AUTH_FILE DOCKER_CONFIG 2>/dev/null
PATH=$PATH:/usr/sbin:/sbin
HOME=$T/home
export HOME
mkdir -p "$HOME"
account=me password='s3cret: !'

# serve LOG PATTERN COMMAND...: start it; $served is the first line of its
# stderr with the pattern. It ends with this shell, however that ends.
serve() {
	_serve_log=$1 _serve_for=$2
	shift 2
	rm -f "$T/said" && mkfifo "$T/said" || return
	setpriv --pdeathsig KILL "$@" >>"$_serve_log.access" \
		2>"$T/said" </dev/null &
	server=$!
	at_end "kill $server 2>/dev/null"
	exec 8<"$T/said"
	served=
	while read -r _serve_line <&8; do
		printf '%s\n' "$_serve_line" >>"$_serve_log.log"
		case $_serve_line in
		*$_serve_for*) served=$_serve_line; break ;;
		esac
	done
	setpriv --pdeathsig KILL cat <&8 >>"$_serve_log.log" &
	exec 8<&-
	[ -n "$served" ] || {
		echo "$_serve_log does not start:"
		cat "$_serve_log.log"
		return 1
	} >&2
}

# An authority of our own, and what it says of localhost. The keys are apart:
# skopeo takes everything in a directory of certificates for its own.
certificate() {
	[ ! -f "$T/ca/ca.crt" ] || return 0
	mkdir -p "$T/ca" "$T/keys" && cd "$T/keys" || return
	echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' >ext
	{
		openssl req -x509 -newkey ec -nodes -days 2 -keyout ca.key \
			-pkeyopt ec_paramgen_curve:P-256 -out ca.crt \
			-subj '/CN=authority of the tests' &&
		openssl req -newkey ec -nodes -keyout server.key \
			-pkeyopt ec_paramgen_curve:P-256 -out csr \
			-subj /CN=localhost &&
		openssl x509 -req -in csr -CA ca.crt -CAkey ca.key \
			-CAcreateserial -days 2 -extfile ext -out server.crt
	} 2>>log && cp ca.crt "$T/ca/ca.crt" && cd "$T" || return
}

# tokens: $tokens is where it listens; it signs with a key of its own.
tokens() {
	[ -z "${tokens-}" ] || return 0
	mkdir -p "$T/keys" &&
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tokens \
		-keyout "$T/keys/tokens.key" -out "$T/keys/tokens.crt" \
		2>>"$T/keys/log" &&
	serve "$T/tokens" 'listening on ' \
		/usr/bin/python3 "$TOP/t/tokend.py" "$T/keys/tokens.key" \
		"$T/keys/tokens.crt" "$account" "$password" &&
	tokens=${served##* }
}

# For crypt(3)'s bcrypt, the one kind that docker-registry knows.
_htpasswd() {
	_salt='$2b$05$abcdefghijklmnopqrstuu'
	perl -e 'print "$ARGV[0]:", crypt($ARGV[1], $ARGV[2]), "\n"' \
		"$account" "$password" "$_salt"
}

_registry_conf() {
	echo "version: 0.1
log: { level: info }
storage:
  filesystem: { rootdirectory: $T/storage }
  cache: { blobdescriptor: inmemory }
  maintenance: { uploadpurging: { enabled: false } }"
	_address='127.0.0.1:0' _tls=
	while [ $# -gt 0 ]; do
		case $1 in
		tls) _tls=yes ;;
		htpasswd)
			_htpasswd >"$T/htpasswd"
			echo "auth: { htpasswd: { realm: tests," \
				"path: $T/htpasswd } }" ;;
		token)
			echo "auth: { token: { realm: 'http://$tokens$2'," \
				'service: the tests, issuer: tokend,' \
				"rootcertbundle: $T/keys/tokens.crt } }"
			shift ;;
		redirect)
			echo 'middleware: { storage: [ { name: redirect,' \
				"options: { baseurl: 'http://$target' }" \
				'} ] }' ;;
		*) echo "registry: what is $1?" >&2; return 1 ;;
		esac
		shift
	done
	echo "http:
  addr: $_address"
	[ -z "$_tls" ] || echo "  tls:
    certificate: $T/keys/server.crt
    key: $T/keys/server.key"
}

# Fedora calls the program registry.
_registryd=$(command -v docker-registry || echo registry)

registry() {
	_name=$1
	shift
	case " $* " in *' tls '*) certificate || return ;; esac
	case " $* " in *' token '*) tokens || return ;; esac
	case " $* " in *' redirect '*) redirect_target || return ;; esac
	_registry_conf "$@" >"$T/$_name.yml" &&
		serve "$T/$_name" 'listening on ' \
			"$_registryd" serve "$T/$_name.yml" || return
	_port=${served#*listening on 127.0.0.1:}
	eval "$_name=localhost:${_port%%[!0-9]*}"
}

# asked NAME: "METHOD PATH STATUS BYTES" of all that was asked of it.
asked() {
	awk -F '"' '{ split($2, line, " "); split($3, more, " ")
		print line[1], line[2], more[1], more[2] }' "$T/$1.access"
}

# nginx says by its exit status whether it could bind; it has no other way to
# tell a port, so ports are tried.
web() {
	_web=0
	while [ $((_web += 1)) -le 30 ]; do
		_port=$((20000 + ($$ * 7 + _web * 991) % 12000))
		{
			echo "pid $T/$1.pid; error_log $T/$1.log;
			worker_processes 1; events {}
			http {
				log_format tests '\$request_method'
				' \$request_uri \$status'
				' \$body_bytes_sent \$http_authorization';
				access_log $T/$1.access tests;
				client_body_temp_path $T/$1.n1;
				proxy_temp_path $T/$1.n2;
				fastcgi_temp_path $T/$1.n3;
				uwsgi_temp_path $T/$1.n4;
				scgi_temp_path $T/$1.n5;"
			sed "s/@PORT@/$_port/g" "$2"
			echo '}'
		} >"$T/$1.nginx"
		nginx -p "$T" -c "$T/$1.nginx" -e "$T/$1.log" 2>>"$T/$1.err" ||
			continue
		at_end "kill \$(cat $T/$1.pid)"
		eval "$1=localhost:$_port"
		return
	done
	cat "$T/$1.err" >&2
	return 1
}

# Where the registry's storage is, behind two hops: the first makes a URL that
# is good for one request, the second serves it. Both refuse credentials,
# which are not for them, and the second is another host: 127.0.0.1.
redirect_target() {
	[ -z "${target-}" ] || return 0
	mkdir -p "$T/storage" && chmod 755 "$T/storage" || return
	cat >"$T/target.conf" <<-END
		limit_req_zone \$arg_once zone=once:1m rate=1r/m;
		server {
			listen 127.0.0.1:@PORT@;
			server_name localhost;
			if (\$http_authorization) { return 418; }
			return 307 http://127.0.0.1:@PORT@\$uri?once=\$request_id;
		}
		server {
			listen 127.0.0.1:@PORT@;
			server_name 127.0.0.1;
			root $T/storage;
			if (\$http_authorization) { return 418; }
			if (\$arg_once = '') { return 403; }
			limit_req zone=once;
			limit_req_status 403;
		}
	END
	[ "$(id -u)" != 0 ] || sed -i "s/^worker/user root; &/" "$T/target.conf"
	web target "$T/target.conf"
}

# --- images -----------------------------------------------------------

# A layout: a directory with blobs/sha256.
oci_new() {
	mkdir -p "$1/blobs/sha256" &&
		printf '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout" &&
		printf '{"schemaVersion":2,"manifests":[]}' >"$1/index.json"
}

# oci_blob DIR FILE TYPE: the file is moved into it; prints a descriptor.
oci_blob() {
	_hex=$(sha256sum <"$2") && _size=$(stat -c %s "$2") &&
		_hex=${_hex%% *} && mv "$2" "$1/blobs/sha256/$_hex" &&
		printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}\n' \
			"$3" "$_hex" "$_size"
}

# oci_layer DIR TAR gzip|zstd|tar: the same of a layer, which stays where it
# is; its diff_id is added to $T/diffs.
oci_layer() {
	_diff=$(sha256sum <"$2") && echo "${_diff%% *}" >>"$T/diffs" || return
	case $3 in
	gzip) gzip -n -c "$2" ;;
	zstd) zstd -q -c "$2" ;;
	tar) cat "$2" ;;
	esac >"$T/layer" || return
	_type=application/vnd.oci.image.layer.v1.tar+$3
	oci_blob "$1" "$T/layer" "${_type%+tar}"
}

# oci_image DIR CONFIG ARCH KIND TAR...: config is the JSON of what is to run;
# prints the descriptor of the manifest.
oci_image() {
	_dir=$1 _run=$2 _arch=$3 _kind=$4 _layers=
	shift 4
	: >"$T/diffs"
	for _tar; do
		_one=$(oci_layer "$_dir" "$_tar" "$_kind") || return
		_layers=$_layers${_layers:+,}$_one
	done
	jq -cn --arg arch "$_arch" --argjson run "$_run" \
		--rawfile diffs "$T/diffs" '{architecture: $arch, os: "linux",
		config: $run, rootfs: {type: "layers", diff_ids:
		[$diffs | split("\n")[] | select(. != "") | "sha256:" + .]}}' \
		>"$T/config" &&
	_one=$(oci_blob "$_dir" "$T/config" \
		application/vnd.oci.image.config.v1+json) &&
	{
		printf '{"schemaVersion":2,"mediaType":"%s",' \
			application/vnd.oci.image.manifest.v1+json
		printf '"config":%s,"layers":[%s]}' "$_one" "$_layers"
	} >"$T/manifest" &&
	oci_blob "$_dir" "$T/manifest" \
		application/vnd.oci.image.manifest.v1+json
}

# oci_index DIR: a list of the descriptors on stdin; prints its descriptor.
oci_index() {
	jq -cs '{schemaVersion: 2, manifests: .,
		mediaType: "application/vnd.oci.image.index.v1+json"}' \
		>"$T/list" &&
	oci_blob "$1" "$T/list" application/vnd.oci.image.index.v1+json
}

# platform ARCH: the descriptor on stdin says so.
platform() {
	jq -c --arg arch "$1" '.platform = {os: "linux", architecture: $arch}'
}

# oci_tag DIR TAG: the descriptor on stdin gets that name.
oci_tag() {
	jq -c --arg tag "$2" \
		'.annotations["org.opencontainers.image.ref.name"] = $tag' |
	jq -c --slurpfile index "$1/index.json" \
		'. as $new | $index[0] | .manifests += [$new]' \
		>"$T/index.new" && mv "$T/index.new" "$1/index.json"
}


# Ask a server for something; what it answers is on stdout.
ask() { curl -sS -f "$@"; }

# push_blob DIR HEX HOST/NAME
push_blob() {
	_where=http://${3%%/*}/v2/${3#*/}/blobs
	! ask -o /dev/null -I "$_where/sha256:$2" 2>>"$T/push.log" || return 0
	_up=$(ask -D - -o /dev/null -X POST "$_where/uploads/" | tr -d '\r' |
		sed -n 's/^[Ll]ocation: //p') || return
	case $_up in *\?*) _up=$_up\&digest=sha256:$2 ;; esac
	ask -o /dev/null -X PUT --data-binary "@$1/blobs/sha256/$2" \
		-H 'Content-Type: application/octet-stream' "$_up"
}

# push DIR HEX HOST/NAME [REFERENCE]: a manifest or an index and all below
# it, over plain http.
push() (
	_json=$1/blobs/sha256/$2
	jq -r '(.config, .layers[]?) | select(.) | .digest' <"$_json" |
		while read -r _digest; do
			push_blob "$1" "${_digest#*:}" "$3" || exit
		done || return
	jq -r '.manifests[]?.digest' <"$_json" | while read -r _digest; do
		(push "$1" "${_digest#*:}" "$3") || exit
	done || return
	ask -o /dev/null -X PUT --data-binary "@$_json" \
		-H "Content-Type: $(jq -r .mediaType <"$_json")" \
		"http://${3%%/*}/v2/${3#*/}/manifests/${4:-sha256:$2}"
)

# hex: of the descriptor on stdin.
hex() { jq -r '.digest | ltrimstr("sha256:")'; }
