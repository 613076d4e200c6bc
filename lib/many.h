/* many.h - ask agents many things at once, and wait only so long
 *
 *	struct many m[2] = { { .dir = a, .request = "{...}" }, ... };
 *	many_run(m, 2, 2000);
 *	if (m[0].done) use m[0].text
 *
 * What an agent sends is kept up to MANY_TEXT bytes and not trusted; one that
 * is silent, slow or breaks the protocol is just not done.
 */
#ifndef BNG_MANY_H
#define BNG_MANY_H

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"

enum { MANY_TEXT = 1 << 18 };

struct many {
	int dir;		/* the machine's */
	const char *request;	/* one JSON object, short */
	const char *input;	/* goes after it, or NULL: short, too */
	size_t enough;		/* done with so many bytes; 0: at the end */

	char *text;		/* what it said on stdout; or NULL */
	size_t len;
	bool done;

	/* private */
	int fd;			/* -1: over */
	bool greeted;
	struct frame_in frame;
	char *control;
	size_t control_len;
};

/* All at the same time, for at most ms milliseconds. */
void many_run(struct many *m, size_t n, int ms);

void many_free(struct many *m);

#endif
