/* filesend.c - what file_sync copies, as a tar stream; see filesync.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>

#include "bng.h"
#include "configkey.h"
#include "filesync.h"
#include "tarwrite.h"

enum {
	DEEP = 128,		/* directories in one another */
	WARNINGS = 10,		/* of what is left out, in full */
	CHUNK = 65536,		/* is read at a time */
};

struct sending {
	struct tar_out *out;
	int depth;
	unsigned left_out;
	const struct filesync_entry *entry;
};

static void
leave_out(struct sending *s, const char *path, const char *why)
{
	if (s->left_out++ < WARNINGS)
		warn("file_sync: left out '%s': %s", path, why);
}

noreturn_fn static void
fail(const char *what, const char *path)
{
	die_sys("cannot %s '%s', which file_sync names", what, path);
}

noreturn_fn static void
no_stream(int error)
{
	errno = error;
	die_sys("cannot write the tar stream");
}

/* The beginning of a file ('0') or directory ('5'), which becomes root's. */
static void
send_head(struct sending *s, const char *to, char type, mode_t mode,
    const struct stat *st)
{
	struct stat as = { .st_mode = mode & 0777, .st_mtim = st->st_mtim };
	struct tar_member m = { .path = to, .link = "", .type = type,
		.st = &as, .fd = -1 };

	if (type == '0')
		m.size = (uint64_t)st->st_size;
	tarwrite_member(s->out, &m);
}

/* A file that was opened, as it was then: what it grows by is not sent. */
static void
send_file(struct sending *s, int fd, const struct stat *st, const char *path,
    const char *to, mode_t mode)
{
	int64_t left = st->st_size;

	send_head(s, to, '0', mode, st);
	while (left) {
		size_t most = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t n = read_full(fd, tarwrite_room(s->out, most), most);

		errno = n < 0 ? (int)-n : 0;
		if (n < 0)
			fail("read", path);
		if (!n)
			die("cannot copy '%s': it became shorter meanwhile",
			    path);
		tarwrite_took(s->out, (size_t)n);
		left -= n;
	}
	tarwrite_pad(s->out, (uint64_t)st->st_size);
}

static void send_dir(struct sending *s, int fd, const char *path,
    const char *to);

/* Open what was seen to be this, never anything else. */
static int
open_seen(int dir, const char *name, struct stat *st)
{
	mode_t type = st->st_mode & S_IFMT;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC | (S_ISDIR(type) ? O_DIRECTORY : 0));

	if (fd >= 0 && !fstat(fd, st) && (st->st_mode & S_IFMT) == type)
		return fd;
	if (fd >= 0) {
		close(fd);
		errno = ESTALE;
	}
	return -1;
}

/* One name of a directory. */
static void
send_name(struct sending *s, int dir, const char *name, const char *path,
    const char *to)
{
	struct stat st;
	autoclose int fd = -1;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT)
			fail("read", path);
		return;
	}
	if (S_ISLNK(st.st_mode)) {
		leave_out(s, path, "a symbolic link");
		return;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		leave_out(s, path, "neither a file nor a directory");
		return;
	}
	fd = open_seen(dir, name, &st);
	if (fd < 0)
		fail("open", path);
	if (S_ISREG(st.st_mode))
		send_file(s, fd, &st, path, to, st.st_mode);
	else
		send_dir(s, fd, path, to);
}

static void
send_dir(struct sending *s, int fd, const char *path, const char *to)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	autoclosedir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	struct stat st;

	if (!d || fstat(fd, &st))
		fail("read", path);
	if (s->depth == DEEP)
		die("cannot copy '%s': more than %d directories are in one "
		    "another", path, DEEP);
	s->depth++;
	send_head(s, to, '5', st.st_mode, &st);
	while (errno = 0, e = readdir(d)) {
		autofree char *below = NULL, *below_to = NULL;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		below = xasprintf("%s/%s", path, e->d_name);
		below_to = xasprintf("%s/%s", to, e->d_name);
		send_name(s, fd, e->d_name, below, below_to);
	}
	if (errno)
		fail("read", path);
	s->depth--;
}

/*
 * The descriptor of a path below a directory, whose components are what they
 * were resolved to: none of them is a link now.
 */
static int
walk(int dir, char *rest, struct stat *st)
{
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 0), next;
	char *name = strsep(&rest, "/");

	for (; at >= 0 && rest; at = next, name = strsep(&rest, "/")) {
		next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
		close(at);
	}
	if (at < 0)
		return -1;
	next = -1;
	errno = EINVAL;
	if (!fstatat(at, name, st, AT_SYMLINK_NOFOLLOW)) {
		errno = EINVAL;
		if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
			next = open_seen(at, name, st);
	}
	close(at);
	return next;
}

static void
send_entry(struct sending *s, const char *home, int homefd)
{
	const struct filesync_entry *e = s->entry;
	autofree char *full = config_path(e->host), *real = NULL;
	autofree char *to = xasprintf("sync/%s", e->guest);
	size_t n = strlen(home);
	struct stat st;
	autoclose int fd = -1;

	real = full ? realpath(full, NULL) : NULL;
	if (!real && (errno == ENOENT || errno == ENOTDIR)) {
		warn("file_sync: left out '%s': it is not there", e->host);
		return;
	}
	if (!real)
		fail("find", e->host);
	if (strncmp(real, home, n) || real[n] != '/' || !real[n + 1])
		die("cannot copy '%s', which file_sync names: it leads out "
		    "of your home directory, to '%s'", e->host, real);
	fd = walk(homefd, real + n + 1, &st);
	if (fd < 0 && errno == EINVAL)
		die("cannot copy '%s', which file_sync names: it is neither "
		    "a file nor a directory", e->host);
	if (fd < 0)
		fail("open", e->host);
	if (S_ISREG(st.st_mode))
		send_file(s, fd, &st, e->host, to, e->mode);
	else
		send_dir(s, fd, e->host, to);
}

void
xfilesync_send(const struct filesync *f, int fd)
{
	static struct tar_out out;
	static const struct stat top = { .st_mode = 0700 };
	struct sending s = { .out = &out };
	autofree char *home = NULL;
	autoclose int homefd = -1;

	home = realpath(getenv("HOME") ? getenv("HOME") : "", NULL);
	homefd = home ? open(home, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (homefd < 0)
		die_sys("cannot open your home directory");
	out = (struct tar_out){ .fd = fd, .failed = no_stream };
	send_head(&s, "sync", '5', top.st_mode, &top);
	for (size_t i = 0; i < f->count; i++) {
		s.entry = &f->entry[i];
		send_entry(&s, home, homefd);
	}
	if (s.left_out > WARNINGS)
		warn("file_sync: left out %u more", s.left_out - WARNINGS);
	tarwrite_end(&out);
}
