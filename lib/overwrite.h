/* overwrite.h - a disk becomes another, where it is
 *
 * Functions return 0 or -errno. Nothing is synced.
 */
#ifndef BNG_OVERWRITE_H
#define BNG_OVERWRITE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether the file system of `to` has no sharing of blocks, so that what is
 * written there again takes no room, and cannot be had for less.
 */
bool overwrite_can(int from, int to);

/*
 * Make `to` what `from` is by writing what differs and nothing else: what
 * `from` has not becomes a hole. Before each change `first` is called, whose
 * failure is the end. One after that leaves a mixture, but -ENOSPC does not
 * happen where overwrite_room was there.
 */
int overwrite_differing(int from, int to, int (*first)(void *ctx), void *ctx);

/* Holes of a disk that have a place now: what could be read is as it was. */
struct overwrite_room {
	struct { off_t at, end; } *taken;
	size_t n;
};

/*
 * Give `to` a place for all data of `from`. Call one of the others then, after
 * a failure, too: it is given back; or it was used.
 */
int overwrite_room(int from, int to, struct overwrite_room *ret_room);
void overwrite_back(int to, struct overwrite_room *room);
void overwrite_used(struct overwrite_room *room);

#endif
