/* put.c - extract the tar stream on stdin below a directory
 *
 * SPDX-License-Identifier: MIT
 *
 * Names are resolved beneath that directory by the kernel (openat2): neither
 * "..", nor an absolute name, nor a symlink in the stream or from before leads
 * out. A few system calls a file: the directory of the last one stays open.
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
#include "file.h"
#include "json.h"
#include "mount.h"
#include "ops.h"
#include "tar.h"

enum { DEPTH_MAX = 256 };

/* A directory whose mode and time are set when we have left it. */
struct left {
	char *path;
	mode_t mode;
	struct timespec mtime;
};

static struct {
	int base;
	int parent;			/* -1: none */
	char parent_path[TAR_NAME];
	struct left stack[DEPTH_MAX];
	size_t depth;
	uid_t uid;
	gid_t gid;
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

/* What is in the way goes, unless it is a directory with something in it. */
static bool
clear(int dir, const char *name)
{
	if (!unlinkat(dir, name, 0))
		return true;
	return errno == EISDIR && !unlinkat(dir, name, AT_REMOVEDIR);
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

static bool
put_file(struct tar_in *t, struct tar_entry *e, int dir, const char *name)
{
	enum { FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC };
	const uint8_t *p;
	long n;
	autoclose int fd = openat(dir, name, FLAGS, e->mode & 0777);

	if (fd < 0 && errno == EEXIST && clear(dir, name))
		fd = openat(dir, name, FLAGS, e->mode & 0777);
	if (fd < 0)
		return false;
	while ((n = tar_data(t, &p)) > 0) {
		int r = write_all(fd, p, (size_t)n);

		if (r) {
			errno = -r;
			return false;
		}
	}
	return !n && finish(fd, e);
}

/* What is no file and no directory; 0 or -1 as the system calls. */
static int
make_other(const struct tar_entry *e, int dir, const char *name)
{
	static char target[TAR_NAME];
	const char *base;
	char *link, *slash;
	autoclose int from = -1;

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
	    !clear(dir, name) || make_other(e, dir, name)))
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
put_dir(const struct tar_entry *e, char *path)
{
	const char *name = NULL;
	int dir = -1;
	autoclose int fd = -1;

	if (*path) {
		dir = parent_of(path, &name);
		if (dir < 0)
			return false;
		if (mkdirat(dir, name, e->mode | 0700) && errno != EEXIST)
			return false;
	}
	fd = beneath(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0 && name && errno == ENOTDIR && clear(dir, name) &&
	    !mkdirat(dir, name, e->mode | 0700))
		fd = beneath(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || (!owner_fits(e) && fchown(fd, e->uid, e->gid)) ||
	    !set_xattrs(fd, e))
		return false;
	if (to.depth == DEPTH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	to.stack[to.depth].path = strdup(path);
	to.stack[to.depth].mode = e->mode;
	to.stack[to.depth].mtime = e->mtime;
	return to.stack[to.depth++].path;
}

static bool
put_entry(struct tar_in *t, struct tar_entry *e)
{
	char *path = tar_clean(e->path);
	const char *name;
	int dir;

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

static ssize_t
from_stdin(void *ctx, void *buf, size_t size)
{
	ssize_t n;

	(void)ctx;
	do
		n = read(STDIN_FILENO, buf, size);
	while (n < 0 && errno == EINTR);
	return n;
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

int
put_run(const char *request)
{
	static struct tar_in t;
	static struct tar_entry e;
	static uint8_t rest[65536];
	char path[TAR_NAME] = "";
	int r;

	json_str(json_get(request, "path"), path, sizeof(path));
	t.read = from_stdin;
	to.parent = -1;
	umask(0);
	to.uid = geteuid();
	to.gid = getegid();
	if (*path != '/')
		return complain("cannot extract into '%s': it is not an "
		    "absolute path", path);
	to.base = make_dirs(path, 0755) ?
	    open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (to.base < 0)
		return complain("cannot extract into '%s': %s", path,
		    strerror(errno));
	while ((r = tar_next(&t, &e)) > 0) {
		if (!put_entry(&t, &e) && !t.error)
			return complain("cannot extract '%s': %s",
			    shown(e.path), errno == EXDEV ?
			    "it would lead out of the directory" :
			    strerror(errno));
	}
	if (r || t.error)
		return complain("cannot read the archive: %s", t.error);
	while (to.depth)
		if (!leave())
			return complain("cannot extract: %s",
			    strerror(errno));
	/* The blocks that fill up tar's last record. */
	while (from_stdin(NULL, rest, sizeof(rest)) > 0)
		;
	return 0;
}
