/* turn.h - so many at once, the others in turn
 *
 * A file has so many places, each a byte that is locked (lock.h's kind of
 * lock): who has the descriptor has the place, and its last copy's end, the
 * death of who had it included, gives it to the next. Nobody polls.
 *
 * 1. Who waits for a place is first in the line, the lock of a byte of its
 *    own; the others wait for that. So who comes later does not get in before.
 * 2. Each place that is taken sets the file's time. Those who wait go on
 *    without one when none has been taken for long: whoever was stopped with
 *    a place, or at the head of the line, holds nobody up for good.
 */
#ifndef BNG_TURN_H
#define BNG_TURN_H

#include <stdbool.h>

#include "loop.h"

enum { TURN_PLACES = 4096 };

/*
 * Take one of the places of a file that is open for writing. 0, -EAGAIN when
 * there is none, or -errno.
 */
int turn_try(int fd, unsigned places);

/*
 * The same, waiting: -ETIMEDOUT when nobody has taken one for that many
 * seconds. It uses SIGALRM, and children, which it waits for.
 */
int turn_wait(int fd, unsigned places, unsigned seconds);

/* A place that is kept until turn_end, and for so many seconds at most. */
struct turn {
	int fd;			/* -1: none */
	struct watch timer;
};

/* 0 or -errno; the place is given up then. */
int turn_keep(struct turn *t, unsigned seconds);

/* Give it up; nothing when there is none. */
void turn_end(struct turn *t);

#endif
