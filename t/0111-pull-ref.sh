#!/bin/sh
# the names of images: what each means, and why those that mean nothing do not
. "$(dirname "$0")/lib.sh"

hex=$(printf '%064d' 7)
long=$(printf '%0128d' 7)
export hex long

# A row is a name and what it is made of: host path tag digest local, "-" for
# what it does not have.
cat >good <<END
golang docker.io library/golang latest - golang-latest
golang:1.23 docker.io library/golang 1.23 - golang-1.23
docker.io/library/golang:1.23 docker.io library/golang 1.23 - golang-1.23
docker.io/golang docker.io library/golang latest - golang-latest
index.docker.io/golang docker.io library/golang latest - golang-latest
me/tool:x docker.io me/tool x - tool-x
a/b/c docker.io a/b/c latest - c-latest
ghcr.io/a/b:v1.0 ghcr.io a/b v1.0 - b-v1.0
ghcr.io/a ghcr.io a latest - a-latest
localhost/x localhost x latest - x-latest
localhost:5000/x:y localhost:5000 x y - x-y
registry:5000/x registry:5000 x latest - x-latest
Registry/x Registry x latest - x-latest
10.0.0.1/x 10.0.0.1 x latest - x-latest
127.0.0.1:65535/a__b--c.d:T_.- 127.0.0.1:65535 a__b--c.d T_.- - a__b--c.d-T_.-
[::1]/x [::1] x latest - x-latest
[fe80::1]:5000/x/y:t [fe80::1]:5000 x/y t - y-t
x:5000 docker.io library/x 5000 - x-5000
x@sha256:$hex docker.io library/x - sha256:$hex x-000000000000
x:t@sha256:$hex docker.io library/x t sha256:$hex x-t
a.b/x@sha512:$long a.b x - sha512:$long x-000000000000
a-b.c-d/0/9---9 a-b.c-d 0/9---9 latest - 9---9-latest
x:$long docker.io library/x $long - x-${long%??}
END
# A row is what is said, at which character, and the name.
cat >bad <<END
it is empty|1|
capital letter|1|A
capital letter|3|a/B
capital letter|3|abC
has no such character|2|a b
has no such character|4|a/b\\c
no letter or digit|1|-a
no letter or digit|3|a..b
no letter or digit|4|a___b
a part of the host name is empty|1|../a
is empty, or ends|1|/a
is empty, or ends|3|a/
is empty, or ends|3|a//b
is empty, or ends|3|a.
is empty, or ends|5|a.b/
the tag is empty|3|a:
the tag is empty|3|a:@sha256:$hex
no such character here|3|a:-x
no such character here|3|a:.x
no such character here|4|a:x y
a port is a number|3|a:x/y
longer than 128|3|a:0$long
begins with sha256: or sha512:|3|a@md5:0
begins with sha256: or sha512:|3|a@
not a whole digest|10|a@sha256:${hex%?}
not a whole digest|10|a@sha256:0$hex
not a whole digest|10|a@sha256:${hex%?}A
a port is a number|10|a@sha256:${hex%?}/
no URL|6|https://a.b/c
no URL|7|docker://a
a port is a number|5|a.b:/x
a port is a number|5|a.b:x/x
a port is a number|5|a.b:0/x
at most 65535|5|a.b:65536/x
hyphen at the edge|1|-a.b/x
hyphen at the edge|4|a.b-/x
a part of the host name is empty|3|a..b/x
a part of the host name is empty|1|.a/x
no such character|2|a_b.c/x
a port is a number|4|[]:/x
not an IPv6 address|5|[::1]x/y
not an IPv6 address|2|[x:]/x
longer than 255|5|a.b/$long$long
an image's id|1|$hex
END

parts() {
	bng-pull ref "$1" >parts || return
	for key in host path tag digest local; do
		value=$(sed -n "s/^$key	//p" parts)
		printf ' %s' "${value:--}"
	done
}
good_rows() {
	while read -r name rest; do
		[ "$(parts "$name")" = " $rest" ] || {
			echo "$name: $(parts "$name")"
			return 1
		}
	done <good
}
bad_rows() {
	while IFS='|' read -r why at name; do
		says 100 "does not name an image: " bng-pull ref "$name" &&
			grep -qF "$why" .err &&
			grep -qF "(at character $at)" .err || return
	done <bad
}

ok 'a name is taken apart: hosts, ports, tags, digests and what is left out' '
	[ "$(wc -l <good)" = 23 ] && good_rows'
ok 'one that means nothing is refused, with the reason and the place' '
	[ "$(wc -l <bad)" = 44 ] && bad_rows'
ok 'the same names are refused where an image is to be pulled' '
	fails 100 bng-pull oci a/B >out 2>err && [ ! -s out ] &&
	grep -qF "(at character 3)" err && [ ! -e cache ]'
ok 'a name is one argument, and answers cannot get lost' '
	says 100 "one name is wanted" bng-pull ref &&
	says 100 "one name is wanted" bng-pull ref a b &&
	fails 111 sh -c "bng-pull ref a >/dev/full"'
done_testing
