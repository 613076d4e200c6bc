/* loop.c - the descriptors that the agent waits for; see loop.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop.h"

static int loop_fd = -1;

static int
epoll_fd(void)
{
	if (loop_fd < 0)
		loop_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop_fd;
}

void
loop_reset(void)
{
	loop_fd = -1;
}

void
loop_patient(bool yes)
{
	static bool is;
	const int priority = 0;		/* all of a struct sched_param */

	if (yes == is)
		return;
	is = yes;
	/* musl's own function does nothing. What fails here costs time only. */
	(void)syscall(SYS_sched_setscheduler, 0, yes ? SCHED_BATCH :
	    SCHED_OTHER, &priority);
}

bool
end_open(struct end *e, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events | EPOLLET,
		.data.ptr = e };
	int flags = fcntl(fd, F_GETFL);

	e->ready = 0;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
	    epoll_ctl(epoll_fd(), EPOLL_CTL_ADD, fd, &ev))
		return false;
	e->fd = fd;
	return true;
}

void
end_close(struct end *e)
{
	if (e->fd < 0)
		return;
	/* A child may still hold a copy: close alone would not remove it. */
	epoll_ctl(epoll_fd(), EPOLL_CTL_DEL, e->fd, NULL);
	close(e->fd);
	e->fd = -1;
	e->ready = 0;
}

bool
loop_wait(bool busy)
{
	struct epoll_event ev[64];
	int n = epoll_wait(epoll_fd(), ev, 64, busy ? 0 : -1);

	if (n < 0)
		return errno == EINTR;
	for (int i = 0; i < n; i++)
		((struct end *)ev[i].data.ptr)->ready |= ev[i].events;
	return true;
}
