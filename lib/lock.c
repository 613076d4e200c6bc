/* lock.c - open-file-description locks; see lock.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>

#include "bng.h"
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

int
lock_open(int dirfd, const char *name, bool wait)
{
	int r;
	autoclose int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW, 0600);

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

int
lock_wait_free(int dirfd, const char *name, int timeout)
{
	struct sigaction old, sa = { .sa_handler = on_alarm };
	struct flock f = whole_file(F_RDLCK);
	int r = 0;
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC |
	    O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (timeout == 0)
		return fcntl(fd, F_OFD_SETLK, &f) ? -ETIMEDOUT : 0;
	if (timeout > 0) {
		sigaction(SIGALRM, &sa, &old);
		alarm((unsigned)timeout);
	}
	if (fcntl(fd, F_OFD_SETLKW, &f))
		r = errno == EINTR ? -ETIMEDOUT : -errno;
	if (timeout > 0) {
		alarm(0);
		sigaction(SIGALRM, &old, NULL);
	}
	return r;
}
