/* gc.h - delete machines, and finish what crashes interrupted
 *
 * Nothing here waits: what another process is using is left alone. Nothing is
 * removed that does not have the form banger gave it.
 */
#ifndef BNG_GC_H
#define BNG_GC_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Whether this directory holds a machine: at least two of the values that only
 * a machine has are there, so that one torn file does not keep it for ever.
 */
bool gc_is_machine(int vmfd);

/*
 * Delete the machine `name` of the directory vms, whose `lock` the caller
 * holds and whose own directory is vmfd. 0; -EAGAIN when it is running; -ENOENT
 * when it is another one by now or none; another -errno.
 */
int gc_delete(int vms, int vmfd, const char *name);

/* Go through vms, images and kernels; one line for each thing done or, when
 * dry, that would be. An exit status. */
int gc_run(bool dry, FILE *to);

#endif
