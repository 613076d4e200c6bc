/* seed.h - copy a small tree (the image's /root onto a new work disk) */
#ifndef AGENT_SEED_H
#define AGENT_SEED_H

#include <stdbool.h>

/*
 * Copy two directories into a new one, with owners, modes, times and symlinks,
 * under a temporary name first: half a copy never passes for one. Either may
 * be absent; what the first has, stays, and it is removed in the end. The new
 * directory is root's and 0700. False: a line was written.
 */
bool seed_dir(const char *first, const char *from, const char *to);

#endif
