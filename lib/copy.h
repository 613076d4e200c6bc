/* copy.h - copy a disk: share its blocks where the file system can, else
 * copy its data and leave its holes
 *
 * Functions return 0 or -errno. Nothing is synced.
 */
#ifndef BNG_COPY_H
#define BNG_COPY_H

#include <sys/types.h>

/* Make the empty file `to` what `from` is. */
int copy_disk(int from, int to);

/*
 * The same by name: `as` below todir is made anew, mode 0600, replacing what
 * is there. On failure there is none.
 */
int copy_disk_at(int fromdir, const char *name, int todir, const char *as);

#endif
