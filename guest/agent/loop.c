/* loop.c - the descriptors that the agent waits for; see loop.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop.h"

enum {
	TURN_MS = 50,
	MUCH = 64 * 1024,	/* bytes in a turn */
};

static int loop_fd = -1;
static struct end turn = { .fd = -1 };	/* a timer, while we are patient */
static size_t moved;			/* in this turn */

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
	loop_fd = turn.fd = -1;
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

/* What fails here costs time only. musl's own function does nothing. */
static void
set_policy(int policy)
{
	const int priority = 0;		/* all of a struct sched_param */

	(void)syscall(SYS_sched_setscheduler, 0, policy, &priority);
}

void
loop_yield(void)
{
	set_policy(SCHED_BATCH);
}

void
loop_hurry(void)
{
	if (turn.fd < 0)
		return;
	end_close(&turn);
	set_policy(SCHED_OTHER);
}

void
loop_moved(size_t n)
{
	const struct itimerspec ms = { .it_value.tv_nsec = TURN_MS * 1000000,
		.it_interval.tv_nsec = TURN_MS * 1000000 };
	int fd;

	moved += n;
	if (moved < MUCH || turn.fd >= 0)
		return;
	moved = 0;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (fd < 0 || timerfd_settime(fd, 0, &ms, NULL) ||
	    !end_open(&turn, fd, EPOLLIN)) {
		close(fd);
		return;
	}
	loop_yield();
}

/* Did much come in this turn? Else let it be the last. */
static void
next_turn(void)
{
	uint64_t n;

	if (!turn.ready)
		return;
	turn.ready = 0;
	if (read(turn.fd, &n, sizeof(n)) != sizeof(n) || moved < MUCH)
		loop_hurry();
	moved = 0;
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
	next_turn();
	return true;
}
