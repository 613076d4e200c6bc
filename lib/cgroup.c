/* cgroup.c - a machine's control group; see cgroup.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
#include <limits.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>

#include "bng.h"
#include "cgroup.h"

enum { EMPTY_MS = 5000, TRIES = 8 };

static const char *const controllers[] = { "+memory", "+pids", "+cpu" };

/* The directory of the hierarchy, a descriptor. */
static int
hierarchy(void)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	int fd = -EOPNOTSUPP;

	while (f && fd < 0 && (m = getmntent(f)))
		if (!strcmp(m->mnt_type, "cgroup2"))
			fd = open(m->mnt_dir,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f)
		endmntent(f);
	return fd;
}

printf_fn(3, 4) static int
put(int dir, const char *file, const char *fmt, ...)
{
	char text[64];
	va_list ap;
	autoclose int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return write_all(fd, text, strlen(text));
}

/* Its groups may have limits: all of them, or it is as if there were none. */
static int
enable(int dir)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(controllers) && !r; i++)
		r = put(dir, "cgroup.subtree_control", "%s", controllers[i]);
	return r;
}

static int
subdir(int dir, const char *name)
{
	int fd;

	if (mkdirat(dir, name, 0755) && errno != EEXIST)
		return -errno;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * Somebody else's end may take the group `banger` away just now: what is in it
 * is not there then, or is no device any more.
 */
static int
make(int top, const char *id)
{
	int fd = -ENOENT;

	for (int i = 0; i < TRIES && (fd == -ENOENT || fd == -ENODEV); i++) {
		autoclose int all = subdir(top, "banger");

		fd = all < 0 ? all : enable(all);
		if (!fd)
			fd = subdir(all, id);
	}
	return fd;
}

int
cgroup_make(const char *id, const struct cgroup_limits *l)
{
	autoclose int top = hierarchy();
	int fd, r;

	if (top < 0)
		return top;
	if (enable(top))
		return -EOPNOTSUPP;
	fd = make(top, id);
	if (fd < 0)
		return fd;
	r = put(fd, "memory.max", "%lld", (long long)l->memory);
	if (!r)
		r = put(fd, "pids.max", "%d", l->tasks);
	if (!r)
		r = put(fd, "cpu.max", "%d 100000", l->cpus * 100000);
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

int
cgroup_enter(int fd)
{
	return put(fd, "cgroup.procs", "0");
}

/* Kernels before 5.14 have no cgroup.kill. */
static void
kill_each(int fd)
{
	autofree char *all = NULL;
	char *end;

	if (file_slurp(fd, "cgroup.procs", 1 << 16, &all, NULL))
		return;
	for (char *p = all; *p; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p)
			break;
		if (pid > 1)
			kill((pid_t)pid, SIGKILL);
	}
}

/* Until nothing is in it: a file tells, and its change can be waited for. */
static void
wait_empty(int fd)
{
	autoclose int events = openat(fd, "cgroup.events",
	    O_RDONLY | O_CLOEXEC);
	struct pollfd p = { .fd = events, .events = POLLPRI };
	char text[128];
	ssize_t n;

	while (events >= 0) {
		n = pread(events, text, sizeof(text) - 1, 0);
		if (n <= 0)
			return;
		text[n] = '\0';
		if (strstr(text, "populated 0") || poll(&p, 1, EMPTY_MS) != 1)
			return;
	}
}

int
cgroup_remove(const char *id)
{
	autoclose int top = hierarchy(), all = -1, fd = -1;

	if (top < 0)
		return 0;
	all = openat(top, "banger", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = all < 0 ? -1 : openat(all, id, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		if (put(fd, "cgroup.kill", "1"))
			kill_each(fd);
		wait_empty(fd);
		if (unlinkat(all, id, AT_REMOVEDIR))
			return -errno;
	}
	/* The last one takes it along; it stays while there are others. */
	unlinkat(top, "banger", AT_REMOVEDIR);
	return 0;
}
