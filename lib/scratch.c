/* scratch.c - directories that are being made or deleted; see scratch.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <limits.h>
#include <signal.h>

#include "bng.h"
#include "name.h"
#include "proc.h"
#include "scratch.h"
#include "vm.h"

bool
scratch_parse(const char *entry, const char *kind, char name[SCRATCH_NAME],
    pid_t *ret_pid)
{
	const char *dot = strrchr(entry, '.');
	size_t len, prefix = strlen(".new.");
	char *end;
	long pid;

	if (strncmp(entry, ".new.", prefix) && strncmp(entry, ".del.", prefix))
		return false;
	if (kind && strncmp(entry + 1, kind, 3))
		return false;
	if (dot <= entry + prefix || dot[1] < '1' || dot[1] > '9')
		return false;
	errno = 0;
	pid = strtol(dot + 1, &end, 10);
	len = (size_t)(dot - entry) - prefix;
	if (*end || errno || pid > INT_MAX || len >= SCRATCH_NAME)
		return false;
	memcpy(name, entry + prefix, len);
	name[len] = '\0';
	if (!name_ok(name))
		return false;
	*ret_pid = (pid_t)pid;
	return true;
}

bool
scratch_alive(int parentfd, const char *entry)
{
	char name[SCRATCH_NAME];
	unsigned long long ticks;
	pid_t pid, maker;
	autoclose int fd = -1;

	if (!scratch_parse(entry, NULL, name, &pid))
		return true;	/* not ours to judge */
	fd = openat(parentfd, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	maker = proc_load(fd, "maker");
	if (maker >= 0)
		return maker > 0;
	return !proc_start(pid, &ticks);
}

int
scratch_remove(int parentfd, const char *entry, const char *name)
{
	autofree char *gone = xasprintf(".del.%s.%ld", name, (long)getpid());
	int r;

	if (!strncmp(entry, ".del.", strlen(".del.")))
		return file_rm_tree(parentfd, entry);
	r = file_rm_tree(parentfd, gone);
	if (r)
		return r;
	if (renameat(parentfd, entry, parentfd, gone))
		return errno == ENOENT ? 0 : -errno;
	return file_rm_tree(parentfd, gone);
}

char *
xscratch_new(int parentfd, const char *parent, const char *name, pid_t maker,
    int *ret_undo)
{
	autofree char *entry = xasprintf(".new.%s.%ld", name, (long)getpid());
	char *path = xasprintf("%s/%s", parent, entry);
	unsigned long long ticks;
	autoclose int fd = -1;
	int r;

	/* Whoever had our pid before us is dead, and so is its work. */
	r = file_rm_tree(parentfd, entry);
	if (!r && mkdirat(parentfd, entry, 0700))
		r = -errno;
	if (r) {
		errno = -r;
		die_sys("cannot make '%s'", path);
	}
	*ret_undo = undo_rm_tree(path);
	fd = xopen(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	r = proc_start(maker, &ticks);
	if (!r)
		r = vm_put_new(fd, "maker", "%ld %llu", (long)maker, ticks);
	if (r) {
		errno = -r;
		die_sys("cannot write down process %ld as the maker of '%s'",
		    (long)maker, path);
	}
	return path;
}

int
scratch_sync(int dirfd)
{
	struct dirent *e;
	int fds[64], n = 0, r = 0;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return -errno;
	while (n < (int)ARRAY_SIZE(fds) && (e = readdir(d))) {
		if (e->d_type != DT_REG)
			continue;
		fds[n] = openat(dirfd, e->d_name, O_RDONLY | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK);
		if (fds[n] < 0)
			return -errno;
		sync_file_range(fds[n++], 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	while (n-- > 0) {
		if (fsync(fds[n]))
			r = -errno;
		close(fds[n]);
	}
	return fsync(dirfd) ? -errno : r;
}

static int
rename_new(int parent, const char *from, const char *to)
{
	if (!renameat2(parent, from, parent, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* On such a file system: it replaces none but empty directories. */
	return renameat(parent, from, parent, to) ? -errno : 0;
}

int
scratch_commit(int parentfd, const char *entry, const char *name, bool whole)
{
	autofree char *maker = xasprintf("%s/maker", name);
	int r = rename_new(parentfd, entry, name);

	if (r)
		return r;
	if (whole && unlinkat(parentfd, maker, 0) && errno != ENOENT) {
		/* gc would take it away when its maker has ended. */
		r = -errno;
		(void)rename_new(parentfd, name, entry);
		return r;
	}
	return fsync(parentfd) ? -errno : 0;
}
