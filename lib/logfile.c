/* logfile.c - a bounded log; see logfile.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "logfile.h"

int
logfile_open(struct logfile *l, int dir, const char *name)
{
	struct stat st;
	autoclose int fd = openat(dir, name, O_RDWR | O_CREAT | O_APPEND |
	    O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	l->dir = dir;
	l->name = name;
	l->size = l->mark = st.st_size;
	l->fd = steal_fd(&fd);
	return 0;
}

/* Where the first line after offset starts; offset itself in a long line. */
static off_t
line_after(int fd, off_t offset)
{
	char buf[4096];
	ssize_t n = pread(fd, buf, sizeof(buf), offset);
	char *nl = n > 0 ? memchr(buf, '\n', (size_t)n) : NULL;

	return nl ? offset + (nl - buf) + 1 : offset;
}

static int
copy(int from, off_t offset, int to)
{
	ssize_t n;

	do
		n = copy_file_range(from, &offset, to, NULL, LOGFILE_MAX, 0);
	while (n > 0);
	return n < 0 ? -errno : 0;
}

/* Go on in a new file that holds the newer half of this one. */
static int
halve(struct logfile *l)
{
	char tmp[64];
	off_t from = line_after(l->fd, l->size - LOGFILE_MAX / 2);
	int r;
	autoclose int fd = -1;

	snprintf(tmp, sizeof(tmp), ".%s.half", l->name);
	unlinkat(l->dir, tmp, 0);
	/* O_APPEND comes after: copy_file_range refuses such a target. */
	fd = openat(l->dir, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = copy(l->fd, from, fd);
	if (!r && (fcntl(fd, F_SETFL, O_APPEND) ||
	    renameat(l->dir, tmp, l->dir, l->name)))
		r = -errno;
	if (r) {
		unlinkat(l->dir, tmp, 0);
		return r;
	}
	close(l->fd);
	l->fd = steal_fd(&fd);
	l->size -= from;
	l->mark = l->mark > from ? l->mark - from : 0;
	return 0;
}

int
logfile_add(struct logfile *l, const void *buf, size_t len)
{
	int r = 0;

	if (l->size + (off_t)len > LOGFILE_MAX)
		r = halve(l);
	/* Bounded even where nothing can be renamed: start again. */
	if (r && !ftruncate(l->fd, 0))
		l->size = l->mark = 0;
	r = write_all(l->fd, buf, len);
	if (!r)
		l->size += (off_t)len;
	return r;
}

void
logfile_mark(struct logfile *l)
{
	l->mark = l->size;
}

size_t
logfile_tail(const struct logfile *l, char *buf, size_t size)
{
	off_t from = l->size - (off_t)(size - 1);
	ssize_t n;

	if (from < l->mark)
		from = l->mark;
	n = pread(l->fd, buf, size - 1, from);
	if (n < 0)
		n = 0;
	buf[n] = '\0';
	return (size_t)n;
}
