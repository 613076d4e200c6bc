/* mount.c - mounting, and the directories it needs; see mount.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clean.h"
#include "mount.h"
#include "power.h"

enum { WAIT_MS = 10000 };

bool
make_dirs(const char *path, mode_t mode)
{
	char part[4096];
	size_t len = strlen(path);

	if (len >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return false;
	}
	for (size_t i = 1; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, i < len ? 0755 : mode) && errno != EEXIST)
			return false;
	}
	return true;
}

bool
mount_on(const char *what, const char *dir, const char *type,
    unsigned long flags, const char *data)
{
	int why;

	if (make_dirs(dir, 0755) && !mount(what, dir, type, flags, data))
		return true;
	why = errno;
	console("cannot mount '%s' on '%s': %s", what, dir, strerror(why));
	errno = why;
	return false;
}

bool
mount_kernel(void)
{
	static const struct {
		const char *dir, *type, *data;
		unsigned long flags;
	} tab[] = {
		{ "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "/dev", "devtmpfs", "mode=755", MS_NOSUID },
		{ "/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=666",
		    MS_NOSUID | MS_NOEXEC },
		{ "/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV },
		{ "/run", "tmpfs", "mode=755", MS_NOSUID | MS_NODEV },
		{ "/sys/fs/cgroup", "cgroup2", "nsdelegate",
		    MS_NOSUID | MS_NODEV | MS_NOEXEC },
	};
	static const char *const links[][2] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tab); i++)
		if (!mount_on(tab[i].type, tab[i].dir, tab[i].type,
		    tab[i].flags, tab[i].data))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i][0], links[i][1]) && errno != EEXIST)
			return false;
	return true;
}

static int
listen_to_kernel(void)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
	    NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&nl, sizeof(nl))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool
wait_found(bool (*found)(const void *arg), const void *arg)
{
	long end = now_ms() + WAIT_MS, left;
	char event[4096];
	int fd;

	if (found(arg))
		return true;
	/* Listen first, then look again: nothing falls in between. */
	fd = listen_to_kernel();
	while (!found(arg)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		left = end - now_ms();
		if (left <= 0 || poll(&p, 1, (int)left) <= 0 ||
		    recv(fd, event, sizeof(event), 0) < 0)
			break;
	}
	if (fd >= 0)
		close(fd);
	return found(arg);
}

static bool
exists(const void *path)
{
	return !access(path, F_OK);
}

bool
wait_path(const char *path)
{
	return wait_found(exists, path);
}
