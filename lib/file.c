/* file.c - whole small files; see file.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>

#include "bng.h"

int
write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
pwrite_all(int fd, const void *buf, size_t len, off_t at)
{
	const char *p = buf;

	while (len) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
read_full(int fd, void *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, (char *)buf + got, len - got);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

ssize_t
file_line(int dirfd, const char *name, char *buf, size_t size)
{
	char tmp[4096];
	char *end;
	ssize_t n;
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	/* One read: a file on a disk gives all it has. */
	do
		n = read(fd, tmp, sizeof(tmp));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	end = memchr(tmp, '\n', (size_t)n);
	if (end)
		n = end - tmp;
	if (memchr(tmp, '\0', (size_t)n))
		return -EINVAL;
	if ((size_t)n >= size)
		n = (ssize_t)size - 1;
	memcpy(buf, tmp, (size_t)n);
	buf[n] = '\0';
	return n;
}

int
file_num(int dirfd, const char *name, int64_t min, int64_t max, int64_t *ret_n)
{
	char buf[32];
	char *end;
	long long v;
	ssize_t n = file_line(dirfd, name, buf, sizeof(buf));

	if (n < 0)
		return (int)n;
	errno = 0;
	v = strtoll(buf, &end, 10);
	if (n == 0 || *end || errno || v < min || v > max)
		return -EINVAL;
	*ret_n = v;
	return 0;
}

static int
replace(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
    bool sync)
{
	char tmp[300];
	int r, n;
	autoclose int fd = -1;

	/* The pid makes it ours: a process writes one file at a time. */
	n = snprintf(tmp, sizeof(tmp), ".%s.%ld", name, (long)getpid());
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return -ENAMETOOLONG;
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, buf, len);
	if (!r && fchmod(fd, mode))
		r = -errno;
	if (!r && sync && fdatasync(fd))
		r = -errno;
	if (!r && renameat(dirfd, tmp, dirfd, name))
		r = -errno;
	if (r)
		unlinkat(dirfd, tmp, 0);
	return r;
}

int
file_put(int dirfd, const char *name, const void *buf, size_t len, mode_t mode)
{
	return replace(dirfd, name, buf, len, mode, true);
}

int
file_note(int dirfd, const char *name, const void *buf, size_t len, mode_t mode)
{
	return replace(dirfd, name, buf, len, mode, false);
}

static int
mark(int dirfd, const char *name, const void *buf, size_t len)
{
	autoclose int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	r = write_all(fd, buf, len);
	if (!r && st.st_size > (off_t)len && ftruncate(fd, (off_t)len))
		r = -errno;
	return r;
}

enum how { PUT, NOTE, MARK };

static int
put_line(int dirfd, const char *name, enum how how, const char *fmt,
    va_list ap)
{
	char line[4096];
	int n = vsnprintf(line, sizeof(line) - 1, fmt, ap);

	if (n < 0 || (size_t)n >= sizeof(line) - 1)
		return -ENAMETOOLONG;
	line[n++] = '\n';
	return how == MARK ? mark(dirfd, name, line, (size_t)n) :
	    replace(dirfd, name, line, (size_t)n, 0600, how == PUT);
}

int
file_put_line(int dirfd, const char *name, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = put_line(dirfd, name, PUT, fmt, ap);
	va_end(ap);
	return r;
}

int
file_note_line(int dirfd, const char *name, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = put_line(dirfd, name, NOTE, fmt, ap);
	va_end(ap);
	return r;
}

int
file_mark_line(int dirfd, const char *name, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = put_line(dirfd, name, MARK, fmt, ap);
	va_end(ap);
	return r;
}

int
file_slurp(int dirfd, const char *name, size_t max, char **ret_buf,
    size_t *ret_len)
{
	ssize_t n;
	autofree char *buf = NULL;
	struct stat st;
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > (off_t)max)
		return -EFBIG;
	buf = malloc((size_t)st.st_size + 1);
	if (!buf)
		return -ENOMEM;
	n = read_full(fd, buf, (size_t)st.st_size);
	if (n < 0)
		return (int)n;
	buf[n] = '\0';
	*ret_buf = steal(&buf);
	if (ret_len)
		*ret_len = (size_t)n;
	return 0;
}

int
file_rm_tree(int dirfd, const char *name)
{
	struct dirent *e;
	int r = 0, one, fd;
	autoclosedir DIR *d = NULL;

	if (!unlinkat(dirfd, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		one = file_rm_tree(fd, e->d_name);
		if (one && !r)
			r = one;
	}
	if (unlinkat(dirfd, name, AT_REMOVEDIR) && errno != ENOENT && !r)
		r = -errno;
	return r;
}
