/* ref.c - what people call an image of a registry, taken apart
 *
 * SPDX-License-Identifier: MIT
 *
 *	[HOST[:PORT]/]PATH[:TAG][@DIGEST]
 *
 * The first component is a host if it has a dot, a colon or a capital in it,
 * or is "localhost"; else the host is docker.io, whose images of one component
 * are below library/. So it is everywhere that images are named.
 */
#include <ctype.h>

#include "bng.h"
#include "pull.h"

enum { PATH_LEN = 255, TAG_LEN = 128, LOCAL_LEN = 128 };

static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789";

struct reader {
	const char *text, *p;
	const char *why;
};

static bool
wrong(struct reader *r, const char *at, const char *why)
{
	r->p = at;
	r->why = why;
	return false;
}

static bool
is_host(const char *text, size_t n)
{
	if (n == strlen("localhost") && !strncmp(text, "localhost", n))
		return true;
	for (size_t i = 0; i < n; i++)
		if (strchr(".:", text[i]) || isupper((unsigned char)text[i]))
			return true;
	return false;
}

/* Labels of letters, digits and inner hyphens, dots between them. */
static bool
host_name(struct reader *r, const char *end)
{
	for (const char *p = r->p; ; p++) {
		const char *from = p;

		while (p < end && (isalnum((unsigned char)*p) || *p == '-'))
			p++;
		if (p < end && *p != '.')
			return wrong(r, p, "a host name has no such character");
		if (p == from)
			return wrong(r, p, "a part of the host name is empty");
		if (*from == '-' || p[-1] == '-')
			return wrong(r, *from == '-' ? from : p - 1,
			    "a hyphen at the edge of a host name");
		if (p == end)
			return true;
	}
}

static bool
host_v6(struct reader *r, const char *end)
{
	const char *p = r->p + 1;

	p += strspn(p, "0123456789abcdefABCDEF:.");
	if (p + 1 != end || *p != ']' || p < r->p + 3)
		return wrong(r, p < end ? p : r->p,
		    "that is not an IPv6 address in brackets");
	return true;
}

static bool
port(struct reader *r, const char *from, const char *end)
{
	long n = 0;

	for (const char *p = from; p < end; p++) {
		if (!isdigit((unsigned char)*p))
			return wrong(r, p, "a port is a number");
		n = n * 10 + *p - '0';
		if (n > 65535)
			return wrong(r, from, "a port is at most 65535");
	}
	if (!n)
		return wrong(r, from, "a port is a number from 1 on");
	return true;
}

static bool
host(struct reader *r, const char *end, struct ref *ref)
{
	const char *from = r->p, *colon;
	size_t n = (size_t)(end - from);

	colon = *from == '[' ? memchr(from, ']', n) : from;
	colon = colon ? memchr(colon, ':', (size_t)(end - colon)) : NULL;
	if (n >= sizeof(ref->host))
		return wrong(r, from, "the host name is too long");
	if (colon && !port(r, colon + 1, end))
		return false;
	if (!(*from == '[' ? host_v6 : host_name)(r, colon ? colon : end))
		return false;
	snprintf(ref->host, sizeof(ref->host), "%.*s", (int)n, from);
	if (!strcmp(ref->host, "index.docker.io"))
		snprintf(ref->host, sizeof(ref->host), "docker.io");
	r->p = end + 1;
	return true;
}

/* What may stand between letters: ".", "_", "__", or hyphens. */
static size_t
separator(const char *p)
{
	if (*p == '.')
		return 1;
	if (*p == '_')
		return p[1] == '_' ? 2 : 1;
	return strspn(p, "-");
}

static bool
component(struct reader *r)
{
	size_t n;

	for (;;) {
		n = strspn(r->p, lower);
		if (!n && isupper((unsigned char)*r->p))
			return wrong(r, r->p, "the path has a capital letter");
		if (!n)
			return wrong(r, r->p, *r->p && !strchr("/:@", *r->p) ?
			    "no letter or digit here" :
			    "a part of the path is empty, or ends too early");
		r->p += n;
		n = separator(r->p);
		if (!n)
			return true;
		r->p += n;
	}
}

static bool
path(struct reader *r, struct ref *ref)
{
	const char *from = r->p, *last = from;
	bool library;

	while (component(r) && *r->p == '/')
		last = ++r->p;
	if (r->why)
		return false;
	if (*r->p && !strchr(":@", *r->p))
		return wrong(r, r->p, isupper((unsigned char)*r->p) ?
		    "the path has a capital letter" :
		    "a path has no such character");
	library = !strcmp(ref->host, "docker.io") && last == from;
	if (r->p - from + (library ? 8 : 0) + (ptrdiff_t)strlen(ref->host) + 1 >
	    PATH_LEN)
		return wrong(r, from, "the name is longer than 255 bytes");
	if (library && r->p - from == 64 &&
	    strspn(from, "0123456789abcdef") == 64)
		return wrong(r, from, "that is an image's id, not its name");
	snprintf(ref->path, sizeof(ref->path), "%s%.*s",
	    library ? "library/" : "", (int)(r->p - from), from);
	return true;
}

static bool
tag(struct reader *r, struct ref *ref)
{
	const char *from = r->p;
	size_t n;

	while (isalnum((unsigned char)*r->p) || *r->p == '_' ||
	    (r->p > from && (*r->p == '.' || *r->p == '-')))
		r->p++;
	n = (size_t)(r->p - from);
	if (*r->p && *r->p != '@')
		return wrong(r, r->p, "a tag has no such character here");
	if (!n)
		return wrong(r, from, "the tag is empty");
	if (n > TAG_LEN)
		return wrong(r, from, "the tag is longer than 128 characters");
	snprintf(ref->tag, sizeof(ref->tag), "%.*s", (int)n, from);
	return true;
}

static bool
digest(struct reader *r, struct ref *ref)
{
	if (strncmp(r->p, "sha256:", 7) && strncmp(r->p, "sha512:", 7))
		return wrong(r, r->p, "a digest begins with sha256: or "
		    "sha512:");
	if (!digest_ok(r->p))
		return wrong(r, r->p + 7, "that is not a whole digest in "
		    "lower-case hex");
	snprintf(ref->digest, sizeof(ref->digest), "%s", r->p);
	return true;
}

/* The image's name on this host: the last component, and the tag. */
static void
name_it(struct ref *ref)
{
	const char *slash = strrchr(ref->path, '/');
	char end[32];

	snprintf(end, sizeof(end), "%.12s",
	    ref->digest[0] ? digest_digits(ref->digest) : "");
	snprintf(ref->local, sizeof(ref->local), "%s-%s",
	    slash ? slash + 1 : ref->path, ref->tag[0] ? ref->tag : end);
	ref->local[LOCAL_LEN] = '\0';
}

static bool
parts(struct reader *r, struct ref *ref)
{
	const char *slash = strchr(r->p, '/');

	if (strstr(r->p, "://"))
		return wrong(r, strstr(r->p, "://"),
		    "the name of an image is no URL");
	if (slash && is_host(r->p, (size_t)(slash - r->p))) {
		if (!host(r, slash, ref))
			return false;
	} else {
		snprintf(ref->host, sizeof(ref->host), "docker.io");
	}
	if (!path(r, ref))
		return false;
	if (*r->p == ':' && (r->p++, !tag(r, ref)))
		return false;
	if (*r->p == '@' && (r->p++, !digest(r, ref)))
		return false;
	return true;
}

int
ref_parse(struct ref *ret, const char *text, const char **ret_why,
    size_t *ret_at)
{
	struct reader r = { text, text, NULL };
	struct ref ref = { 0 };

	if (!*text)
		wrong(&r, text, "it is empty");
	if (r.why || !parts(&r, &ref)) {
		*ret_why = r.why;
		*ret_at = (size_t)(r.p - text) + 1;
		return -EINVAL;
	}
	if (!ref.tag[0] && !ref.digest[0])
		snprintf(ref.tag, sizeof(ref.tag), "latest");
	name_it(&ref);
	*ret = ref;
	return 0;
}

void
xref(struct ref *ret, const char *text)
{
	const char *why;
	size_t at;

	if (ref_parse(ret, text, &why, &at))
		die_usage("'%s' does not name an image: %s (at character %zu)",
		    text, why, at);
}

int
ref_main(int argc, char *argv[])
{
	struct ref r;

	if (argc != 2)
		die_usage("ref: one name is wanted");
	xref(&r, argv[1]);
	printf("host\t%s\npath\t%s\n", r.host, r.path);
	if (r.tag[0])
		printf("tag\t%s\n", r.tag);
	if (r.digest[0])
		printf("digest\t%s\n", r.digest);
	printf("local\t%s\n", r.local);
	return EXIT_YES;
}
