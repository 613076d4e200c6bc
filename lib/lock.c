/* lock.c - open-file-description locks; see lock.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <sys/time.h>

#include "bng.h"
#include "clock.h"
#include "lock.h"

static struct flock
whole_file(short type)
{
	struct flock f = { .l_type = type, .l_whence = SEEK_SET };

	return f;
}

static int
set_lock(int fd, short type, bool wait)
{
	struct flock f = whole_file(type);

	while (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &f)) {
		if (errno == EINTR)
			continue;
		return errno == EACCES ? -EAGAIN : -errno;
	}
	return 0;
}

int
lock_fd(int fd, bool wait)
{
	return set_lock(fd, F_WRLCK, wait);
}

int
lock_fd_shared(int fd, bool wait)
{
	return set_lock(fd, F_RDLCK, wait);
}

void
lock_drop(int fd)
{
	set_lock(fd, F_UNLCK, false);
}

static int
open_file(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
}

int
lock_open(int dirfd, const char *name, bool wait)
{
	int r;
	autoclose int fd = open_file(dirfd, name);

	if (fd < 0)
		return -errno;
	r = lock_fd(fd, wait);
	return r ? r : steal_fd(&fd);
}

int
lock_held(int dirfd, const char *name)
{
	/* Asked as a reader: those who wait for the end do not count. */
	struct flock f = whole_file(F_RDLCK);
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fcntl(fd, F_OFD_GETLK, &f))
		return -errno;
	return f.l_type != F_UNLCK;
}

int
lock_take(int dirfd, const char *name)
{
	int fd = lock_open(dirfd, name, false);

	if (fd != -EAGAIN || lock_held(dirfd, name))
		return fd;
	return lock_open(dirfd, name, true);
}

static void
on_alarm(int sig)
{
	(void)sig; /* it interrupts the wait, that is all */
}

/*
 * The alarm comes again and again: the first may come before there is a wait
 * that it could interrupt.
 */
static int
wait_lock(int fd, short type, int ms)
{
	enum { AGAIN_US = 20000 };
	struct itimerval off = { 0 }, due = {
		.it_value = { ms / 1000, ms % 1000 * 1000 },
		.it_interval = { 0, AGAIN_US } };
	struct sigaction old, sa = { .sa_handler = on_alarm };
	struct flock f = whole_file(type);
	int64_t end = clock_ms(CLOCK_MONOTONIC) + ms;
	int r;

	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &due, NULL);
	do
		r = fcntl(fd, F_OFD_SETLKW, &f) ? -errno : 0;
	while (r == -EINTR && clock_ms(CLOCK_MONOTONIC) < end);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
	return r == -EINTR ? -ETIMEDOUT : r;
}

int
lock_open_within(int dirfd, const char *name, int ms)
{
	int r;
	autoclose int fd = open_file(dirfd, name);

	if (fd < 0)
		return -errno;
	r = wait_lock(fd, F_WRLCK, ms);
	return r ? r : steal_fd(&fd);
}

int
lock_wait_free(int dirfd, const char *name, int ms)
{
	int r;
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC |
	    O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (ms > 0)
		return wait_lock(fd, F_RDLCK, ms);
	r = set_lock(fd, F_RDLCK, ms < 0);
	return r == -EAGAIN ? -ETIMEDOUT : r;
}
