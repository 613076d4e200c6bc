/* sparse.c - the data of a file, and its holes; see sparse.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "sparse.h"

off_t
sparse_data(int fd, off_t at, off_t end)
{
	off_t data = lseek(fd, at, SEEK_DATA);

	if (data < 0 && errno != ENXIO)
		return -1;
	return data < 0 || data > end ? end : data;
}

int
sparse_each(int fd, off_t end, sparse_fn each, const void *ctx)
{
	off_t at = 0;
	int r = 0;

	while (!r) {
		off_t hole;

		at = sparse_data(fd, at, end);
		if (at == end)
			break;
		hole = at < 0 ? at : lseek(fd, at, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		r = each(ctx, at, hole < end ? hole : end);
		if (hole >= end)
			break;
		at = hole;
	}
	return r;
}
