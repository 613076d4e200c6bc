/* fcwritten.h - the pages that a guest writes first after a restore
 *
 * Firecracker maps a snapshot's memory privately. A page that the guest reads
 * and then writes is a fault of its three times: to be read, to be written,
 * and, as the copy that is made then takes the page away from it, to be read
 * once more. Restored again, a guest does much the same as the last time. So
 * what it wrote until its first command was answered is noted beside its
 * memory, as `written`, and the next time those pages are copied all at once,
 * mostly before it runs.
 *
 * A note is a hint. Without it, or where the kernel lets nobody look into
 * Firecracker, all is as it was, and slower.
 */
#ifndef BNG_FCWRITTEN_H
#define BNG_FCWRITTEN_H

#include <stdbool.h>
#include <sys/types.h>

/* Note in the snapshot's directory what pid's guest has written by now. */
void fcwritten_note(int snapshot, pid_t pid);

/* Whether there is a note. */
bool fcwritten_known(int snapshot);

/*
 * Copy what the note says, in pid. No byte of it is changed, so that it does
 * not matter who writes to its memory meanwhile.
 */
void fcwritten_copy(int snapshot, pid_t pid);

#endif
