#!/bin/sh
# who a person is to a registry: logins, tokens, and who does not get them
. "$(dirname "$0")/lib.sh"
. "$TOP/t/registry.sh"

registry plainly && registry basic tls htpasswd && registry token token /both &&
	registry access tls token /access && registry moved htpasswd redirect ||
	exit 1
oci_new img
head -c 9000000 /dev/urandom >f && tar -cf one.tar f && head -c 99999 f >g &&
	tar -cf two.tar g
image=$(oci_image img '{"Env":["A=b"]}' amd64 tar one.tar two.tar | hex)
push img "$image" "$plainly/a/b" t && push img "$image" "$plainly/open/b" t ||
	exit 1
bng-pull oci "$plainly/a/b:t" >want || exit 1
b64() { printf %s "$1" | base64 -w0; }
# login FILE JSON: what a login file says, HOST being the host.
login() { printf '{"auths":{"%s":%s}}' "$1" "$2" >login.json; }
mine=$(printf '{"auth":"%s"}' "$(b64 "$account:$password")")
export mine
# pull REGISTRY/NAME [OPTION...]: with nothing in the cache.
pull() {
	_pull_name=$1
	shift
	rm -rf cache
	timeout 300 bng-pull oci -c ca/ca.crt "$@" "$_pull_name:t" >got
}
pulls() { pull "$@" && same got want; }
# refused TEXT REGISTRY/NAME [OPTION...]
refused() {
	_refused=$1
	shift
	says 111 "$_refused" pull "$@" && [ ! -s got ]
}

ok 'a login in a file that is named is used where it is asked for' '
	login "$basic" "$mine" && pulls "$basic/a/b" -a login.json &&
	login "$token" "$mine" && pulls "$token/a/b" -a login.json &&
	login "$access" "$mine" && pulls "$access/a/b" -a login.json'
ok 'a token server gives tokens to nobody in particular, too' '
	echo "{}" >login.json && pull "$token/open/b" -a login.json &&
	pull "$access/open/b" -a login.json'
ok 'an identity token gets tokens, by POST' '
	: >tokens.access && login "$token" \
		"{\"identitytoken\":\"$(printf %s "$password" | rev)\"}" &&
	pulls "$token/a/b" -a login.json &&
	[ "$(cat tokens.access)" = "POST /both identity 200" ]'
ok 'keys of login files are hosts, however they are written' '
	for key in "https://$basic" "https://$basic/v1/" "$basic/v2"; do
		login "$key" "$mine" && pulls "$basic/a/b" -a login.json ||
			exit
	done && login "x$basic" "$mine" &&
	refused "there is none for it" "$basic/a/b" -a login.json &&
	login "$basic/other" "$mine" &&
	refused "there is none for it" "$basic/a/b" -a login.json'
ok 'a key may name a part of the host, and the longest that fits counts' '
	login "$basic/a" "$mine" && pulls "$basic/a/b" -a login.json &&
	login "$basic/a/b" "$mine" && pulls "$basic/a/b" -a login.json &&
	printf "{\"auths\":{\"%s\":%s,\"%s\":%s}}" "$basic" \
		"{\"auth\":\"$(b64 me:wrong)\"}" "$basic/a" "$mine" \
		>login.json && pulls "$basic/a/b" -a login.json &&
	printf "{\"auths\":{\"%s\":%s,\"%s\":%s}}" "$basic/a" "$mine" \
		"$basic/a/b" "{\"auth\":\"$(b64 me:wrong)\"}" >login.json &&
	refused "refuses the login" "$basic/a/b" -a login.json &&
	login "$basic/a/bc" "$mine" &&
	refused "there is none for it" "$basic/a/b" -a login.json'
ok 'a login that cannot be read is said to be one' '
	for auth in "$(b64 nobody)" "???" x; do
		login "$basic" "{\"auth\":\"$auth\"}" &&
		fails 111 pull "$basic/a/b" -a login.json 2>err &&
		grep "the login of .$basic. in .login.json.: its .auth. is" \
			err || exit
	done'
ok 'without a login the sentence says so' '
	refused "the server wants a login, and there is none" "$basic/a/b" &&
	refused "required (without a login)" "$token/a/b"'
ok 'with a wrong one it names the file' '
	login "$basic" "{\"auth\":\"$(b64 me:wrong)\"}" &&
	refused "refuses the login of '\''login.json'\''" "$basic/a/b" \
		-a login.json && login "$token" \
		"{\"auth\":\"$(b64 me:wrong)\"}" &&
	refused "login of '\''login.json'\'': the server answered 401" \
		"$token/a/b" -a login.json &&
	fails 1 grep -r wrong .err'
ok 'a login file that is named must be there, and be one' '
	refused "cannot read logins from '\''nope'\'': No such" "$basic/a/b" \
		-a nope && echo "{" >broken &&
	refused "it is not JSON" "$basic/a/b" -a broken'

ok 'docker and podman have their files, and they are found' '
	login "$basic" "$mine" && mkdir -p d run/containers &&
	for where in home/.docker/config.json home/.config/containers/auth.json
	do
		mkdir -p "${where%/*}" && cp login.json "$where" &&
		pulls "$basic/a/b" && rm "$where" || exit
	done && cp login.json d/config.json &&
	DOCKER_CONFIG=$T/d pulls "$basic/a/b" &&
	cp login.json run/containers/auth.json &&
	XDG_RUNTIME_DIR=$T/run pulls "$basic/a/b" &&
	REGISTRY_AUTH_FILE=$T/login.json pulls "$basic/a/b"'

mkdir bin
cat >bin/docker-credential-vault <<'END'
#!/bin/sh
read -r host || :
echo "$1 $host" >>"$T/vault"
[ "$host" = "$basic" ] || { echo 'credentials not found'; exit 1; }
case ${VAULT-} in
long) exec yes ;;
page) echo '<html>' ;;
token) printf '{"Username":"<token>","Secret":"x"}' ;;
*) printf '{"Username":"%s","Secret":"%s"}' me 's3cret: !' ;;
esac
END
chmod +x bin/docker-credential-vault
PATH=$T/bin:$PATH
export basic
ok 'a program that keeps passwords is asked, for all hosts or for some' '
	echo "{\"credsStore\":\"vault\"}" >keeper && pulls "$basic/a/b" \
		-a keeper && [ "$(cat vault)" = "get $basic" ] &&
	echo "{\"credHelpers\":{\"$basic\":\"vault\"}}" >keeper &&
	pulls "$basic/a/b" -a keeper && : >vault &&
	pull "$token/open/b" -a keeper && [ ! -s vault ]'
ok 'what it does not know the file may' '
	printf "{\"credsStore\":\"vault\",\"auths\":{\"%s\":%s}}" \
		"$token" "$mine" >keeper &&
	pulls "$token/a/b" -a keeper'
ok 'one that is not there, talks too much or nonsense is named' '
	echo "{\"credsStore\":\"gone\"}" >keeper &&
	fails 111 pull "$basic/a/b" -a keeper 2>err &&
	grep "docker-credential-gone.*: No such file" err &&
	echo "{\"credsStore\":\"../vault\"}" >keeper &&
	fails 111 pull "$basic/a/b" -a keeper 2>err &&
	grep "docker-credential-../vault.*: Invalid" err &&
	echo "{\"credsStore\":\"vault\"}" >keeper &&
	VAULT=long fails 111 pull "$basic/a/b" -a keeper 2>err &&
	grep "docker-credential-vault.*: File too large" err &&
	VAULT=page fails 111 pull "$basic/a/b" -a keeper 2>err &&
	grep "docker-credential-vault.*: Bad message" err'

ok 'what proves who asks does not go along with a redirect' '
	login "$moved" "$mine" && pulls "$moved/a/b" -a login.json &&
	grep -q " 206 .* -\$" target.access &&
	fails 1 grep -q "Basic\|Bearer\| 418 " target.access'
ok 'a mirror gets the login for the mirror, not that of the registry' '
	login docker.io "$mine" &&
	refused "there is none for it" "$basic/a/b" -a login.json \
		-M "docker.io=https://$basic" &&
	login "$basic" "$mine" && rm -rf cache &&
	bng-pull oci -c ca/ca.crt -a login.json -M "docker.io=https://$basic" \
		a/b:t >got && same got want'
# A registry whose tokens are good for three requests.
cat >expiring.py <<'END'
import http.server, json, os, sys, threading
layout, manifest = sys.argv[1:]
used, lock = {}, threading.Lock()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_):
        pass
    def answer(self, status, body, **headers):
        self.send_response(status)
        for key in headers:
            self.send_header(key.replace("_", "-"), headers[key])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def good(self):
        with lock:
            token = self.headers.get("Authorization", "")
            used[token] = used.get(token, -1) + 1
            return token.startswith("Bearer ") and used[token] < 3
    def do_GET(self):
        if self.path.startswith("/token?"):
            token = json.dumps({"token": os.urandom(8).hex()})
            return self.answer(200, token.encode())
        if not self.good():
            return self.answer(401, b"", WWW_Authenticate=
                'Bearer realm="%s/token"' % here)
        name = self.path.split("/")[-1].replace("sha256:", "")
        name = manifest if name == "t" else name
        with open(layout + "/blobs/sha256/" + name, "rb") as f:
            body = f.read()
        if "Range" not in self.headers:
            return self.answer(200, body)
        a, b = map(int, self.headers["Range"][6:].split("-"))
        self.answer(206, body[a:b + 1], Content_Range=
            "bytes %d-%d/%d" % (a, b, len(body)))

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
here = "http://127.0.0.1:%d" % server.server_port
print("listening on", here[7:], file=sys.stderr, flush=True)
server.serve_forever()
END
serve "$T/expiring" 'listening on ' python3 expiring.py img "$image" || exit 1
ok 'a token that expires in the middle of a pull is replaced' '
	pulls "${served##* }/a/b" -j 1 && pulls "${served##* }/a/b" -j 8'

ok 'a certificate that is not trusted is no reason to speak plain text' '
	rm -rf cache && says 111 "certificate" \
		bng-pull oci "$basic/a/b:t" && [ ! -e cache/blobs ]'
done_testing
