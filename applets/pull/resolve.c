/* resolve.c - from a name to the manifest of one image for linux/amd64
 *
 * SPDX-License-Identifier: MIT
 * https://github.com/opencontainers/distribution-spec
 *
 * What a digest names is taken from the cache if it is there. A digest is one
 * of the bytes that were received, whatever they mean.
 */
#include "bng.h"
#include "pull.h"

#define DOCKER "application/vnd.docker.distribution.manifest."
#define OCI "application/vnd.oci.image."

enum { NESTED = 4 };	/* indexes in indexes */

static const char accept[] = "Accept: " OCI "manifest.v1+json, " OCI
    "index.v1+json, " DOCKER "v2+json, " DOCKER "list.v2+json, " DOCKER
    "v1+prettyjws;q=0.1";

/* A manifest on its way. */
struct receipt {
	struct exchange x;
	char *text;
	size_t n;
	bool ended;
	char why[512];
};

static bool
receipt_begin(struct exchange *x)
{
	struct receipt *r = x->owner;

	r->n = 0;
	return x->length <= MANIFEST_MAX ||
	    exchange_refuse(x, "the manifest is larger than 4 MiB");
}

static bool
receipt_body(struct exchange *x, const void *data, size_t n)
{
	struct receipt *r = x->owner;

	if (n > MANIFEST_MAX - r->n)
		return exchange_refuse(x, "the manifest is larger than 4 MiB");
	memcpy(r->text + r->n, data, n);
	r->n += n;
	return true;
}

static void
receipt_done(struct exchange *x, const char *why)
{
	struct receipt *r = x->owner;

	r->ended = true;
	snprintf(r->why, sizeof(r->why), "%s", why ? why : "");
}

/* Of the same bytes that digest names? digest "" is answered in ret. */
static bool
digest_right(const char *text, size_t n, const char *digest,
    char ret[DIGEST_NAME])
{
	struct digest *d = xdigest_new_like(digest);
	char sum[DIGEST_SUM];

	digest_add(d, text, n);
	digest_sum(d, sum);
	digest_free(d);
	snprintf(ret, DIGEST_NAME, "%s:%s",
	    !strncmp(digest, "sha512:", 7) ? "sha512" : "sha256", sum);
	return !*digest || !strcmp(ret, digest);
}

/* Is it what was wanted ("": what the server itself says that it is)? */
static bool
verify(struct image *im, const char *said, const char *want, char why[512])
{
	if (!*want && digest_ok(said))
		want = said;
	if (digest_right(im->text, (size_t)im->self.size, want,
	    im->self.digest))
		return true;
	snprintf(why, 512, "its manifest has the digest %s instead of %s",
	    im->self.digest, want);
	return false;
}

static bool
understand(struct image *im, const char *type, char why[512])
{
	const char *reason;

	if (manifest_read(&im->m, im->text, (size_t)im->self.size, type,
	    &reason)) {
		snprintf(why, 512, "cannot use its manifest: %s", reason);
		return false;
	}
	snprintf(im->self.type, sizeof(im->self.type), "%s", im->m.type);
	return true;
}

static bool
receive(struct image *im, const struct source *s, size_t which,
    const char *want, char why[512])
{
	struct receipt r = { .text = xmalloc(MANIFEST_MAX + 1) };
	bool ok;

	r.x.at = s->origins[which];
	r.x.path = xasprintf("/v2/%s/manifests/%s", s->ref->path,
	    *want ? want : s->ref->tag);
	r.x.accept = accept;
	r.x.owner = &r;
	r.x.begin = receipt_begin;
	r.x.body = receipt_body;
	r.x.done = receipt_done;
	exchange_start(&r.x);
	while (!r.ended) {
		show_turn();
		net_turn(-1, show_wait());
	}
	im->text = xrealloc(r.text, r.n + 1);
	im->self.size = (int64_t)r.n;
	/* One of schema 1 has never the digest that its server says. */
	ok = !r.why[0] && understand(im, r.x.type, r.why) &&
	    verify(im, r.x.digest, want, r.why);
	if (ok)
		cache_put(im->self.digest, im->text, r.n);
	memcpy(why, r.why, sizeof(r.why));
	exchange_release(&r.x);
	return ok;
}

/* The manifest or index that want ("": the tag) names. */
static bool
get(struct image *im, const struct source *s, size_t which, const char *want,
    char why[512])
{
	size_t n;

	free(im->text);
	im->text = *want ? cache_get(want, MANIFEST_MAX, &n) : NULL;
	if (!im->text)
		return receive(im, s, which, want, why);
	im->self.size = (int64_t)n;
	snprintf(im->self.digest, sizeof(im->self.digest), "%s", want);
	return understand(im, "", why);
}

static bool
image(struct image *im, const struct source *s, size_t which, char why[512])
{
	char want[DIGEST_NAME];

	snprintf(want, sizeof(want), "%s", s->ref->digest);
	for (int depth = 0; depth < NESTED; depth++) {
		if (!get(im, s, which, want, why))
			return false;
		if (!im->m.is_index)
			return true;
		snprintf(want, sizeof(want), "%s", im->m.best.digest);
	}
	snprintf(why, 512, "its indexes are nested too deeply");
	return false;
}

void
resolve(struct image *ret, struct source *s)
{
	char why[512];

	for (size_t i = 0; i < s->n; i++) {
		struct image im = { .origin = i };

		if (image(&im, s, i, why)) {
			*ret = im;
			return;
		}
		free(im.text);
		show_clear();
		if (i + 1 < s->n)
			warn("mirror '%s': %s", s->origins[i]->base, why);
	}
	die("cannot pull '%s%s%s' from '%s': %s", s->ref->path,
	    *s->ref->digest ? "@" : ":", *s->ref->digest ? s->ref->digest :
	    s->ref->tag, s->origins[s->n - 1]->host, why);
}
