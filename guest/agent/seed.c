/* seed.c - copy a small tree; see seed.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "ops.h"
#include "seed.h"

static bool copy_dir(int from, int to);

/* What is there already stays. */
static bool
there(int to, const char *name)
{
	struct stat st;

	return !fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW);
}

static bool
copy_file(int from, int to, const char *name, const struct stat *st)
{
	autoclose int in = openat(from, name, O_RDONLY | O_NOFOLLOW |
	    O_CLOEXEC);
	autoclose int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600);
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	ssize_t n = 1;

	if (in < 0 || out < 0)
		return false;
	while (n > 0)
		n = sendfile(out, in, NULL, 1 << 20);
	return !n && !fchown(out, st->st_uid, st->st_gid) &&
	    !fchmod(out, st->st_mode & 07777) && !futimens(out, times);
}

static bool
copy_link(int from, int to, const char *name, const struct stat *st)
{
	char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return !symlinkat(target, to, name) &&
	    !fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
}

static bool
copy_sub(int from, int to, const char *name, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	bool is = there(to, name);
	autoclose int out = -1;

	if (in >= 0 && (is || !mkdirat(to, name, 0700)))
		out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
	if (out < 0) {
		clean_close(&in);
		return is && (errno == ENOTDIR || errno == ELOOP);
	}
	if (is)
		return copy_dir(in, out);
	return copy_dir(in, out) && !fchown(out, st->st_uid, st->st_gid) &&
	    !fchmod(out, st->st_mode & 07777) && !futimens(out, times);
}

/* Copy what is in one directory into another; closes from. */
static bool
copy_dir(int from, int to)
{
	autoclosedir DIR *d = fdopendir(from);
	struct dirent *e;
	struct stat st;
	bool ok = d;

	while (ok && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			return false;
		if (S_ISDIR(st.st_mode))
			ok = copy_sub(from, to, e->d_name, &st);
		else if (there(to, e->d_name))
			continue;
		else if (S_ISREG(st.st_mode))
			ok = copy_file(from, to, e->d_name, &st);
		else if (S_ISLNK(st.st_mode))
			ok = copy_link(from, to, e->d_name, &st);
	}
	return ok;
}

bool
seed_dir(const char *first, const char *from, const char *to)
{
	char part[4096];
	int before = open(first, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	int in = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int out = -1;

	snprintf(part, sizeof(part), "%s.part", to);
	file_rm_tree(AT_FDCWD, part);
	if (!mkdir(part, 0700))
		out = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out < 0 || (before >= 0 && !copy_dir(before, out)) ||
	    (in >= 0 && !copy_dir(in, out)) || rename(part, to)) {
		complain("cannot fill '%s': %s", to, strerror(errno));
		return false;
	}
	if (before >= 0)
		file_rm_tree(AT_FDCWD, first);
	return true;
}
