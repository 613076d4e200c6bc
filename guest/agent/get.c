/* get.c - write a file, or what is in a directory, to stdout as a tar stream
 *
 * SPDX-License-Identifier: MIT
 *
 * pax: a header of its own before a member whose name, size, owner or time
 * does not fit into ustar's, times being exact to the nanosecond.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "json.h"
#include "ops.h"
#include "tar.h"

enum {
	LINKS = 65536,		/* hard links that we recognise */
	PAX_MAX = 65536,
	DEPTH_MAX = 128,	/* of directories, each one a descriptor */
};

/* Names of files that have more than one. */
struct link {
	dev_t dev;
	ino_t ino;
	char *path;
};

static struct {
	uint8_t buf[TAR_BUF];
	size_t len;
	struct link links[LINKS];	/* untouched, it costs nothing */
	char path[TAR_NAME];	/* of what is being written */
	char pax[PAX_MAX];
	size_t pax_len;
	int status;
} out;

static void
flush(void)
{
	/* Nobody reads any more: there is nobody to tell. */
	if (write_all(STDOUT_FILENO, out.buf, out.len))
		_exit(1);
	out.len = 0;
}

/* Room for n bytes, at most TAR_BUF. */
static uint8_t *
room(size_t n)
{
	if (out.len + n > sizeof(out.buf))
		flush();
	return out.buf + out.len;
}

static void
put_bytes(const void *p, size_t n)
{
	while (n) {
		size_t part = n < sizeof(out.buf) / 2 ? n :
		    sizeof(out.buf) / 2;

		memcpy(room(part), p, part);
		out.len += part;
		p = (const uint8_t *)p + part;
		n -= part;
	}
}

static void
pad(uint64_t size)
{
	size_t n = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;

	memset(room(n), 0, n);
	out.len += n;
}

static void
grumble(void)
{
	char shown[300];

	snprintf(shown, sizeof(shown), "%.299s", out.path);
	for (char *p = shown; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = '?';
	out.status = complain("cannot read '%s': %s", shown, strerror(errno));
}

/* "LEN key=value\n", where LEN counts its own digits too. */
static void
pax_add(const char *key, const void *value, size_t n)
{
	size_t body = strlen(key) + n + 3, len = body + 1, was;
	char digits[24];

	do {
		was = len;
		len = body + (size_t)snprintf(digits, sizeof(digits), "%zu",
		    len);
	} while (len != was);
	if (out.pax_len + len >= PAX_MAX)
		return; /* an attribute too many is left out */
	out.pax_len += (size_t)snprintf(out.pax + out.pax_len,
	    PAX_MAX - out.pax_len, "%s %s=", digits, key);
	memcpy(out.pax + out.pax_len, value, n);
	out.pax_len += n;
	out.pax[out.pax_len++] = '\n';
}

static void
pax_number(const char *key, unsigned long long n)
{
	char text[24];

	pax_add(key, text, (size_t)snprintf(text, sizeof(text), "%llu", n));
}

static void
pax_xattrs(int fd)
{
	static const char skip[] = "trusted.overlay.";
	static char names[16384], value[16384];
	char key[300];
	ssize_t n = fd < 0 ? 0 : flistxattr(fd, names, sizeof(names)), len;

	for (char *name = names; name < names + n; name += strlen(name) + 1) {
		if (!strncmp(name, skip, sizeof(skip) - 1) ||
		    strlen(name) > 255)
			continue;
		len = fgetxattr(fd, name, value, sizeof(value));
		snprintf(key, sizeof(key), "SCHILY.xattr.%.255s",
		    name);
		if (len >= 0)
			pax_add(key, value, (size_t)len);
	}
}

/* A field of n bytes in octal; false, the field zero, if it does not fit. */
static bool
octal(uint8_t *p, size_t n, unsigned long long v)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%0*llo", (int)n - 1, v);
	bool fits = len == (int)n - 1;

	if (!fits)
		len = snprintf(text, sizeof(text), "%0*o", (int)n - 1, 0);
	memcpy(p, text, (size_t)len);
	return fits;
}

static void
put_header(const char *path, const char *link, char type,
    const struct stat *st, uint64_t size)
{
	uint8_t *h = room(TAR_BLOCK);
	unsigned int sum = 0;
	char text[32];

	memset(h, 0, TAR_BLOCK);
	memcpy(h, path, strnlen(path, 100));
	octal(h + 100, 8, st->st_mode & 07777);
	if (!octal(h + 108, 8, st->st_uid))
		pax_number("uid", st->st_uid);
	if (!octal(h + 116, 8, st->st_gid))
		pax_number("gid", st->st_gid);
	if (!octal(h + 124, 12, size))
		pax_number("size", size);
	octal(h + 136, 12, st->st_mtim.tv_sec > 0 ?
	    (unsigned long long)st->st_mtim.tv_sec : 0);
	h[156] = (uint8_t)type;
	memcpy(h + 157, link, strnlen(link, 100));
	memcpy(h + 257, "ustar\00000", 8);
	if (type == '3' || type == '4') {
		octal(h + 329, 8, major(st->st_rdev));
		octal(h + 337, 8, minor(st->st_rdev));
	}
	memset(h + 148, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h + 148, text, 7);
	out.len += TAR_BLOCK;
}

static void
pax_time(const struct timespec *t)
{
	bool back = t->tv_sec < 0 && t->tv_nsec;
	long long sec = t->tv_sec + back;
	char text[40];

	pax_add("mtime", text, (size_t)snprintf(text, sizeof(text),
	    "%s%lld.%09ld", t->tv_sec < 0 ? "-" : "",
	    sec < 0 ? -sec : sec, back ? 1000000000 - t->tv_nsec :
	    t->tv_nsec));
}

/* The member's headers; fd, if any, is what attributes are read from. */
static void
put_member(const char *path, const char *link, char type,
    const struct stat *st, uint64_t size, int fd)
{
	const struct stat none = { .st_mode = 0644 };
	size_t at;

	out.pax_len = 0;
	if (strlen(path) > 100)
		pax_add("path", path, strlen(path));
	if (strlen(link) > 100)
		pax_add("linkpath", link, strlen(link));
	if (st->st_mtim.tv_nsec || st->st_mtim.tv_sec < 0)
		pax_time(&st->st_mtim);
	pax_xattrs(fd);
	/* Writing it shows which numbers do not fit; then it goes again. */
	room(2 * TAR_BLOCK);
	at = out.len;
	put_header(path, link, type, st, size);
	if (!out.pax_len)
		return;
	out.len = at;
	at = out.pax_len;
	put_header("pax", "", 'x', &none, at);
	put_bytes(out.pax, at);
	pad(at);
	put_header(path, link, type, st, size);
}

/* The name under which this file went out before, or NULL. */
static const char *
known_link(const struct stat *st, const char *path)
{
	size_t i = (st->st_ino * 2654435761u ^ st->st_dev) % LINKS;

	if (st->st_nlink < 2)
		return NULL;
	for (size_t n = 0; n < LINKS; n++) {
		struct link *l = &out.links[(i + n) % LINKS];

		if (!l->path) {
			l->dev = st->st_dev;
			l->ino = st->st_ino;
			l->path = strdup(path);
			return NULL;
		}
		if (l->ino == st->st_ino && l->dev == st->st_dev)
			return l->path;
	}
	return NULL; /* too many: it goes out once more */
}

/* Exactly as many bytes as the header promised, whatever happens meanwhile. */
static void
put_content(int fd, uint64_t size)
{
	uint64_t left = size;
	size_t part;
	ssize_t n = 1;

	while (left) {
		part = left < sizeof(out.buf) / 2 ? (size_t)left :
		    sizeof(out.buf) / 2;
		room(part);
		if (n > 0)
			n = read(fd, out.buf + out.len, part);
		if (n > 0) {
			part = (size_t)n;
		} else {
			if (n < 0)
				grumble();
			n = 0;
			memset(out.buf + out.len, 0, part);
		}
		out.len += part;
		left -= part;
	}
	pad(size);
}

static void
get_file(int dir, const char *name, const struct stat *st)
{
	const char *before = known_link(st, out.path);
	autoclose int fd = -1;

	if (before) {
		put_member(out.path, before, '1', st, 0, -1);
		return;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		grumble();
		return;
	}
	put_member(out.path, "", '0', st, (uint64_t)st->st_size, fd);
	put_content(fd, (uint64_t)st->st_size);
}

static void
get_link(int dir, const char *name, const struct stat *st)
{
	char target[TAR_NAME];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0) {
		grumble();
		return;
	}
	target[n] = '\0';
	put_member(out.path, target, '2', st, 0, -1);
}

static void get_inside(int fd, size_t len, int depth);

static void
get_dir(int dir, const char *name, const struct stat *st, int depth)
{
	size_t len = strlen(out.path);
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);

	if (fd < 0) {
		grumble();
		return;
	}
	out.path[len++] = '/';
	out.path[len] = '\0';
	put_member(out.path, "", '5', st, 0, fd);
	get_inside(fd, len, depth);
}

static void
get_one(int dir, const char *name, int depth)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		grumble();
		return;
	}
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		get_file(dir, name, &st);
		break;
	case S_IFDIR:
		get_dir(dir, name, &st, depth);
		break;
	case S_IFLNK:
		get_link(dir, name, &st);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		put_member(out.path, "", S_ISCHR(st.st_mode) ? '3' :
		    S_ISBLK(st.st_mode) ? '4' : '6', &st, 0, -1);
		break;
	default:
		break; /* a socket means nothing elsewhere */
	}
}

/* Everything in a directory, whose name is the first len bytes of path. */
static void
get_inside(int fd, size_t len, int depth)
{
	autoclosedir DIR *d = fdopendir(fd);
	struct dirent *e;

	if (!d || depth == DEPTH_MAX) {
		errno = d ? ELOOP : errno;
		grumble();
		return;
	}
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (len + n + 2 > sizeof(out.path)) {
			errno = ENAMETOOLONG;
			grumble();
			continue;
		}
		memcpy(out.path + len, e->d_name, n + 1);
		get_one(fd, e->d_name, depth + 1);
		out.path[len] = '\0';
	}
}

int
get_run(const char *request)
{
	char path[TAR_NAME] = "";
	struct stat st;
	int fd;

	json_str(json_get(request, "path"), path, sizeof(path));
	if (stat(path, &st))
		return complain("cannot read '%s': %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return complain("cannot read '%s': %s", path,
			    strerror(errno));
		snprintf(out.path, sizeof(out.path), "./");
		put_member(out.path, "", '5', &st, 0, fd);
		get_inside(fd, 2, 0);
	} else {
		snprintf(out.path, sizeof(out.path), "%.255s", basename(path));
		json_str(json_get(request, "path"), path, sizeof(path));
		get_one(AT_FDCWD, path, 0);
	}
	memset(room(2 * TAR_BLOCK), 0, 2 * TAR_BLOCK);
	out.len += 2 * TAR_BLOCK;
	flush();
	return out.status;
}
