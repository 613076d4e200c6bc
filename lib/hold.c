/* hold.c - keep a machine still; see hold.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/socket.h>

#include "bng.h"
#include "dirs.h"
#include "hold.h"

static const char ask[] = "PAUSE\n", ok[] = "OK\n";

/* --- the client's side ------------------------------------------------ */

static int
hear_ok(int fd)
{
	char line[sizeof(ok)];
	ssize_t n = read_full(fd, line, strlen(ok));

	return n == (ssize_t)strlen(ok) && !memcmp(line, ok, strlen(ok)) ? 0 :
	    -ECANCELED;
}

int
hold_take(int vmdir)
{
	autoclose int fd = sock_connect_at(vmdir, "agent.sock");
	int r = fd < 0 ? fd : write_all(fd, ask, strlen(ask));

	if (r)
		return r;
	return hear_ok(fd) ? -EBUSY : steal_fd(&fd);
}

int
hold_release(int fd)
{
	int r = shutdown(fd, SHUT_WR) ? -ECANCELED : hear_ok(fd);

	close(fd);
	return r;
}

/* --- the supervisor's ------------------------------------------------- */

static void
say_ok(struct hold *h)
{
	/* Who does not hear it is gone, and will be noticed. */
	(void)!send(h->w.fd, ok, strlen(ok), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
end(struct hold *h)
{
	loop_del(&h->w);
	h->state = HOLD_NONE;
}

static void
release(struct hold *h)
{
	h->state = HOLD_ENDING;
	if (!h->still_before) {
		h->resume(h->ctx);
		return;
	}
	say_ok(h);
	end(h);
}

static void
on_client(struct watch *w, uint32_t events)
{
	struct hold *h = container_of(w, struct hold, w);

	if (!(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		return;
	if (h->state == HOLD_PAUSING)
		h->gone = true;
	else if (h->state == HOLD_HELD)
		release(h);
}

void
hold_begin(struct hold *h, int fd)
{
	if (h->state != HOLD_NONE || !h->pause(h->ctx)) {
		close(fd);
		return;
	}
	h->w.fd = fd;
	h->w.ready = on_client;
	h->state = HOLD_PAUSING;
	/* Unwatched, its end would go unnoticed: it counts as gone. */
	h->gone = loop_add(&h->w, EPOLLRDHUP | EPOLLET);
}

void
hold_paused(struct hold *h, bool before)
{
	if (h->state != HOLD_PAUSING)
		return;
	h->still_before = before;
	h->state = HOLD_HELD;
	say_ok(h);
	if (h->gone)
		release(h);
}

void
hold_over(struct hold *h, bool well)
{
	if (h->state == HOLD_ENDING && well)
		say_ok(h);
	if (h->state != HOLD_NONE)
		end(h);
}
