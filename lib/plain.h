/* plain.h - what a machine wrote, for a terminal that must not act on it */
#ifndef BNG_PLAIN_H
#define BNG_PLAIN_H

#include <sys/types.h>

/*
 * When *fd is a terminal, replace it by a pipe to a process of ours, which
 * leaves out all control characters but tabs and newlines. That process, or
 * 0. Dies when there can be none.
 */
pid_t plain_filter(int *fd);

/* All was written: wait until it is on the terminal. */
void plain_end(int fd, pid_t filter);

#endif
