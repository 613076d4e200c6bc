/* extract.c - extract a tar stream; see extract.h
 *
 * SPDX-License-Identifier: MIT
 *
 * A few system calls a file: the directory of the last one stays open.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "clean.h"
#include "dest.h"
#include "extract.h"
#include "file.h"
#include "outfile.h"

enum { DEPTH_MAX = 256 };

/* A directory whose mode and time are set when we have left it. */
struct left {
	char *path;
	mode_t mode;
	struct timespec mtime;
};

static struct {
	int base;
	bool keep_base;			/* its mode and times are not ours */
	char only[256];			/* the one file's name, or "" */
	int parent;			/* -1: none */
	char parent_path[TAR_NAME];
	struct left stack[DEPTH_MAX];
	size_t depth;
	uid_t uid;
	gid_t gid;
	bool guarded;
} to;

static int
beneath(const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, to.base, *path ? path : ".", &how,
	    sizeof(how));
}

/* Open a directory, making it and those above it where they are missing. */
static int
beneath_made(char *path)
{
	int fd = beneath(path, O_PATH | O_DIRECTORY);
	char *slash;
	autoclose int above = -1;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	slash = strrchr(path, '/');
	if (slash) {
		*slash = '\0';
		above = beneath_made(path);
		*slash = '/';
	} else {
		above = beneath("", O_PATH | O_DIRECTORY);
	}
	if (above < 0 || (mkdirat(above, slash ? slash + 1 : path, 0755) &&
	    errno != EEXIST))
		return -1;
	return beneath(path, O_PATH | O_DIRECTORY);
}

static void
forget_parent(void)
{
	if (to.parent >= 0)
		close(to.parent);
	to.parent = -1;
}

/* The directory that an entry is in; its own name is set. -1: errno. */
static int
parent_of(char *path, const char **ret_name)
{
	char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	*ret_name = slash ? slash + 1 : path;
	if (to.parent >= 0 && !strncmp(to.parent_path, path, len) &&
	    !to.parent_path[len])
		return to.parent;
	forget_parent();
	memcpy(to.parent_path, path, len);
	to.parent_path[len] = '\0';
	to.parent = len ? beneath_made(to.parent_path) :
	    beneath("", O_PATH | O_DIRECTORY);
	return to.parent;
}

static bool
owner_fits(const struct tar_entry *e)
{
	/* Only root can give files away, and new ones are root's already. */
	return to.uid || (e->uid == to.uid && e->gid == to.gid);
}

static bool
set_xattrs(int fd, const struct tar_entry *e)
{
	for (size_t i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];

		if (to.guarded && strncmp(x->name, "user.", 5))
			continue;
		if (fsetxattr(fd, x->name, x->value, x->len, 0) &&
		    errno != ENOTSUP && errno != EPERM)
			return false;
	}
	return true;
}

/* Owner first: changing it takes set-user-id bits and capabilities away. */
static bool
finish(int fd, const struct tar_entry *e)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, e->mtime };

	if (!owner_fits(e) && fchown(fd, e->uid, e->gid))
		return false;
	if ((!owner_fits(e) || (e->mode & 07000)) && fchmod(fd, e->mode))
		return false;
	return set_xattrs(fd, e) && !futimens(fd, times);
}

/* The content of a file with holes: what comes goes where the map says. */
static bool
put_pieces(struct tar_in *t, const struct tar_entry *e, int fd)
{
	const struct tar_piece *m = e->map;
	uint64_t done = 0;	/* of the piece m */
	const uint8_t *p;
	long n;

	while ((n = tar_data(t, &p)) > 0) {
		while (n) {
			size_t part = (size_t)n;

			while (done == m->len) {
				done = 0;
				m++;
			}
			if (part > m->len - done)
				part = (size_t)(m->len - done);
			if (pwrite_all(fd, p, part, (off_t)(m->from + done)))
				return false;
			done += part;
			p += part;
			n -= (long)part;
		}
	}
	return !n && !ftruncate(fd, (off_t)e->real_size);
}

static bool
put_content(struct tar_in *t, const struct tar_entry *e, int fd)
{
	const uint8_t *p;
	long n;

	if (e->map)
		return put_pieces(t, e, fd);
	while ((n = tar_data(t, &p)) > 0) {
		int r = write_all(fd, p, (size_t)n);

		if (r) {
			errno = -r;
			return false;
		}
	}
	return !n;
}

static bool
put_file(struct tar_in *t, const struct tar_entry *e, int dir,
    const char *name)
{
	struct outfile o;
	int err;

	if (outfile_open(&o, dir, name, e->mode & 0777, to.guarded))
		return false;
	o.later = true;
	if (put_content(t, e, o.fd) && finish(o.fd, e) && !outfile_done(&o))
		return true;
	err = errno;
	outfile_drop(&o);
	errno = err;
	return false;
}

/* What is no file and no directory; 0 or -1 as the system calls. */
static int
make_other(const struct tar_entry *e, int dir, const char *name)
{
	static char target[TAR_NAME];
	const char *base;
	char *link, *slash;
	autoclose int from = -1;

	if (to.guarded && (e->type == '3' || e->type == '4')) {
		errno = ENODEV;
		return -1;
	}
	switch (e->type) {
	case '1':
		snprintf(target, sizeof(target), "%s", e->link);
		link = tar_clean(target);
		if (tar_climbs(link)) {
			errno = EXDEV;
			return -1;
		}
		slash = strrchr(link, '/');
		base = slash ? slash + 1 : link;
		if (slash)
			*slash = '\0';
		from = beneath(slash ? link : "", O_PATH | O_DIRECTORY);
		return from < 0 ? -1 : linkat(from, base, dir, name, 0);
	case '2':
		return symlinkat(e->link, dir, name);
	case '3':
		return mknodat(dir, name, S_IFCHR | e->mode, e->dev);
	case '4':
		return mknodat(dir, name, S_IFBLK | e->mode, e->dev);
	case '6':
		return mkfifoat(dir, name, e->mode);
	default:
		errno = ENOTSUP;
		return -1;
	}
}

static bool
put_other(const struct tar_entry *e, int dir, const char *name)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, e->mtime };

	if (make_other(e, dir, name) && (errno != EEXIST ||
	    !outfile_clear(dir, name) || make_other(e, dir, name)))
		return false;
	if (e->type == '1')
		return true;
	if (!owner_fits(e) && fchownat(dir, name, e->uid, e->gid,
	    AT_SYMLINK_NOFOLLOW))
		return false;
	return !utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

/* Set what had to wait until a directory was full. */
static bool
leave(void)
{
	struct left *l = &to.stack[--to.depth];
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, l->mtime };
	autofree char *path = l->path;
	autoclose int fd = beneath(path, O_RDONLY | O_DIRECTORY);

	return fd >= 0 && !fchmod(fd, l->mode) && !futimens(fd, times);
}

static bool
leave_all_but(const char *path)
{
	while (to.depth) {
		const char *dir = to.stack[to.depth - 1].path;
		size_t len = strlen(dir);

		if (!len || (!strncmp(dir, path, len) && path[len] == '/'))
			return true;
		if (!leave())
			return false;
	}
	return true;
}

static bool
enter(const struct tar_entry *e, const char *path)
{
	struct left *l = &to.stack[to.depth];

	if (to.depth == DEPTH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	*l = (struct left){ strdup(path), e->mode, e->mtime };
	to.depth += l->path != NULL;
	return l->path;
}

static bool
put_dir(const struct tar_entry *e, char *path)
{
	const char *name = NULL;
	int dir = -1;
	autoclose int fd = -1;

	if (!*path && to.keep_base)
		return true;
	if (*path) {
		dir = parent_of(path, &name);
		if (dir < 0)
			return false;
		if (mkdirat(dir, name, e->mode | 0700) && errno != EEXIST)
			return false;
	}
	fd = beneath(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0 && name && errno == ENOTDIR && outfile_clear(dir, name) &&
	    !mkdirat(dir, name, e->mode | 0700))
		fd = beneath(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || (!owner_fits(e) && fchown(fd, e->uid, e->gid)) ||
	    !set_xattrs(fd, e))
		return false;
	return enter(e, path);
}

static bool
put_entry(struct tar_in *t, struct tar_entry *e)
{
	char *path = tar_clean(e->path);
	const char *name;
	int dir;

	if (to.only[0]) {
		if (e->type == '5' || to.parent >= 0) {
			errno = EEXIST;
			return false;
		}
		path = to.only;
	}
	if (tar_climbs(path)) {
		errno = EXDEV;
		return false;
	}
	if (!leave_all_but(path))
		return false;
	if (e->type == '5')
		return put_dir(e, path);
	if (!*path) {
		errno = EINVAL;
		return false;
	}
	dir = parent_of(path, &name);
	if (dir < 0)
		return false;
	return e->type == '0' ? put_file(t, e, dir, name) :
	    put_other(e, dir, name);
}

/* A name as it may be shown: one line. */
static const char *
shown(char *name)
{
	for (unsigned char *p = (unsigned char *)name; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	return name;
}

/* What may not be said of a stranger's file, or is ours to say. */
static void
guard(struct tar_entry *e)
{
	if (e->type == '0')
		e->mode &= ~(mode_t)(S_ISUID | S_ISGID);
}

/* Open where it all goes, once the first member shows what comes. */
static int
find_base(struct extract *x, const struct tar_entry *first)
{
	bool is_dir = first->type == '5';
	struct dest d;

	if (!x->as) {
		to.base = open(x->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (to.base < 0)
			snprintf(x->why, sizeof(x->why), "into '%s': %s",
			    x->path, strerror(errno));
		return to.base < 0 ? -1 : 0;
	}
	if (dest_find(&d, x->path, x->as, is_dir, x->why, sizeof(x->why)))
		return -1;
	to.base = d.dir;
	to.keep_base = is_dir && !d.made;
	memcpy(to.only, d.name, sizeof(to.only));
	return 0;
}

static int
fail(struct extract *x, struct tar_entry *e, const char *why)
{
	snprintf(x->why, sizeof(x->why), "'%.300s': %s", shown(e->path), why);
	return -1;
}

static const char *
entry_error(void)
{
	switch (errno) {
	case EXDEV:
		return "it would lead out of the directory";
	case ENODEV:
		return "it is a device";
	default:
		return strerror(errno);
	}
}

static int
put_all(struct extract *x, struct tar_entry *e)
{
	uint64_t bytes = 0, members = 0;
	int r;

	while ((r = tar_next(x->t, e)) > 0) {
		if (to.base < 0 && find_base(x, e))
			return -1;
		bytes += e->size;
		if ((x->max_bytes && bytes > x->max_bytes) ||
		    (x->max_members && ++members > x->max_members))
			return fail(x, e, "that is more than a machine of its "
			    "size can hold");
		if (to.guarded)
			guard(e);
		if (!put_entry(x->t, e) && !x->t->error)
			return fail(x, e, entry_error());
	}
	return r || x->t->error ? -2 : 0;
}

int
extract_run(struct extract *x)
{
	static struct tar_entry e;
	int r;

	umask(0);
	to.base = to.parent = -1;
	to.uid = geteuid();
	to.gid = getegid();
	to.guarded = x->guarded;
	/* The plain way tells before it reads whether the place will do. */
	if (!x->as && find_base(x, &e))
		return -1;
	r = put_all(x, &e);
	while (!r && to.depth)
		if (!leave())
			r = fail(x, &e, strerror(errno));
	outfile_close();
	return r;
}
