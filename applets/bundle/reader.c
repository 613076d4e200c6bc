/* reader.c - the tar stream of a bundle: what zstd compressed, frame by frame
 *
 * SPDX-License-Identifier: MIT
 *
 * RFC 8878. Memory is bounded by WINDOW_LOG_MAX, whatever a frame asks for.
 */
#include <stdarg.h>
#include <zstd.h>

#include "bundle.h"

enum { CHUNK = 128 << 10 };

struct bundle_in {
	int fd;
	ZSTD_DStream *z;
	ZSTD_inBuffer in;
	struct digest *digest;
	uint64_t came, most;
	bool whole;		/* a frame has ended, none has begun since */
	char why[WHY];
	uint8_t buf[CHUNK];
	struct tar_in tar;
};

printf_fn(2, 3) static int
wrong(struct bundle_in *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	return -1;
}

/* More of the compressed bytes: 1; the end: 0; -1. */
static int
more(struct bundle_in *b)
{
	ssize_t n;

	do
		n = read(b->fd, b->buf, sizeof(b->buf));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		die_sys("cannot read the bundle");
	b->came += (uint64_t)n;
	if (b->came > b->most)
		return wrong(b, "it is longer than the %llu bytes of the "
		    "catalog", (unsigned long long)b->most);
	digest_add(b->digest, b->buf, (size_t)n);
	b->in = (ZSTD_inBuffer){ b->buf, (size_t)n, 0 };
	return n > 0;
}

static ssize_t
inflate(void *ctx, void *buf, size_t size)
{
	struct bundle_in *b = ctx;
	ZSTD_outBuffer out = { buf, size, 0 };
	size_t r;
	int got;

	while (!out.pos) {
		got = b->in.pos == b->in.size ? more(b) : 1;
		if (got < 0)
			return -1;
		if (!got && b->whole)
			return 0;
		/* All has been read, but perhaps not all come out. */
		r = ZSTD_decompressStream(b->z, &out, &b->in);
		if (ZSTD_isError(r))
			return wrong(b, "its compressed data are damaged: %s",
			    ZSTD_getErrorName(r));
		b->whole = !r;
		if (!got && !out.pos)
			return wrong(b, "it is cut short after %llu bytes",
			    (unsigned long long)b->came);
	}
	return (ssize_t)out.pos;
}

struct bundle_in *
xbundle_in(int fd, uint64_t most)
{
	struct bundle_in *b = xcalloc(1, sizeof(*b));

	b->fd = fd;
	b->most = most;
	b->digest = xdigest_new();
	b->z = ZSTD_createDStream();
	if (!b->z || ZSTD_isError(ZSTD_initDStream(b->z)) ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(b->z, ZSTD_d_windowLogMax,
	    WINDOW_LOG_MAX)))
		die("cannot start libzstd");
	b->tar.read = inflate;
	b->tar.ctx = b;
	return b;
}

const char *
bundle_read(struct bundle_in *b, struct members *m)
{
	if (!members_read(m, &b->tar))
		return NULL;
	return b->why[0] ? b->why : m->why[0] ? m->why : b->tar.error;
}

uint64_t
bundle_came(const struct bundle_in *b)
{
	return b->came;
}

void
bundle_hex(const struct bundle_in *b, char hex[DIGEST_HEX])
{
	digest_hex(b->digest, hex);
}
