/* journal.h - a change of an image that is complete or has not been
 *
 * libext2fs writes into pages in memory (shadow.c). journal_commit puts them
 * into the image's own journal first, as a kernel does. Whoever opens the image
 * next, be it a kernel, e2fsck or bng-disk, finds all of the change or none.
 */
#ifndef BNG_JOURNAL_H
#define BNG_JOURNAL_H

#include "disk.h"

struct page {
	blk64_t block;
	struct page *chain;
	uint8_t data[BLOCK];
};

/* The I/O manager for libext2fs to open that file with, which stays ours. */
io_manager shadow_manager(int fd);

/*
 * What has changed since, in the order of blocks; the superblock, which may
 * have stayed as it was within a second, is there in any case. Free the list
 * only.
 */
struct page **shadow_pages(size_t *ret_n);

/* libext2fs has written everything: put it into the image, and to disk. */
void journal_commit(struct image *im);

/*
 * The image says that its journal is to be played back. Whether it was one of
 * us who died at it.
 */
bool journal_ours(struct image *im);

/* If so, do that, through fd; the image is to be opened anew then. */
bool journal_recover(struct image *im, int fd);

#endif
