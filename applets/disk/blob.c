/* blob.c - bytes whose digest is checked as they are read
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/opencontainers/image-spec/blob/main/descriptor.md
 */
#include <stdarg.h>

#include "layers.h"
#include "lazy.h"

ssize_t
bytes_fail(struct bytes *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, WHY, fmt, ap);
	va_end(ap);
	return -1;
}

bool
desc_set(struct desc *d, const char *digest, int64_t size)
{
	size_t n = strncmp(digest, "sha512:", 7) ? 64 : 128;

	if ((n == 64 && strncmp(digest, "sha256:", 7)) ||
	    strlen(digest) != 7 + n ||
	    strspn(digest + 7, "0123456789abcdef") != n)
		return false;
	memcpy(d->digest, digest, 7 + n + 1);
	d->size = size;
	return true;
}

/* The end: is it what it was said to be? */
static ssize_t
check(struct blob *b)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
	unsigned int n = 0;

	b->done = true;
	if (b->left > 0)
		return bytes_fail(&b->out, "it is cut short: %lld bytes are "
		    "missing", (long long)b->left);
	if (!b->sum)
		return 0;
	if (!EVP_DigestFinal_ex(b->sum, sum, &n))
		return bytes_fail(&b->out, "cannot compute its digest");
	for (unsigned int i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	if (!*b->want.digest)
		snprintf(b->want.digest, DIGEST, "sha256:%s", hex);
	if (strcmp(hex, b->want.digest + 7))
		return bytes_fail(&b->out, "its digest is %.7s%.16s..., not "
		    "%.23s...", b->want.digest, hex, b->want.digest);
	return 0;
}

static ssize_t
read_blob(void *ctx, void *buf, size_t n)
{
	struct blob *b = ctx;
	ssize_t got;

	if (b->done)
		return 0;
	if (b->left >= 0 && n > (size_t)b->left)
		n = (size_t)b->left;
	got = n ? b->in.read(b->in.ctx, buf, n) : 0;
	if (got < 0)
		return got;
	if (b->left >= 0)
		b->left -= got;
	if (got && b->sum && !EVP_DigestUpdate(b->sum, buf, (size_t)got))
		return bytes_fail(&b->out, "cannot compute its digest");
	return got ? got : check(b);
}

int
blob_init(struct blob *b, const struct bytes *in, const struct desc *want,
    char why[WHY])
{
	*b = (struct blob){ .in = *in, .left = want ? want->size : -1 };
	b->out = (struct bytes){ read_blob, b, why };
	if (!want)
		return 0;
	b->want = *want;
	b->sum = EVP_MD_CTX_new();
	if (!b->sum || !EVP_DigestInit_ex(b->sum,
	    strncmp(want->digest, "sha512:", 7) ? EVP_sha256() : EVP_sha512(),
	    NULL))
		return (int)bytes_fail(&b->out, "cannot compute its digest");
	return 0;
}

void
blob_release(struct blob *b)
{
	EVP_MD_CTX_free(b->sum);
	b->sum = NULL;
}
