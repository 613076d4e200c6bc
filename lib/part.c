/* part.c - a file that is on its way; see part.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "lock.h"
#include "part.h"

/* The lock on FILE.part as long as that is what its name means. */
static int
open_locked(const struct part *p, const char *path)
{
	struct stat ours, now;
	int fd, r;

	for (;;) {
		fd = openat(p->dirfd, p->name, O_RDWR | O_CREAT | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK, 0600);
		if (fd < 0)
			return -errno;
		r = lock_fd(fd, false);
		if (r == -EAGAIN) {
			warn("waiting for another download of '%s'", path);
			r = lock_fd(fd, true);
		}
		if (!r && fstat(fd, &ours))
			r = -errno;
		if (r) {
			close(fd);
			return r;
		}
		/* Whoever held it before may have finished and renamed it. */
		if (!fstatat(p->dirfd, p->name, &now, AT_SYMLINK_NOFOLLOW) &&
		    now.st_ino == ours.st_ino && now.st_dev == ours.st_dev)
			return S_ISREG(ours.st_mode) ? fd : -EINVAL;
		close(fd);
	}
}

static void
read_note(struct part *p)
{
	char line[400];
	char *space;

	p->source[0] = p->validator[0] = '\0';
	if (file_line(p->dirfd, p->from, line, sizeof(line)) < 0)
		return;
	space = strchr(line, ' ');
	if (!space || space - line >= (ptrdiff_t)sizeof(p->source) ||
	    strlen(space + 1) >= sizeof(p->validator))
		return;
	*space = '\0';
	memcpy(p->source, line, (size_t)(space - line) + 1);
	memcpy(p->validator, space + 1, strlen(space + 1) + 1);
}

void
xpart_open(struct part *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	autofree char *dir = slash ?
	    xasprintf("%.*s", (int)(slash - path + 1), path) : xstrdup(".");

	p->file = xstrdup(slash ? slash + 1 : path);
	if (!*p->file)
		die_usage("'%s' does not name a file", path);
	p->name = xasprintf("%s.part", p->file);
	p->from = xasprintf("%s.part.from", p->file);
	p->dirfd = xopen(dir, O_RDONLY | O_DIRECTORY, 0);
	p->fd = open_locked(p, path);
	if (p->fd < 0) {
		errno = -p->fd;
		die_sys("cannot open '%s.part'", path);
	}
	p->have = lseek(p->fd, 0, SEEK_END);
	read_note(p);
}

void
part_stdout(struct part *p)
{
	memset(p, 0, sizeof(*p));
	p->fd = STDOUT_FILENO;
	p->dirfd = -1;
}

int
part_reset(struct part *p)
{
	if (!p->file)
		return p->have ? -EPIPE : 0;
	if (ftruncate(p->fd, 0) || lseek(p->fd, 0, SEEK_SET) < 0)
		return -errno;
	p->have = 0;
	return 0;
}

int
part_note(struct part *p, const char *source, const char *validator)
{
	snprintf(p->source, sizeof(p->source), "%s", source);
	snprintf(p->validator, sizeof(p->validator), "%s", validator);
	if (!p->file)
		return 0;
	return file_put_line(p->dirfd, p->from, "%s %s", source, validator);
}

int
part_write(struct part *p, const void *buf, size_t len)
{
	int r = write_all(p->fd, buf, len);

	if (!r)
		p->have += (int64_t)len;
	return r;
}

int
part_read(struct part *p, void (*add)(void *ctx, const void *buf, size_t len),
    void *ctx)
{
	static char buf[1 << 16];
	ssize_t n;

	if (lseek(p->fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = read_full(p->fd, buf, sizeof(buf))) > 0)
		add(ctx, buf, (size_t)n);
	return (int)n;
}

int
part_finish(struct part *p)
{
	if (!p->file)
		return 0;
	if (fsync(p->fd) || renameat(p->dirfd, p->name, p->dirfd, p->file))
		return -errno;
	unlinkat(p->dirfd, p->from, 0);
	return fsync(p->dirfd) ? -errno : 0;
}

void
part_drop(struct part *p)
{
	if (!p->file)
		return;
	unlinkat(p->dirfd, p->from, 0);
	unlinkat(p->dirfd, p->name, 0);
}
