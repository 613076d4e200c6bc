/* copy.h - copy a disk: share its blocks where the file system can, else
 * copy its data and leave its holes
 *
 * Functions return 0 or -errno. Nothing is synced.
 */
#ifndef BNG_COPY_H
#define BNG_COPY_H

#include <stdbool.h>
#include <sys/types.h>

/* Make the empty file `to` what `from` is. */
int copy_disk(int from, int to);

/*
 * The same by name: `as` below todir is made anew, mode 0600, replacing what
 * is there. On failure there is none.
 */
int copy_disk_at(int fromdir, const char *name, int todir, const char *as);

/*
 * Whether the file system of `to` has no sharing of blocks, so that what is
 * written there again takes no room, and cannot be had for less.
 */
bool copy_overwrites(int from, int to);

/*
 * Make `to` what `from` is by writing what differs and nothing else: what
 * `from` has not becomes a hole. A failure leaves a mixture, but -ENOSPC not
 * where that overwrites and copy_room was there.
 */
int copy_differing(int from, int to);

/* Holes of a disk that have a place now: what could be read is as it was. */
struct copy_room {
	struct { off_t at, end; } *taken;
	size_t n;
};

/*
 * Give `to` a place for all data of `from`. Call one of the others then, after
 * a failure, too: it is given back; or it was used.
 */
int copy_room(int from, int to, struct copy_room *ret_room);
void copy_room_back(int to, struct copy_room *room);
void copy_room_used(struct copy_room *room);

#endif
