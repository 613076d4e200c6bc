/* archive.c - a tree as a tar stream; see archive.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "clean.h"

enum {
	DEPTH_MAX = 128,	/* of directories, each one a descriptor */
	MAP_TEXT = 42,		/* at most, for a piece of a sparse file */
};

static void
grumble(struct archive *a)
{
	char shown[300];
	int err = errno;

	snprintf(shown, sizeof(shown), "%.299s", a->path);
	for (char *p = shown; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	errno = err;
	a->status = 1;
	a->complain(shown);
}

/* The name under which this file went out before, or NULL. */
static const char *
known_link(struct archive *a, const struct stat *st)
{
	size_t i = (st->st_ino * 2654435761u ^ st->st_dev) % ARCHIVE_LINKS;

	if (st->st_nlink < 2)
		return NULL;
	for (size_t n = 0; n < ARCHIVE_LINKS; n++) {
		struct archive_link *l = &a->links[(i + n) % ARCHIVE_LINKS];

		if (!l->path) {
			l->dev = st->st_dev;
			l->ino = st->st_ino;
			l->path = strdup(a->path);
			return NULL;
		}
		if (l->ino == st->st_ino && l->dev == st->st_dev)
			return l->path;
	}
	return NULL; /* too many: it goes out once more */
}

/* Exactly as many bytes as the header promised, whatever happens meanwhile. */
static void
put_content(struct archive *a, int fd, uint64_t left)
{
	ssize_t n = 1;

	while (left) {
		size_t part = left < TAR_BUF / 2 ? (size_t)left : TAR_BUF / 2;
		uint8_t *p = tarwrite_room(&a->out, part);

		if (n > 0)
			n = read(fd, p, part);
		if (n > 0) {
			part = (size_t)n;
		} else {
			if (n < 0)
				grumble(a);
			n = 0;
			memset(p, 0, part);
		}
		tarwrite_took(&a->out, part);
		left -= part;
	}
}

/*
 * The pieces of a file that are no holes, in order. 0 when it has no holes
 * worth the name. Of too many the last one holds the rest.
 */
static size_t
find_pieces(int fd, const struct stat *st, struct tar_piece *map)
{
	off_t size = st->st_size, at = 0, end;
	size_t n = 0;

	if (st->st_blocks >= size / 512)
		return 0;
	while (at < size && n < TAR_PIECES - 1) {
		at = lseek(fd, at, SEEK_DATA);
		if (at < 0 && errno == ENXIO)
			break;
		end = at < 0 || n == TAR_PIECES - 2 ? size :
		    lseek(fd, at, SEEK_HOLE);
		if (at < 0 || end < at || end > size)
			return 0;
		map[n++] = (struct tar_piece){ (uint64_t)at,
			(uint64_t)(end - at) };
		at = end;
	}
	/* Who is told its end need not be told its size twice. */
	if (!n || map[n - 1].from + map[n - 1].len < (uint64_t)size)
		map[n++] = (struct tar_piece){ (uint64_t)size, 0 };
	return n;
}

static void
put_sparse(struct archive *a, int fd, const struct stat *st,
    const struct tar_piece *map, size_t n)
{
	static char text[(TAR_PIECES + 1) * MAP_TEXT];
	struct tar_member m = { a->path, "", '0', st, 0, true, fd,
	    NULL, 0 };
	int len = snprintf(text, MAP_TEXT, "%zu\n", n);
	uint64_t data = 0;

	for (size_t i = 0; i < n; i++) {
		len += snprintf(text + len, MAP_TEXT, "%llu\n%llu\n",
		    (unsigned long long)map[i].from,
		    (unsigned long long)map[i].len);
		data += map[i].len;
	}
	m.size = ((uint64_t)len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK +
	    data;
	tarwrite_member(&a->out, &m);
	tarwrite_put(&a->out, text, (size_t)len);
	tarwrite_pad(&a->out, (uint64_t)len);
	for (size_t i = 0; i < n; i++) {
		lseek(fd, (off_t)map[i].from, SEEK_SET);
		put_content(a, fd, map[i].len);
	}
	tarwrite_pad(&a->out, data);
}

static void
put_file(struct archive *a, int dir, const char *name, const struct stat *st)
{
	static struct tar_piece map[TAR_PIECES];
	struct tar_member m = { a->path, "", '0', st,
		(uint64_t)st->st_size, false, -1,
	    NULL, 0 };
	autoclose int fd = -1;
	size_t n;

	m.link = known_link(a, st);
	if (m.link) {
		m.type = '1';
		m.size = 0;
		tarwrite_member(&a->out, &m);
		return;
	}
	m.link = "";
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		grumble(a);
		return;
	}
	n = find_pieces(fd, st, map);
	if (n) {
		put_sparse(a, fd, st, map, n);
		return;
	}
	m.fd = fd;
	tarwrite_member(&a->out, &m);
	put_content(a, fd, m.size);
	tarwrite_pad(&a->out, m.size);
}

static void
put_link(struct archive *a, int dir, const char *name, const struct stat *st)
{
	char target[TAR_NAME];
	struct tar_member m = { a->path, target, '2', st, 0, false, -1,
	    NULL, 0 };
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0) {
		grumble(a);
		return;
	}
	target[n] = '\0';
	tarwrite_member(&a->out, &m);
}

static void
put_special(struct archive *a, const struct stat *st)
{
	struct tar_member m = { a->path, "", '6', st, 0, false, -1,
	    NULL, 0 };

	if (!S_ISFIFO(st->st_mode))
		m.type = S_ISCHR(st->st_mode) ? '3' : '4';
	tarwrite_member(&a->out, &m);
}

static void put_inside(struct archive *a, int fd, size_t len, int depth);

/* path ends in a slash now. */
static void
put_dir(struct archive *a, int fd, const struct stat *st, int depth)
{
	struct tar_member m = { a->path, "", '5', st, 0, false, fd,
	    NULL, 0 };

	tarwrite_member(&a->out, &m);
	put_inside(a, fd, strlen(a->path), depth);
}

static void
put_one(struct archive *a, int dir, const char *name, int depth)
{
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		grumble(a);
		return;
	}
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		put_file(a, dir, name, &st);
		break;
	case S_IFDIR:
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
		if (fd < 0) {
			grumble(a);
			break;
		}
		memcpy(a->path + strlen(a->path), "/", 2);
		put_dir(a, fd, &st, depth);
		break;
	case S_IFLNK:
		put_link(a, dir, name, &st);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		put_special(a, &st);
		break;
	default:
		break; /* a socket means nothing elsewhere */
	}
}

/*
 * Everything in a directory, whose name is the first len bytes of path. The
 * descriptor is closed.
 */
static void
put_inside(struct archive *a, int fd, size_t len, int depth)
{
	autoclosedir DIR *d = fdopendir(fd);
	struct dirent *e;

	if (!d || depth == DEPTH_MAX) {
		errno = d ? ELOOP : errno;
		grumble(a);
		return;
	}
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (len + n + 2 > sizeof(a->path)) {
			errno = ENAMETOOLONG;
			grumble(a);
			continue;
		}
		memcpy(a->path + len, e->d_name, n + 1);
		put_one(a, fd, e->d_name, depth + 1);
		a->path[len] = '\0';
	}
}

int
archive_tree(struct archive *a, const char *path, bool follow)
{
	size_t len = strlen(path);
	const char *name = strrchr(path, '/');
	bool slash = len && path[len - 1] == '/';
	struct stat st;
	int fd = -1;

	snprintf(a->path, sizeof(a->path), "%s", path);
	if (fstatat(AT_FDCWD, path, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW)) {
		grumble(a);
		return a->status;
	}
	if (S_ISDIR(st.st_mode)) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			grumble(a);
			return a->status;
		}
		snprintf(a->path, sizeof(a->path), "./");
		put_dir(a, fd, &st, 0);
	} else if (slash) {
		errno = ENOTDIR;
		grumble(a);
		return a->status;
	} else {
		snprintf(a->path, sizeof(a->path), "%.255s",
		    name ? name + 1 : path);
		put_one(a, AT_FDCWD, path, 0);
	}
	tarwrite_end(&a->out);
	return a->status;
}

static void
put_name(struct archive *a, int dir, const char *name)
{
	struct tar_member m = { .path = a->path, .link = "", .type = '5',
		.fd = -1 };
	struct stat st;

	snprintf(a->path, sizeof(a->path), "%s", name);
	if (strlen(name) >= sizeof(a->path)) {
		errno = ENAMETOOLONG;
		grumble(a);
		return;
	}
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		grumble(a);
		return;
	}
	st.st_uid = st.st_gid = 0;
	st.st_nlink = 1;
	if (S_ISREG(st.st_mode))
		put_file(a, dir, name, &st);
	else if (S_ISLNK(st.st_mode))
		put_link(a, dir, name, &st);
	else if (S_ISDIR(st.st_mode)) {
		m.st = &st;
		tarwrite_member(&a->out, &m);
	}
}

int
archive_names(struct archive *a, int dir, FILE *names)
{
	autofree char *name = NULL;
	size_t size = 0;
	int err;

	a->out.plain = true;
	while (errno = 0, getdelim(&name, &size, '\0', names) > 0)
		put_name(a, dir, name);
	err = errno;
	if (ferror(names) || err == ENOMEM)
		return err ? -err : -EIO;
	tarwrite_end(&a->out);
	return a->status;
}
