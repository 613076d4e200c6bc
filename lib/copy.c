/* copy.c - copy a disk; see copy.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "bng.h"
#include "copy.h"
#include "sparse.h"

enum { PIECE = 1 << 20 };

struct pair {
	int from, to;
};

/* For file systems between which the kernel does not copy. */
static int
copy_through(int from, int to, off_t at, off_t end)
{
	autofree char *buf = malloc(PIECE);
	int r;

	if (!buf)
		return -ENOMEM;
	while (at < end) {
		size_t want = end - at < PIECE ? (size_t)(end - at) : PIECE;
		ssize_t n = pread(from, buf, want, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)	/* it has become shorter: a hole is zeros too */
			return n ? -errno : 0;
		r = pwrite_all(to, buf, (size_t)n, at);
		if (r)
			return r;
		at += n;
	}
	return 0;
}

static int
copy_data(const void *ctx, off_t at, off_t end)
{
	const struct pair *p = ctx;
	off64_t in = at, out = at;

	while (in < end) {
		ssize_t n = copy_file_range(p->from, &in, p->to, &out,
		    (size_t)(end - in), 0);

		if (n > 0 || (n < 0 && errno == EINTR))
			continue;
		if (n == 0)
			return 0;
		if (errno == ENOSPC || errno == EDQUOT || errno == EIO ||
		    errno == EFBIG)
			return -errno;
		return copy_through(p->from, p->to, in, end);
	}
	return 0;
}

int
copy_disk(int from, int to)
{
	struct pair p = { from, to };
	struct stat st;

	if (!ioctl(to, FICLONE, from))
		return 0;
	if (fstat(from, &st) || ftruncate(to, st.st_size))
		return -errno;
	return sparse_each(from, st.st_size, copy_data, &p);
}

int
copy_disk_at(int fromdir, const char *name, int todir, const char *as)
{
	autoclose int to = -1;
	autoclose int from = openat(fromdir, name, O_RDONLY | O_CLOEXEC |
	    O_NOFOLLOW);
	int r;

	if (from < 0 || (unlinkat(todir, as, 0) && errno != ENOENT))
		return -errno;
	to = openat(todir, as, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copy_disk(from, to);
	if (r)
		unlinkat(todir, as, 0);
	return r;
}
