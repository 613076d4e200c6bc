/* tar.c - reading a tar stream; see tar.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "be.h"
#include "pax.h"
#include "tarsparse.h"

/* Where the fields of a header are. */
enum { NAME = 0, MODE = 100, UID = 108, GID = 116, SIZE = 124, MTIME = 136,
	SUM = 148, TYPE = 156, LINK = 157, MAGIC = 257, MAJOR = 329,
	MINOR = 337, PREFIX = 345, FRACTION = 500 };

enum { TAIL = 1 << 20 };	/* zeros after the end; tar writes 10 KiB */

static int
bad(struct tar_in *t, const char *why)
{
	t->error = why;
	return -1;
}

/* At least one byte into an empty buffer: 1; 0 at the end. */
static int
refill(struct tar_in *t)
{
	ssize_t n;

	t->at = t->buf;
	n = t->next ? t->next(t->ctx, &t->at) :
	    t->read(t->ctx, t->buf, sizeof(t->buf));
	if (n < 0)
		return t->error ? -1 : bad(t, strerror(errno));
	t->len = (size_t)n;
	return n > 0;
}

static int
fill(struct tar_in *t)
{
	int r = refill(t);

	return r > 0 ? 0 : r ? r : bad(t, "it is cut short");
}

int
tar_copy(struct tar_in *t, void *out, size_t n)
{
	uint8_t *to = out;

	while (n) {
		size_t part = n < t->len ? n : t->len;

		if (!part) {
			if (fill(t))
				return -1;
			continue;
		}
		memcpy(to, t->at, part);
		t->at += part;
		t->len -= part;
		to += part;
		n -= part;
	}
	if (t->tee)
		t->tee(t->tee_ctx, out, (size_t)(to - (uint8_t *)out));
	return 0;
}

long
tar_some(struct tar_in *t, size_t max, const uint8_t **ret_p)
{
	size_t n;

	if (!t->left)
		return 0;
	if (!t->len && fill(t))
		return -1;
	n = t->left < t->len ? (size_t)t->left : t->len;
	n = n < max ? n : max;
	*ret_p = t->at;
	t->at += n;
	t->len -= n;
	t->left -= n;
	return (long)n;
}

long
tar_data(struct tar_in *t, const uint8_t **ret_p)
{
	return tar_some(t, SIZE_MAX, ret_p);
}

uint64_t
tar_pass(struct tar_in *t)
{
	uint64_t n = t->left + t->padding;

	t->left = t->padding = 0;
	return n;
}

static int
skip_rest(struct tar_in *t)
{
	const uint8_t *p;
	long n;

	t->left += t->padding;
	t->padding = 0;
	while ((n = tar_data(t, &p)) > 0)
		;
	return (int)n;
}

static void
set_size(struct tar_in *t, uint64_t size)
{
	t->left = size;
	t->padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* GNU's: big endian, the top bit set, negative if the next one is too. */
static bool
binary(const uint8_t *p, size_t n, uint64_t *ret)
{
	bool negative = *p & 0x40;
	uint64_t v = negative ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++) {
		/* What is shifted out must be nothing but the sign. */
		if (v >> 55 != (negative ? UINT64_MAX >> 55 : 0))
			return false;
		v = v << 8 | (i || negative ? p[i] : p[i] & 0x3f);
	}
	*ret = v;
	return true;
}

/*
 * What nearly all fields are: digits and a NUL, eight bytes or twelve. Each
 * step puts neighbours together: digits, pairs of them, and pairs of those.
 */
static bool
plain_octal(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t v = get_be64(p + n - 8) ^ UINT64_C(0x3030303030303000);
	uint32_t first = n == 12 ? get_be32(p) ^ 0x30303030 : 0;

	if (v & UINT64_C(0xf8f8f8f8f8f8f8ff) || first & 0xf8f8f8f8)
		return false;
	v >>= 8;
	v = (v & UINT64_C(0x00ff00ff00ff00ff)) |
	    (v & UINT64_C(0xff00ff00ff00ff00)) >> 5;
	v = (v & UINT64_C(0x0000003f0000003f)) |
	    (v & UINT64_C(0x003f0000003f0000)) >> 10;
	v = (v & 0xfff) | v >> 32 << 12;
	first = (first & 0xff00ff) | (first & 0xff00ff00) >> 5;
	first = (first & 0x3f) | first >> 16 << 6;
	*ret = v | (uint64_t)first << 21;
	return true;
}

/* Octal, or binary. False: neither. */
bool
tar_number(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if ((n == 8 || n == 12) && plain_octal(p, n, ret))
		return true;
	if (*p & 0x80)
		return binary(p, n, ret);
	while (n && *p == ' ')
		p++, n--;
	for (; n && *p >= '0' && *p <= '7'; p++, n--)
		v = v << 3 | (uint64_t)(*p - '0');
	if (n && *p && *p != ' ')
		return false;
	*ret = v;
	return true;
}

/*
 * The sum of a header's bytes, eight at a time: four lanes of 16 bits hold
 * 64 times 255 twice over. Most of it is zeros, which are passed by. An
 * emulated guest feels every step of a loop.
 */
static uint64_t
sum_bytes(const uint8_t *h)
{
	static const uint64_t lanes = UINT64_C(0x00ff00ff00ff00ff);
	uint64_t sum = 0, a, b;

	for (const uint8_t *end = h + TAR_BLOCK; h < end; h += 16) {
		memcpy(&a, h, sizeof(a));
		memcpy(&b, h + 8, sizeof(b));
		if (a | b)
			sum += (a & lanes) + (a >> 8 & lanes) + (b & lanes) +
			    (b >> 8 & lanes);
	}
	return (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32 & 0xffff) +
	    (sum >> 48);
}

static bool
sum_ok(const uint8_t *h)
{
	uint64_t sum = sum_bytes(h), want;

	/* Its own field counts as spaces. */
	for (int i = SUM; i < SUM + 8; i++)
		sum += ' ' - (uint64_t)h[i];
	return tar_number(h + SUM, 8, &want) && want == sum;
}

static void
field(char *out, const uint8_t *p, size_t n)
{
	size_t len = strnlen((const char *)p, n);

	memcpy(out, p, len);
	out[len] = '\0';
}

/* Of the time, where tarwrite.h has put it; what else is there is not ours. */
static long
fraction(const uint8_t *h)
{
	uint64_t ns;

	if (memcmp(h + MAGIC, "ustar\0", 6) || memcmp(h + FRACTION, "ns", 2) ||
	    !tar_number(h + FRACTION + 2, 10, &ns) || ns > 999999999)
		return 0;
	return (long)ns;
}

static bool
from_header(const uint8_t *h, struct tar_entry *e)
{
	uint64_t mode, uid, gid, mtime, major = 0, minor = 0;
	char *name = e->path;

	/* Only a time may be negative; an owner would not fit its type. */
	if (!sum_ok(h) || !tar_number(h + MODE, 8, &mode) ||
	    !tar_number(h + UID, 8, &uid) || !tar_number(h + GID, 8, &gid) ||
	    !tar_number(h + SIZE, 12, &e->size) ||
	    !tar_number(h + MTIME, 12, &mtime) ||
	    e->size > INT64_MAX || uid > UINT32_MAX || gid > UINT32_MAX)
		return false;
	e->type = h[TYPE] == '\0' || h[TYPE] == '7' ? '0' : (char)h[TYPE];
	if (e->type == '3' || e->type == '4')
		if (!tar_number(h + MAJOR, 8, &major) ||
		    !tar_number(h + MINOR, 8, &minor))
			return false;
	e->dev = makedev((unsigned int)major, (unsigned int)minor);
	e->mode = (mode_t)mode & 07777;
	e->uid = (uid_t)uid;
	e->gid = (gid_t)gid;
	e->mtime.tv_sec = (time_t)mtime;
	e->mtime.tv_nsec = fraction(h);
	e->n_xattrs = 0;
	e->acl = e->default_acl = NULL;
	/* Only ustar has a prefix; GNU keeps other things there. */
	if (!memcmp(h + MAGIC, "ustar\0", 6) && h[PREFIX]) {
		field(name, h + PREFIX, 155);
		name += strlen(name);
		*name++ = '/';
	}
	field(name, h + NAME, 100);
	field(e->link, h + LINK, 100);
	return true;
}

/* Most extended headers are as long as the one before. */
static int
make_room(struct tar_in *t, size_t size)
{
	if (size <= t->pax_size)
		return 0;
	free(t->pax);
	t->pax = malloc(size);
	t->pax_size = t->pax ? size : 0;
	return t->pax ? 0 : -1;
}

static int
read_pax(struct tar_in *t, struct pax *x, uint64_t size)
{
	if (size > TAR_PAX)
		return bad(t, "an extended header is too long");
	if (make_room(t, size + 1))
		return bad(t, "out of memory");
	/* What a header before this one said pointed into it. */
	x->v.n_xattrs = 0;
	x->v.acl = x->v.default_acl = x->sparse_map = NULL;
	x->map_at = x->map_end = NULL;
	if (tar_copy(t, t->pax, size))
		return -1;
	t->pax[size] = '\0';
	set_size(t, size);
	t->left = 0;
	if (!pax_parse(x, t->pax, size))
		return bad(t, "an extended header is malformed");
	return 0;
}

static int
read_name(struct tar_in *t, char *out, bool *ret_has, uint64_t size)
{
	if (size > TAR_NAME - 1)
		return bad(t, "a name is too long");
	if (tar_copy(t, out, size))
		return -1;
	out[size] = '\0';
	set_size(t, size);
	t->left = 0;
	*ret_has = true;
	return 0;
}

static void
apply(struct tar_entry *e, const struct pax *x)
{
	if (x->has_path)
		memcpy(e->path, x->path, strlen(x->path) + 1);
	if (x->has_link)
		memcpy(e->link, x->link, strlen(x->link) + 1);
	if (x->has_size)
		e->size = x->v.size;
	if (x->has_mtime)
		e->mtime = x->v.mtime;
	e->atime = x->has_atime ? x->v.atime : e->mtime;
	if (x->has_uid)
		e->uid = x->v.uid;
	if (x->has_gid)
		e->gid = x->v.gid;
	e->real_size = x->sparse ? x->v.real_size : e->size;
	e->acl = x->v.acl;
	e->default_acl = x->v.default_acl;
	e->n_xattrs = x->v.n_xattrs;
	memcpy(e->xattrs, x->v.xattrs, x->v.n_xattrs * sizeof(*e->xattrs));
}

static bool
is_zero(const uint8_t *h)
{
	return !h[0] && !memcmp(h, h + 1, TAR_BLOCK - 1);
}

/* A header that only says something about the next one: 1; 0: it does not. */
static int
prelude(struct tar_in *t, struct pax *x, const struct tar_entry *e)
{
	int r;

	switch (e->type) {
	case 'x':
		r = read_pax(t, x, e->size);
		break;
	case 'L':
		r = read_name(t, x->path, &x->has_path, e->size);
		break;
	case 'K':
		r = read_name(t, x->link, &x->has_link, e->size);
		break;
	case 'g':	/* a comment, such as git archive's */
		set_size(t, e->size);
		r = 0;
		break;
	default:
		return 0;
	}
	return r ? r : 1;
}

/* A directory of old: a file by its type, but for a slash at its end. */
static bool
is_old_dir(const struct tar_entry *e)
{
	size_t n = strlen(e->path);

	return e->type == '0' && !e->size && n && e->path[n - 1] == '/';
}

/* The next header: where it lies, or a copy if it is in two pieces; or NULL. */
static const uint8_t *
next_header(struct tar_in *t, uint8_t copy[TAR_BLOCK])
{
	const uint8_t *h = t->at;

	if (t->len < TAR_BLOCK)
		return tar_copy(t, copy, TAR_BLOCK) ? NULL : copy;
	t->at += TAR_BLOCK;
	t->len -= TAR_BLOCK;
	if (t->tee)
		t->tee(t->tee_ctx, h, TAR_BLOCK);
	return h;
}

/* The headers up to the one that is a member's: 1; 0 at the end. */
static int
read_headers(struct tar_in *t, struct tar_entry *e, struct pax *x,
    uint8_t head[TAR_BLOCK])
{
	const uint8_t *h;
	int r;

	do {
		if (skip_rest(t))
			return -1;
		if (t->lax && !t->len && (r = refill(t)) <= 0)
			return r;
		h = next_header(t, head);
		if (!h)
			return -1;
		if (is_zero(h))
			return 0;
		if (!from_header(h, e))
			return bad(t, "a header is malformed");
		if (e->type == 'S' && h != head)
			memcpy(head, h, TAR_BLOCK);	/* a map is in it */
		r = prelude(t, x, e);
	} while (r > 0);
	return r ? r : 1;
}

int
tar_next(struct tar_in *t, struct tar_entry *e)
{
	static struct pax x;
	uint8_t head[TAR_BLOCK];
	int r;

	/* Nothing else is looked at before it has been set. */
	memset(&x, 0, offsetof(struct pax, path));
	x.v.n_xattrs = 0;
	x.v.real_size = 0;
	x.v.acl = x.v.default_acl = NULL;
	e->map = NULL;
	e->n_map = 0;
	r = read_headers(t, e, &x, head);
	if (r <= 0)
		return r;
	apply(e, &x);
	if (is_old_dir(e))
		e->type = '5';
	if (e->type != '0' && e->type != 'S')
		e->size = 0;
	set_size(t, e->size);
	if (e->type == 'S')
		r = tarsparse_gnu(t, e, head);
	else if (e->type == '0' && x.sparse)
		r = tarsparse_pax(t, e, &x);
	if (r < 0 && !t->error)
		bad(t, "a sparse file's map is malformed");
	return r < 0 ? -1 : 1;
}

void
tar_release(struct tar_in *t)
{
	free(t->pax);
	free(t->map);
	t->pax = NULL;
	t->map = NULL;
	t->map_size = t->pax_size = t->len = 0;
	t->left = t->padding = 0;
	t->error = NULL;
}

int
tar_ends(struct tar_in *t)
{
	size_t sum = 0;
	int r;

	do {
		for (size_t i = 0; i < t->len; i++)
			if (t->at[i] || ++sum > TAIL)
				return bad(t, "something follows its end");
		r = refill(t);
	} while (r > 0);
	return r;
}

char *
tar_clean(char *path)
{
	size_t len;

	while (path[0] == '.' && (path[1] == '/' || !path[1])) {
		path++;
		while (*path == '/')
			path++;
	}
	len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	return path;
}

bool
tar_climbs(const char *path)
{
	if (*path == '/')
		return true;
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '/'))
			return true;
	}
	return false;
}
