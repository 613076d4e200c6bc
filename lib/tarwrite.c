/* tarwrite.c - write a tar stream; see tarwrite.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "file.h"
#include "tarwrite.h"

static void
flush(struct tar_out *o)
{
	int r = write_all(o->fd, o->buf, o->len);

	if (r && o->failed)
		o->failed(-r);
	if (r)
		_exit(1);
	o->len = 0;
}

uint8_t *
tarwrite_room(struct tar_out *o, size_t n)
{
	if (o->len + n > sizeof(o->buf))
		flush(o);
	return o->buf + o->len;
}

void
tarwrite_took(struct tar_out *o, size_t n)
{
	o->len += n;
}

const uint8_t *
tarwrite_take(struct tar_out *o, size_t *ret_n)
{
	*ret_n = o->len;
	o->len = 0;
	return o->buf;
}

void
tarwrite_put(struct tar_out *o, const void *p, size_t n)
{
	while (n) {
		size_t part = n < sizeof(o->buf) / 2 ? n :
		    sizeof(o->buf) / 2;

		memcpy(tarwrite_room(o, part), p, part);
		o->len += part;
		p = (const uint8_t *)p + part;
		n -= part;
	}
}

void
tarwrite_pad(struct tar_out *o, uint64_t size)
{
	size_t n = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;

	memset(tarwrite_room(o, n), 0, n);
	o->len += n;
}

void
tarwrite_end(struct tar_out *o)
{
	memset(tarwrite_room(o, 2 * TAR_BLOCK), 0, 2 * TAR_BLOCK);
	o->len += 2 * TAR_BLOCK;
	flush(o);
}

/* "LEN key=value\n", where LEN counts its own digits too. */
static void
pax_add(struct tar_out *o, const char *key, const void *value, size_t n)
{
	size_t body = strlen(key) + n + 3, len = body + 1, was;
	char digits[24];

	do {
		was = len;
		len = body + (size_t)snprintf(digits, sizeof(digits), "%zu",
		    len);
	} while (len != was);
	if (o->pax_len + len >= TARWRITE_PAX)
		return; /* an attribute too many is left out */
	o->pax_len += (size_t)snprintf(o->pax + o->pax_len,
	    TARWRITE_PAX - o->pax_len, "%s %s=", digits, key);
	memcpy(o->pax + o->pax_len, value, n);
	o->pax_len += n;
	o->pax[o->pax_len++] = '\n';
}

static void
pax_number(struct tar_out *o, const char *key, unsigned long long n)
{
	char text[24];

	pax_add(o, key, text,
	    (size_t)snprintf(text, sizeof(text), "%llu", n));
}

static void
pax_xattr(struct tar_out *o, const char *name, const void *value, size_t n)
{
	char key[300];

	snprintf(key, sizeof(key), "SCHILY.xattr.%.255s", name);
	pax_add(o, key, value, n);
}

static void
pax_xattrs(struct tar_out *o, int fd)
{
	static const char skip[] = "trusted.overlay.";
	static char names[16384], value[16384];
	ssize_t n = fd < 0 ? 0 : flistxattr(fd, names, sizeof(names)), len;

	for (char *name = names; name < names + n; name += strlen(name) + 1) {
		if (!strncmp(name, skip, sizeof(skip) - 1) ||
		    strlen(name) > 255)
			continue;
		len = fgetxattr(fd, name, value, sizeof(value));
		if (len >= 0)
			pax_xattr(o, name, value, (size_t)len);
	}
}

static void
pax_time(struct tar_out *o, const struct timespec *t)
{
	bool back = t->tv_sec < 0 && t->tv_nsec;
	long long sec = t->tv_sec + back;
	char text[40];

	pax_add(o, "mtime", text, (size_t)snprintf(text, sizeof(text),
	    "%s%lld.%09ld", t->tv_sec < 0 ? "-" : "",
	    sec < 0 ? -sec : sec, back ? 1000000000 - t->tv_nsec :
	    t->tv_nsec));
}

/* What GNU calls version 1.0. */
static void
pax_sparse(struct tar_out *o, const struct tar_member *m)
{
	pax_number(o, "GNU.sparse.major", 1);
	pax_number(o, "GNU.sparse.minor", 0);
	pax_add(o, "GNU.sparse.name", m->path, strlen(m->path));
	pax_number(o, "GNU.sparse.realsize",
	    (unsigned long long)m->st->st_size);
}

/* A field of n bytes in octal; false, the field zero, if it does not fit. */
static bool
octal(uint8_t *p, size_t n, unsigned long long v)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%0*llo", (int)n - 1, v);
	bool fits = len == (int)n - 1;

	if (!fits)
		len = snprintf(text, sizeof(text), "%0*o", (int)n - 1, 0);
	memcpy(p, text, (size_t)len);
	return fits;
}

static void
put_owner(struct tar_out *o, uint8_t *h, const struct stat *st)
{
	bool ours = o->ours_is_root;
	uid_t uid = ours && st->st_uid == geteuid() ? 0 : st->st_uid;
	gid_t gid = ours && st->st_gid == getegid() ? 0 : st->st_gid;

	if (!octal(h + 108, 8, uid))
		pax_number(o, "uid", uid);
	if (!octal(h + 116, 8, gid))
		pax_number(o, "gid", gid);
}

static void
put_header(struct tar_out *o, const struct tar_member *m)
{
	const struct stat *st = m->st;
	uint8_t *h = tarwrite_room(o, TAR_BLOCK);
	unsigned int sum = 0;
	char text[32];

	memset(h, 0, TAR_BLOCK);
	memcpy(h, m->path, strnlen(m->path, 100));
	octal(h + 100, 8, st->st_mode & 07777);
	put_owner(o, h, st);
	if (!octal(h + 124, 12, m->size))
		pax_number(o, "size", m->size);
	octal(h + 136, 12, st->st_mtim.tv_sec > 0 ?
	    (unsigned long long)st->st_mtim.tv_sec : 0);
	if (o->brief && st->st_mtim.tv_nsec) {
		snprintf(text, sizeof(text), "ns%010lo", st->st_mtim.tv_nsec);
		memcpy(h + 500, text, 12);
	}
	h[156] = (uint8_t)m->type;
	memcpy(h + 157, m->link, strnlen(m->link, 100));
	memcpy(h + 257, "ustar\00000", 8);
	if (m->type == '3' || m->type == '4') {
		octal(h + 329, 8, major(st->st_rdev));
		octal(h + 337, 8, minor(st->st_rdev));
	}
	memset(h + 148, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h + 148, text, 7);
	o->len += TAR_BLOCK;
}

void
tarwrite_member(struct tar_out *o, const struct tar_member *m)
{
	static const struct stat none = { .st_mode = 0644 };
	struct tar_member pax = { .path = "pax", .link = "", .type = 'x',
	    .st = &none, .fd = -1 };
	size_t at;

	o->pax_len = 0;
	if (m->sparse)
		pax_sparse(o, m);
	else if (strlen(m->path) > 100)
		pax_add(o, "path", m->path, strlen(m->path));
	if (strlen(m->link) > 100)
		pax_add(o, "linkpath", m->link, strlen(m->link));
	if ((m->st->st_mtim.tv_nsec && !o->brief) || m->st->st_mtim.tv_sec < 0)
		pax_time(o, &m->st->st_mtim);
	pax_xattrs(o, o->plain ? -1 : m->fd);
	for (size_t i = 0; i < m->n_xattrs; i++)
		pax_xattr(o, m->xattrs[i].name, m->xattrs[i].value,
		    m->xattrs[i].len);
	/* Writing it shows which numbers do not fit; then it goes again. */
	tarwrite_room(o, 2 * TAR_BLOCK);
	at = o->len;
	put_header(o, m);
	if (!o->pax_len)
		return;
	o->len = at;
	pax.size = o->pax_len;
	put_header(o, &pax);
	tarwrite_put(o, o->pax, pax.size);
	tarwrite_pad(o, pax.size);
	put_header(o, m);
}
