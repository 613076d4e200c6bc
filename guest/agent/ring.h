/* ring.h - the last bytes of an endless stream, in a file
 *
 * 8 bytes, how many there have ever been; then room for RING_SIZE of them,
 * byte n of the stream at n % RING_SIZE. One process writes, others read at
 * the same time without a lock: what may have been overwritten while it was
 * read is thrown away. The room is taken when the file is made, so that a
 * full disk cannot take what is written later.
 */
#ifndef AGENT_RING_H
#define AGENT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	RING_SIZE = 512 * 1024,
	RING_CHUNK = 64 * 1024,	/* at most so much is written at once */
	RING_KEPT = RING_SIZE - RING_CHUNK,	/* what a reader may rely on */
};

struct ring {
	int fd;			/* -1: none */
	uint64_t total;		/* bytes that there have been */
};

/* Make the file name below dirfd. False: errno says why. */
bool ring_make(struct ring *r, int dirfd, const char *name);

/* At most RING_CHUNK bytes more. */
void ring_put(struct ring *r, const void *p, size_t n);

/* Open one for reading. False: errno says why. */
bool ring_open(struct ring *r, int dirfd, const char *name);

/*
 * Read what is at *at, which moves on; first it moves forward to the oldest
 * byte that is kept, if that is younger. A count, 0 at the end, or -errno.
 */
ssize_t ring_get(struct ring *r, uint64_t *at, void *buf, size_t size);

#endif
