/* unpack.c - bytes out of whatever compressed them
 *
 * SPDX-License-Identifier: MIT
 *
 * Inflating is what a pull waits for, so gzip is ISA-L's, which takes half the
 * time of zlib; zstd has its own library. What images are seldom made of (xz,
 * bzip2, lz4) is left to libarchive. The first bytes say which it is.
 *
 * https://www.rfc-editor.org/rfc/rfc1952
 * https://www.rfc-editor.org/rfc/rfc8878
 */
#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include "layers.h"
#include "lazy.h"

/* More input when there is none: how much there is then, or -1. */
static ssize_t
fill(struct unpack *u)
{
	ssize_t n;

	if (u->len)
		return (ssize_t)u->len;
	n = u->in.read(u->in.ctx, u->buf, CHUNK);
	u->from = 0;
	u->len = n > 0 ? (size_t)n : 0;
	return n;
}

static void
took(struct unpack *u, size_t n)
{
	u->from += n;
	u->len -= n;
}

static ssize_t
read_bare(struct unpack *u, void *buf, size_t n)
{
	if (!u->len)
		return u->in.read(u->in.ctx, buf, n);
	if (n > u->len)
		n = u->len;
	memcpy(buf, u->buf + u->from, n);
	took(u, n);
	return (ssize_t)n;
}

/* Between members: 1 when there is another, 0 at the end. */
static ssize_t
next_member(struct unpack *u)
{
	struct inflate_state *s = u->state;
	ssize_t n;

	while ((n = fill(u)) > 0 && !u->buf[u->from])
		took(u, 1);	/* padding, as tapes had it */
	if (n <= 0)
		return n;
	if (u->buf[u->from] != 0x1f)
		return bytes_fail(&u->out, "there is something else behind "
		    "its gzip data");
	isal_inflate_init(s);
	s->crc_flag = ISAL_GZIP;
	u->in_member = true;
	return 1;
}

static ssize_t
read_gzip(struct unpack *u, void *buf, size_t n)
{
	struct inflate_state *s = u->state;
	ssize_t got = 0;

	s->next_out = buf;
	s->avail_out = (uint32_t)n;
	while (s->avail_out == n) {
		int r;

		if (!u->in_member && (got = next_member(u)) <= 0)
			return got;
		/* What it holds back comes out without more input. */
		got = fill(u);
		if (got < 0)
			return got;
		s->next_out = buf;
		s->avail_out = (uint32_t)n;
		s->next_in = u->buf + u->from;
		s->avail_in = (uint32_t)u->len;
		r = isal_inflate(s);
		if (r < 0)
			return bytes_fail(&u->out, r == ISAL_INCORRECT_CHECKSUM
			    ? "its gzip data is damaged: wrong checksum" :
			    "its gzip data is damaged");
		took(u, u->len - s->avail_in);
		u->in_member = s->block_state != ISAL_BLOCK_FINISH;
		if (!got && u->in_member && s->avail_out == n)
			return bytes_fail(&u->out, "its gzip data is cut "
			    "short");
	}
	return (ssize_t)(n - s->avail_out);
}

static ssize_t
read_zstd(struct unpack *u, void *buf, size_t n)
{
	ZSTD_outBuffer out = { buf, n, 0 };

	while (!out.pos) {
		ssize_t got = fill(u);
		ZSTD_inBuffer in = { u->buf + u->from, u->len, 0 };
		size_t r, was = out.pos;

		if (got < 0 || (!got && !u->in_member))
			return got;
		r = ZSTD_decompressStream(u->state, &out, &in);
		if (ZSTD_isError(r))
			return bytes_fail(&u->out, "its zstd data is damaged: "
			    "%s", ZSTD_getErrorName(r));
		took(u, in.pos);
		u->in_member = r != 0;
		if (!got && out.pos == was)
			return bytes_fail(&u->out, "its zstd data is cut "
			    "short");
	}
	return (ssize_t)out.pos;
}

static la_ssize_t
give(struct archive *a, void *ctx, const void **ret_p)
{
	struct unpack *u = ctx;
	ssize_t n = fill(u);

	*ret_p = u->buf + u->from;
	if (n > 0)
		took(u, (size_t)n);
	if (n < 0)
		archive_set_error(a, EIO, "%s", u->in.why);
	return n;
}

static ssize_t
read_other(struct unpack *u, void *buf, size_t n)
{
	la_ssize_t got = archive_read_data(u->state, buf, n);

	if (got < 0)
		return bytes_fail(&u->out, "%s", archive_error_string(
		    u->state) ? archive_error_string(u->state) :
		    "it is damaged");
	return got;
}

static int
open_other(struct unpack *u)
{
	struct archive_entry *e;

	u->state = reader_new();
	if (archive_read_support_format_raw(u->state) ||
	    archive_read_open(u->state, u, NULL, give, NULL) ||
	    archive_read_next_header(u->state, &e) != ARCHIVE_OK)
		return (int)read_other(u, NULL, 0) < 0 ? -1 :
		    (int)bytes_fail(&u->out, "it is damaged");
	return 0;
}

static bool
begins(const struct unpack *u, const char *magic, size_t n)
{
	return u->len >= n && !memcmp(u->buf, magic, n);
}

static enum packing
which(const struct unpack *u)
{
	/* A skippable frame may come first: pzstd's, and zstd:chunked's. */
	if (begins(u, "\x28\xb5\x2f\xfd", 4) ||
	    (u->len >= 4 && (u->buf[0] & 0xf0) == 0x50 &&
	    !memcmp(u->buf + 1, "\x2a\x4d\x18", 3)))
		return ZSTD;
	if (begins(u, "\x1f\x8b", 2))
		return GZIP;
	if (begins(u, "\xfd" "7zXZ", 5) || begins(u, "BZh", 3) ||
	    begins(u, "\x04\x22\x4d\x18", 4) || begins(u, "\x5d\0\0", 3))
		return OTHER;
	return BARE;
}

/* The first bytes, as many as tell. */
static int
begin(struct unpack *u)
{
	ssize_t n;

	while (u->len < 8 && (n = u->in.read(u->in.ctx, u->buf + u->len,
	    CHUNK - u->len)) != 0) {
		if (n < 0)
			return -1;
		u->len += (size_t)n;
	}
	u->packing = which(u);
	if (u->packing == GZIP)
		u->state = xmalloc(sizeof(struct inflate_state));
	if (u->packing == ZSTD)
		u->state = ZSTD_createDStream();
	if (u->packing == ZSTD && !u->state)
		return (int)bytes_fail(&u->out, "out of memory");
	return u->packing == OTHER ? open_other(u) : 0;
}

static ssize_t
read_unpack(void *ctx, void *buf, size_t n)
{
	static ssize_t (*const how[])(struct unpack *, void *, size_t) = {
		[BARE] = read_bare, [GZIP] = read_gzip, [ZSTD] = read_zstd,
		[OTHER] = read_other };
	struct unpack *u = ctx;
	size_t done = 0;
	ssize_t got = 1;

	if (!u->buf) {
		u->buf = xmalloc(CHUNK);
		if (begin(u))
			return -1;
	}
	/* Whole buffers: who takes them has something to do with each. */
	while (done < n && !u->end && got > 0) {
		got = how[u->packing](u, (uint8_t *)buf + done, n - done);
		if (got < 0)
			return got;
		u->end = !got;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

void
unpack_init(struct unpack *u, const struct bytes *in, char why[WHY])
{
	*u = (struct unpack){ .in = *in };
	u->out = (struct bytes){ read_unpack, u, why };
}

void
unpack_release(struct unpack *u)
{
	if (u->packing == ZSTD)
		ZSTD_freeDStream(u->state);
	else if (u->packing == OTHER)
		archive_read_free(u->state);
	else
		free(u->state);
	free(u->buf);
	*u = (struct unpack){ 0 };
}
