#!/bin/sh
# where Debian's packages come from, by the host's apt and by the environment
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC1091
. "$TOP/sh/mirror"
unset BANGER_DEBIAN_MIRROR http_proxy
APT_CONFIG=$T/apt.conf
export APT_CONFIG

# etc FILE: apt's sources are what is on stdin.
etc() {
	rm -rf "${T:?}/etc"
	mkdir -p "$T/etc/parts" "$T/lists/partial"
	case $1 in
	*.sources) cat >"$T/etc/parts/$1"; : >"$T/etc/sources.list" ;;
	*) cat >"$T/etc/$1" ;;
	esac
	cat >"$APT_CONFIG" <<-EOF
	Dir::Etc::sourcelist "$T/etc/sources.list";
	Dir::Etc::sourceparts "$T/etc/parts";
	EOF
}
# is LINE...: "URI SUITE" as found for bookworm, in this order.
is() {
	mirror_lines bookworm "$T" >"$T/lines" || return
	cat "$T/lines"
	sed -e 's/\[[^]]*\] //' "$T/lines" >"$T/got"
	for _is_line; do
		printf 'deb %s main\n' "$_is_line"
	done >"$T/want"
	same "$T/want" "$T/got"
}

etc debian.sources <<'EOF'
Types: deb deb-src
URIs: http://m.invalid/debian
Suites: bookworm bookworm-updates
Components: main contrib

Types: deb
URIs: http://s.invalid/debian-security
Suites: bookworm-security
Components: main
EOF
ok 'deb822 entries are read, with updates and security' '
	is "http://m.invalid/debian bookworm" \
		"http://m.invalid/debian bookworm-updates" \
		"http://s.invalid/debian-security bookworm-security"'

etc sources.list <<'EOF'
# a comment
deb [arch=amd64] http://m.invalid/debian bookworm main
EOF
ok 'so are one-line entries; what is not there is not made up' '
	is "http://m.invalid/debian bookworm"'

etc sources.list <<'EOF'
deb http://m.invalid/debian trixie main
deb http://m.invalid/debian trixie-updates main
deb http://m.invalid/debian-security trixie-security main
EOF
ok 'a host of another release has the same mirror' '
	is "http://m.invalid/debian bookworm" \
		"http://m.invalid/debian bookworm-updates" \
		"http://m.invalid/debian-security bookworm-security"'

etc sources.list <<'EOF'
deb http://third.invalid/debian bookworm main
deb http://other.invalid/apt bookworm main
deb http://m.invalid/pub/debian bookworm main
deb http://m.invalid/pub/debian bookworm-updates main
EOF
ok 'what merely looks like the archive is not taken for it' '
	is "http://m.invalid/pub/debian bookworm" \
		"http://m.invalid/pub/debian bookworm-updates"'

etc sources.list <<'EOF'
deb http://u.invalid/ubuntu jammy main
deb http://x.invalid/apt cloud-sdk-bookworm main
deb http://d.invalid/linux/debian bookworm stable
EOF
ok 'a host that is no Debian has no mirror' '! mirror_lines bookworm "$T"'
ok 'but may be told one' '
	BANGER_DEBIAN_MIRROR=http://m.invalid/debian &&
	is "http://m.invalid/debian bookworm"'
ok 'in whole lines, too' '
	BANGER_DEBIAN_MIRROR="deb [trusted=yes] file:/a x main
deb file:/b y main" && mirror_lines bookworm "$T" >"$T/got" &&
	printf "%s\n" "$BANGER_DEBIAN_MIRROR" >"$T/want" &&
	same "$T/want" "$T/got"'

echo 'Acquire::http::Proxy "http://p.invalid:3128"; Acquire::Retries "7";
APT::Update::Post-Invoke { "touch /nonexistent"; };' >>"$APT_CONFIG"
ok 'proxies of the host are kept, and its hooks are not' '
	BANGER_DEBIAN_MIRROR=http://m.invalid/debian &&
	mirror_dir "$T/private" bookworm && unset APT_CONFIG &&
	APT_CONFIG=$T/private/apt.conf apt-config dump >"$T/got" &&
	grep -x "Acquire::http::Proxy \"http://p.invalid:3128\";" "$T/got" &&
	grep -x "Acquire::Retries \"7\";" "$T/got" &&
	! grep Post-Invoke "$T/got"'
done_testing
