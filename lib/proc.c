/* proc.c - processes by pid and start time; see proc.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/pidfd.h>

#include "bng.h"
#include "proc.h"

/*
 * PF_EXITING of the kernel: it never runs again, though for a moment it still
 * has descriptors that nobody reads.
 */
enum { EXITING = 4 };

int
proc_start(pid_t pid, unsigned long long *ret_ticks)
{
	char path[64], buf[1024];
	unsigned long long ticks;
	const char *p;
	unsigned flags;
	char state;
	ssize_t n;
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read_full(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return (int)n;
	buf[n] = '\0';
	/* The name, in parentheses, may itself hold any character. */
	p = strrchr(buf, ')');
	if (!p || sscanf(p, ") %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u"
	    " %*u %*d %*d %*d %*d %*d %*d %llu", &state, &flags, &ticks) != 3)
		return -EINVAL;
	if (state == 'Z' || state == 'X' || flags & EXITING)
		return -ESRCH;
	*ret_ticks = ticks;
	return 0;
}

int
proc_save(int dirfd, const char *name, pid_t pid)
{
	unsigned long long ticks;
	int r = proc_start(pid, &ticks);

	if (r)
		return r;
	return file_mark_line(dirfd, name, "%ld %llu", (long)pid, ticks);
}

pid_t
proc_load(int dirfd, const char *name)
{
	char buf[64];
	unsigned long long want, ticks;
	long pid;
	ssize_t n = file_line(dirfd, name, buf, sizeof(buf));

	if (n < 0)
		return (pid_t)n;
	if (sscanf(buf, "%ld %llu", &pid, &want) != 2 || pid < 1)
		return -EINVAL;
	if (proc_start((pid_t)pid, &ticks) || ticks != want)
		return 0;
	return (pid_t)pid;
}

int
proc_signal(int dirfd, const char *name, int sig)
{
	autoclose int fd = -1;
	pid_t pid = proc_load(dirfd, name);

	if (pid <= 0)
		return pid ? (int)pid : -ESRCH;
	fd = pidfd_open(pid, 0);
	if (fd < 0)
		return -errno;
	/* Asked again: now the descriptor stands for this very process. */
	if (proc_load(dirfd, name) != pid)
		return -ESRCH;
	return pidfd_send_signal(fd, sig, NULL, 0) ? -errno : 0;
}
