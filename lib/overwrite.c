/* overwrite.c - a disk becomes another, where it is; see overwrite.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "bng.h"
#include "overwrite.h"
#include "sparse.h"

enum { COMPARED = 32 << 10, BLOCK = 4096 };

static const off_t OFF_MAX = INT64_MAX;

/* The files that what is done to a piece of data is about. */
struct pair {
	int from, to;
	struct overwrite_room *room;
	int (*first)(void *ctx);	/* before a change */
	void *ctx;
};

/*
 * A range that is none is refused as such only where there is sharing at all;
 * and where that is refused for another reason, who knows.
 */
bool
overwrite_can(int from, int to)
{
	struct file_clone_range range = { .src_fd = from,
		.src_offset = (uint64_t)OFF_MAX - (2 * BLOCK - 1),
		.src_length = BLOCK };

	return ioctl(to, FICLONERANGE, &range) &&
	    (errno == EOPNOTSUPP || errno == ENOTTY);
}

/* Written down first: what fails half-way has taken half of it. */
static int
take_room(struct overwrite_room *room, int to, off_t at, off_t end)
{
	enum { STEP = 64 };
	void *more;

	if (room->n % STEP == 0) {
		more = reallocarray(room->taken, room->n + STEP,
		    sizeof(*room->taken));
		if (!more)
			return -ENOMEM;
		room->taken = more;
	}
	room->taken[room->n].at = at;
	room->taken[room->n++].end = end;
	if (!fallocate(to, FALLOC_FL_KEEP_SIZE, at, end - at) ||
	    errno == EOPNOTSUPP)
		return 0;
	return -errno;
}

/* Where there is a hole in [at, end). */
static int
give_room(const void *ctx, off_t at, off_t end)
{
	const struct pair *p = ctx;
	int r = 0;

	while (!r && at < end) {
		off_t hole = lseek(p->to, at, SEEK_HOLE);

		if (hole < 0 && errno == ENXIO)
			hole = at;	/* behind its end */
		if (hole >= end)
			break;
		at = hole < 0 ? hole : sparse_data(p->to, hole, end);
		if (at < 0)
			return -errno;
		r = take_room(p->room, p->to, hole, at);
	}
	return r;
}

int
overwrite_room(int from, int to, struct overwrite_room *ret_room)
{
	struct pair p = { .from = from, .to = to, .room = ret_room };

	*ret_room = (struct overwrite_room){ .n = 0 };
	return sparse_each(from, OFF_MAX, give_room, &p);
}

void
overwrite_back(int to, struct overwrite_room *room)
{
	struct stat st;

	for (size_t i = 0; i < room->n; i++)
		if (fallocate(to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    room->taken[i].at, room->taken[i].end - room->taken[i].at))
			break;
	/* Behind its end there are no holes to be made. */
	if (room->n && !fstat(to, &st) && ftruncate(to, st.st_size))
		warn_sys("cannot give back what a disk does not need");
	overwrite_used(room);
}

void
overwrite_used(struct overwrite_room *room)
{
	free(steal(&room->taken));
	room->n = 0;
}

/* What is not there is zeros. */
static int
read_there(int fd, uint8_t *buf, size_t len, off_t at)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, buf + have, len - have,
		    at + (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		have += (size_t)n;
	}
	memset(buf + have, 0, len - have);
	return 0;
}

/* The blocks that differ, neighbours at once. */
static int
write_differing(const struct pair *p, const uint8_t *is, const uint8_t *was,
    size_t len, off_t at)
{
	size_t run = 0;		/* bytes before b that differ */

	for (size_t b = 0;; b += BLOCK) {
		int r;

		if (b < len && memcmp(is + b, was + b,
		    min_size(BLOCK, len - b))) {
			run += BLOCK;
			continue;
		}
		r = run ? p->first(p->ctx) : 0;
		if (run && !r)
			r = pwrite_all(p->to, is + b - run,
			    min_size(run, len - (b - run)),
			    at + (off_t)(b - run));
		if (r || b >= len)
			return r;
		run = 0;
	}
}

static int
make_same(const void *ctx, off_t at, off_t end)
{
	const struct pair *p = ctx;
	autofree uint8_t *buf = malloc(2 * COMPARED);
	int r = buf ? 0 : -ENOMEM;

	for (; !r && at < end; at += COMPARED) {
		size_t n = min_size(COMPARED, (size_t)(end - at));

		r = read_there(p->from, buf, n, at);
		if (!r)
			r = read_there(p->to, buf + COMPARED, n, at);
		if (!r && memcmp(buf, buf + COMPARED, n))
			r = write_differing(p, buf, buf + COMPARED, n, at);
	}
	return r;
}

static int
make_hole(const struct pair *p, off_t at, off_t end)
{
	static const uint8_t zeros[BLOCK];
	int to = p->to, r = p->first(p->ctx);

	if (r || !fallocate(to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
	    end - at))
		return r;
	if (errno != EOPNOTSUPP)
		return -errno;
	for (; !r && at < end; at += BLOCK)
		r = pwrite_all(to, zeros, min_size(BLOCK, (size_t)(end - at)),
		    at);
	return r;
}

static int
make_holes(const void *ctx, off_t at, off_t end)
{
	const struct pair *p = ctx;
	int r = 0;

	while (!r && at < end) {
		off_t data = sparse_data(p->from, at, end);

		if (data > at)
			r = make_hole(p, at, data);
		if (data >= end)
			break;
		at = data < 0 ? data : lseek(p->from, data, SEEK_HOLE);
		if (at < 0)
			return -errno;
	}
	return r;
}

/*
 * A place that was taken and never written is no data. One who was killed in
 * between left it, so it is looked for when there is more than there should be.
 */
static int
give_surplus(const struct pair *p)
{
	enum { TOLERATED = 64 << 10 };
	struct stat is, was;

	if (fstat(p->from, &is) || fstat(p->to, &was))
		return -errno;
	return (was.st_blocks - is.st_blocks) * 512 <= TOLERATED ? 0 :
	    make_holes(p, 0, is.st_size);
}

int
overwrite_differing(int from, int to, int (*first)(void *ctx), void *ctx)
{
	struct pair p = { from, to, .first = first, .ctx = ctx };
	struct stat is, was;
	int r = 0;

	if (fstat(from, &is) || fstat(to, &was))
		return -errno;
	if (is.st_size != was.st_size) {
		r = first(ctx);
		if (!r && ftruncate(to, is.st_size))
			r = -errno;
	}
	if (!r)
		r = sparse_each(to, is.st_size, make_holes, &p);
	if (!r)
		r = sparse_each(from, is.st_size, make_same, &p);
	return r ? r : give_surplus(&p);
}
