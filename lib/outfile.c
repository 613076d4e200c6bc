/* outfile.c - a file that gets its name when it is whole; see outfile.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "outfile.h"

enum {
	FLAGS = O_WRONLY | O_CLOEXEC,
	TOGETHER = 64,		/* files are closed with one call */
};

/* Descriptors of files that are whole. */
static int whole[TOGETHER];
static size_t n_whole;

/* One after the other, as they are opened: few calls close them all. */
void
outfile_close(void)
{
	for (size_t i = 0, end; i < n_whole; i = end) {
		for (end = i + 1; end < n_whole &&
		    whole[end] == whole[end - 1] + 1; end++)
			;
		if (!syscall(SYS_close_range, whole[i], whole[end - 1], 0))
			continue;
		for (; i < end; i++)
			close(whole[i]);
	}
	n_whole = 0;
}

/* Each call costs, beside what it does, where it is emulated. */
static void
close_later(int fd)
{
	if (n_whole == TOGETHER)
		outfile_close();
	whole[n_whole++] = fd;
}

bool
outfile_clear(int dir, const char *name)
{
	if (!unlinkat(dir, name, 0))
		return true;
	return errno == EISDIR && !unlinkat(dir, name, AT_REMOVEDIR);
}

/* Another name of our own, if what failed is that one was taken. */
static int
pick(struct outfile *o)
{
	static unsigned int n;

	snprintf(o->temp, sizeof(o->temp), ".banger.%ld.%u", (long)getpid(),
	    n++);
	return errno == EEXIST ? 0 : -1;
}

static int
open_named(struct outfile *o, const char *name, mode_t mode)
{
	o->fd = openat(o->dir, name, FLAGS | O_CREAT | O_EXCL | O_NOFOLLOW,
	    mode);
	return o->fd < 0 ? -1 : 0;
}

int
outfile_open(struct outfile *o, int dir, const char *name, mode_t mode,
    bool strict)
{
	*o = (struct outfile){ .dir = dir, .name = name };
	if (strict) {
		o->fd = openat(dir, ".", FLAGS | O_TMPFILE, mode);
		o->nameless = o->fd >= 0;
		if (o->nameless)
			return 0;
		if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
			return -1;
		errno = EEXIST;
	} else if (!open_named(o, name, mode)) {
		return 0;
	}
	while (!pick(o))
		if (!open_named(o, o->temp, mode))
			return 0;
	return -1;
}

/* Give a nameless file this name. */
static int
give(const struct outfile *o, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", o->fd);
	return linkat(AT_FDCWD, path, o->dir, name, AT_SYMLINK_FOLLOW);
}

static int
replace(const struct outfile *o)
{
	if (!renameat(o->dir, o->temp, o->dir, o->name))
		return 0;
	if (errno != EISDIR || unlinkat(o->dir, o->name, AT_REMOVEDIR))
		return -1;
	return renameat(o->dir, o->temp, o->dir, o->name);
}

int
outfile_done(struct outfile *o)
{
	int r = 0;

	if (o->nameless) {
		r = give(o, o->name);
		while (r && !pick(o))
			r = give(o, o->temp);
		if (r)
			o->temp[0] = '\0';
	}
	if (!r && o->temp[0])
		r = replace(o);
	if (!r) {
		if (o->later)
			close_later(o->fd);
		else
			close(o->fd);
		o->fd = -1;
	}
	return r;
}

void
outfile_drop(struct outfile *o)
{
	if (o->temp[0])
		unlinkat(o->dir, o->temp, 0);
	else if (!o->nameless)
		unlinkat(o->dir, o->name, 0);
	close(o->fd);
}
