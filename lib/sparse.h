/* sparse.h - the data of a file, and its holes
 *
 * Places are bytes; a range is [at, end).
 */
#ifndef BNG_SPARSE_H
#define BNG_SPARSE_H

#include <sys/types.h>

/* Where the next data of fd is; end: not before that. -1 and errno. */
off_t sparse_data(int fd, off_t at, off_t end);

typedef int (*sparse_fn)(const void *ctx, off_t at, off_t end);

/* Calls each for every piece of data before end; 0, -errno, or what it says. */
int sparse_each(int fd, off_t end, sparse_fn each, const void *ctx);

#endif
