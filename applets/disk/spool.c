/* spool.c - hidden members, until their layer has been read
 *
 * SPDX-License-Identifier: MIT
 *
 * A stream cannot be asked again for a file that an upper layer hides, and
 * that a hard link in its own layer turns out to name. So hidden members are
 * kept as they came, headers and all, behind the end of the image, which is
 * cut off there when the layer has been read: they are never a part of it, and
 * seldom reach the disk.
 */
#include "import.h"

enum { BUFFER = 1 << 18 };

struct spool {
	uint64_t start, len;	/* in the image's file; buf's bytes included */
	size_t used;
	uint8_t buf[BUFFER];
	size_t head_len, head_size;
	uint8_t *head;		/* the headers of the current member */
};

/* Where a ghost is read again. */
struct range {
	int fd;
	uint64_t at, end;
};

static void
see_header(void *ctx, const void *p, size_t n)
{
	struct spool *s = ctx;

	if (s->head_len + n > s->head_size) {
		s->head_size = 2 * (s->head_len + n);
		s->head = xrealloc(s->head, s->head_size);
	}
	memcpy(s->head + s->head_len, p, n);
	s->head_len += n;
}

void
spool_init(struct import *in, struct tar_in *tar)
{
	if (!in->spool)
		in->spool = xcalloc(1, sizeof(*in->spool));
	in->spool->start = ext2fs_blocks_count(in->im->fs->super) * BLOCK;
	in->spool->head_len = 0;
	tar->tee = see_header;
	tar->tee_ctx = in->spool;
}

void
spool_next(struct import *in)
{
	if (in->spool)
		in->spool->head_len = 0;
}

static void
flush(struct import *in)
{
	struct spool *s = in->spool;

	output_put(&in->im->out, s->buf, s->used, s->start + s->len - s->used);
	s->used = 0;
}

static void
put(struct import *in, const uint8_t *p, size_t n)
{
	struct spool *s = in->spool;

	while (n) {
		size_t part = BUFFER - s->used < n ? BUFFER - s->used : n;

		memcpy(s->buf + s->used, p, part);
		s->used += part;
		s->len += part;
		p += part;
		n -= part;
		if (s->used == BUFFER)
			flush(in);
	}
}

void
spool_keep(struct import *in, const char *path)
{
	static const uint8_t zeros[TAR_BLOCK];
	uint64_t at = in->spool->len, size = 0;
	struct ghost *g = ghost_add(in, path, NULL);
	const uint8_t *p;
	long n;

	put(in, in->spool->head, in->spool->head_len);
	while ((n = tar_data(in->tar, &p)) > 0) {
		put(in, p, (size_t)n);
		size += (uint64_t)n;
	}
	if (n < 0)
		die_member("%s", in->tar->error);
	put(in, zeros, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
	g->at = in->spool->start + at;
	g->end = in->spool->start + in->spool->len;
}

static ssize_t
read_range(void *ctx, void *buf, size_t size)
{
	struct range *r = ctx;
	ssize_t n;

	if (size > r->end - r->at)
		size = r->end - r->at;
	n = pread(r->fd, buf, size, (off_t)r->at);
	if (n > 0)
		r->at += (uint64_t)n;
	return n;
}

void
spool_make(struct import *in, struct ghost *g)
{
	static struct tar_in tar;
	static struct tar_entry e;
	struct range r = { in->im->out.fd, g->at, g->end };
	struct tar_in *was_tar = in->tar;
	struct tar_entry *was_e = in->e;

	if (g->ino)
		return;
	flush(in);
	tar_release(&tar);
	tar.read = read_range;
	tar.ctx = &r;
	if (tar_next(&tar, &e) != 1)
		die_member("%s", tar.error ? tar.error : "it is damaged");
	in->tar = &tar;
	in->e = &e;
	g->ino = import_inode(in, 0);
	g->type = import_type(in);
	g->text = xstrdup(e.link);
	in->tar = was_tar;
	in->e = was_e;
}

void
spool_drop(struct import *in)
{
	struct spool *s = in->spool;

	if (!s || !s->len)
		return;
	s->used = 0;
	s->len = 0;
	if (ftruncate(in->im->out.fd, (off_t)s->start))
		die_sys("cannot write '%s'", in->im->out.path);
}
