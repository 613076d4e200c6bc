/* copy.h - copy a disk: share its blocks where the file system can, else
 * copy its data and leave its holes
 *
 * Functions return 0 or -errno, and print nothing. Nothing is synced.
 */
#ifndef BNG_COPY_H
#define BNG_COPY_H

#include <stdbool.h>

/* Make the empty file `to` what `from` is. */
int copy_disk(int from, int to);

/* Make `to` share all blocks of `from`. Whether this could be done. */
bool copy_share(int from, int to);

/*
 * Make `to` what `from` is by writing what differs and nothing else: what
 * `from` has not becomes a hole. A failure leaves a mixture, but -ENOSPC not
 * once copy_room was there: it gives `to` a place for all data of `from`, or
 * fails and has changed nothing that could be read.
 */
int copy_differing(int from, int to);
int copy_room(int from, int to);

/*
 * The same by name: `as` below todir is made anew, mode 0600, replacing what
 * is there. On failure there is none.
 */
int copy_disk_at(int fromdir, const char *name, int todir, const char *as);

#endif
