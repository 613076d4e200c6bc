/* loop.c - one epoll loop; see loop.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/timerfd.h>

#include "bng.h"
#include "loop.h"

static int ep = -1;
static struct epoll_event batch[32];
static int batched;	/* events of this turn, those passed on included */

int
loop_init(void)
{
	ep = epoll_create1(EPOLL_CLOEXEC);
	return ep < 0 ? -errno : 0;
}

int
loop_add(struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	return epoll_ctl(ep, EPOLL_CTL_ADD, w->fd, &ev) ? -errno : 0;
}

int
loop_timer(struct watch *w, int ms)
{
	struct itimerspec when = { .it_value = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L } };
	int r;

	w->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (w->fd < 0)
		return -errno;
	r = timerfd_settime(w->fd, 0, &when, NULL) ? -errno :
	    loop_add(w, EPOLLIN);
	if (r)
		close(steal_fd(&w->fd));
	return r;
}

void
loop_mod(struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	epoll_ctl(ep, EPOLL_CTL_MOD, w->fd, &ev);
}

int
loop_take(struct watch *w)
{
	if (w->fd < 0)
		return -1;
	epoll_ctl(ep, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = 0; i < batched; i++)
		if (batch[i].data.ptr == w)
			batch[i].data.ptr = NULL;
	return steal_fd(&w->fd);
}

void
loop_del(struct watch *w)
{
	int fd = loop_take(w);

	if (fd >= 0)
		close(fd);
}

int
loop_turn(void)
{
	int n = epoll_wait(ep, batch, ARRAY_SIZE(batch), -1);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	batched = n;
	for (int i = 0; i < n; i++) {
		struct watch *w = batch[i].data.ptr;

		if (w)
			w->ready(w, batch[i].events);
	}
	batched = 0;
	return 0;
}
