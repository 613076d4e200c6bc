/* ring.c - the last bytes of an endless stream, in a file; see ring.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "clean.h"
#include "ring.h"

enum { HEAD = sizeof(uint64_t) };

bool
ring_make(struct ring *r, int dirfd, const char *name)
{
	autoclose int fd = openat(dirfd, name,
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || fallocate(fd, 0, 0, HEAD + RING_SIZE))
		return false;
	r->total = 0;
	r->fd = steal_fd(&fd);
	return true;
}

bool
ring_open(struct ring *r, int dirfd, const char *name)
{
	r->total = 0;
	r->fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return r->fd >= 0;
}

/* One piece that does not wrap around; how long it is. */
static size_t
piece(uint64_t at, size_t n)
{
	size_t room = RING_SIZE - (size_t)(at % RING_SIZE);

	return n < room ? n : room;
}

static off_t
place(uint64_t at)
{
	return HEAD + (off_t)(at % RING_SIZE);
}

void
ring_put(struct ring *r, const void *p, size_t n)
{
	const char *from = p;
	uint64_t at = r->total;

	/* The room is ours: there is nothing to fail but the machine. */
	while (n) {
		ssize_t w = pwrite(r->fd, from, piece(at, n), place(at));

		if (w <= 0 && errno == EINTR)
			continue;
		if (w <= 0)
			break;
		from += w;
		at += (uint64_t)w;
		n -= (size_t)w;
	}
	r->total = at + n;
	if (pwrite(r->fd, &r->total, HEAD, 0) != HEAD)
		errno = EIO;
}

static bool
look(struct ring *r)
{
	return pread(r->fd, &r->total, HEAD, 0) == HEAD;
}

/* The oldest byte that nobody is overwriting. */
static uint64_t
oldest(const struct ring *r)
{
	return r->total > RING_KEPT ? r->total - RING_KEPT : 0;
}

ssize_t
ring_get(struct ring *r, uint64_t *at, void *buf, size_t size)
{
	for (;;) {
		ssize_t n;

		if (!look(r))
			return -EIO;
		if (*at < oldest(r))
			*at = oldest(r);
		if (*at >= r->total)
			return 0;
		if (size > r->total - *at)
			size = (size_t)(r->total - *at);
		n = pread(r->fd, buf, piece(*at, size), place(*at));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		if (!look(r))
			return -EIO;
		if (*at < oldest(r))
			continue; /* it was overtaken */
		*at += (uint64_t)n;
		return n;
	}
}
