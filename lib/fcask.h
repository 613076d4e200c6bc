/* fcask.h - what Firecracker's API is asked while a machine begins and runs
 *
 * One question at a time. The first is asked when its socket appears: to load
 * a snapshot, or, a while later, whether the machine runs.
 */
#ifndef BNG_FCASK_H
#define BNG_FCASK_H

#include "fcvmm.h"

/* Watch for its socket below f->sockets, with patience. 0 or -errno. */
int fcask_begin(struct fc *f);

/* It has ended: forget what was asked. */
void fcask_end(struct fc *f);

/* It has proven to run. */
void fcask_runs(struct fc *f);

/* There is time to let go of what nobody needs any more. */
void fcask_ready(struct fc *f);

/*
 * Ask for its state, and then for what the hold on it wants: to pause it, or
 * to let it go on. 0 or -errno. When it closes the connection its end is near,
 * and is told otherwise.
 */
int fcask_state(struct fc *f);

#endif
