/* logpipe.h - a pipe that ends in a log
 *
 * What is written to it is moved to the log as it comes, by the process's
 * loop (loop.h), which is not kept from anything else by it.
 */
#ifndef BNG_LOGPIPE_H
#define BNG_LOGPIPE_H

#include <stdbool.h>

#include "logfile.h"
#include "loop.h"

struct logpipe {
	struct watch w;		/* fd -1: nobody writes */
	struct logfile log;
};

/* Open the log; there is no pipe yet. 0 or -errno. */
int logpipe_open(struct logpipe *p, int dir, const char *name);

/* A new pipe into it: the end to write to, or -errno. */
int logpipe_new(struct logpipe *p);

/*
 * For who can only open what has a name: a fifo, which is there. The end for
 * what is written before that, or -errno.
 */
int logpipe_named(struct logpipe *p, int dir, const char *name);

/* Move what is in the pipe to the log. False when there was nothing. */
bool logpipe_move(struct logpipe *p);

/*
 * Let it wait in the pipe, or no longer: who is in a hurry need not wake up for
 * each line. A writer of more than a pipe holds waits meanwhile.
 */
void logpipe_wait(struct logpipe *p, bool wait);

#endif
