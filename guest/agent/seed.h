/* seed.h - copy a small tree (the image's /root onto a new work disk) */
#ifndef AGENT_SEED_H
#define AGENT_SEED_H

#include <stdbool.h>

/*
 * Copy a directory (absent: an empty one) with owners, modes, times and
 * symlinks, under a temporary name first: half a copy never passes for one.
 * The new directory is root's and 0700. False: a line was written.
 */
bool seed_dir(const char *from, const char *to);

#endif
