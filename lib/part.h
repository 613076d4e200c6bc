/* part.h - a file that is on its way: FILE.part, and what it is part of
 *
 * 1. Whoever writes FILE.part holds its lock; it is renamed to FILE when whole.
 * 2. FILE.part.from ("SOURCE VALIDATOR") says what the bytes are part of. It is
 *    written before the first of them, so a kill leaves bytes whose origin is
 *    known or bytes that are thrown away.
 */
#ifndef BNG_PART_H
#define BNG_PART_H

#include <stdbool.h>
#include <stdint.h>

struct part {
	char *file;		/* the name in its directory; NULL: stdout */
	char *name, *from;	/* FILE.part and FILE.part.from */
	int dirfd, fd;
	int64_t have;		/* bytes that are there */
	char source[80];	/* what part_note() said; "" when unknown */
	char validator[300];
};

/* Open or make the part of a path, waiting for its lock; says so. Dies. */
void xpart_open(struct part *p, const char *path);

/* The same for stdout, which cannot be taken back. */
void part_stdout(struct part *p);

/* Start again with nothing; -EPIPE for stdout that has had bytes. */
int part_reset(struct part *p);

/* Note what the bytes to come are part of. 0 or -errno. */
int part_note(struct part *p, const char *source, const char *validator);

int part_write(struct part *p, const void *buf, size_t len);

/* Feed what is there to add(). 0 or -errno. */
int part_read(struct part *p, void (*add)(void *ctx, const void *buf,
    size_t len), void *ctx);

/* It is whole: to the disk, and under its name. 0 or -errno. */
int part_finish(struct part *p);

/* It is good for nothing. */
void part_drop(struct part *p);

#endif
