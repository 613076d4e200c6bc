/* hold.c - keep a machine still; see hold.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <sys/socket.h>

#include "bng.h"
#include "clock.h"
#include "dirs.h"
#include "hold.h"

enum { HOLD_MS = HOLD_SECONDS * 1000 };

static const char ask[] = "PAUSE\n", ok[] = "OK\n", no[] = "NO ";

/* --- the client's side ------------------------------------------------ */

/* A line, of which no byte is taken that comes after it. 0 or -errno. */
static int
hear_line(int fd, char *line, size_t size)
{
	int64_t end = clock_ms(CLOCK_MONOTONIC) + HOLD_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t have = 0;

	while (!have || line[have - 1] != '\n') {
		int64_t left = end - clock_ms(CLOCK_MONOTONIC);
		ssize_t n;

		if (left <= 0 || !poll(&p, 1, (int)left))
			return -ETIMEDOUT;
		n = have < size - 1 ? read(fd, line + have, 1) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ECANCELED;
		have++;
	}
	line[have - 1] = '\0';
	return 0;
}

static int
hear_ok(int fd, char why[HOLD_WHY])
{
	char line[HOLD_WHY];
	int r = hear_line(fd, line, sizeof(line));

	if (r || !strcmp(line, "OK"))
		return r;
	if (strncmp(line, no, strlen(no)))
		return -EPROTO;
	snprintf(why, HOLD_WHY, "%s", line + strlen(no));
	msg_clean(why);
	return -EREMOTEIO;
}

int
hold_take(int vmdir, char why[HOLD_WHY])
{
	autoclose int fd = sock_connect_within(vmdir, "agent.sock", HOLD_MS);
	int r = fd < 0 ? fd : write_all(fd, ask, strlen(ask));

	if (!r)
		r = hear_ok(fd, why);
	return r ? r : steal_fd(&fd);
}

int
hold_release(int fd, char why[HOLD_WHY])
{
	int r = shutdown(fd, SHUT_WR) ? -ECANCELED : hear_ok(fd, why);

	close(fd);
	return r;
}

/* --- the supervisor's ------------------------------------------------- */

/* Who does not hear it is gone, and will be noticed. */
static void
say(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
say_no(int fd, const char *why)
{
	char line[HOLD_WHY];

	snprintf(line, sizeof(line) - 1, "%s%s", no, why);
	msg_clean(line);
	line[strlen(line) + 1] = '\0';
	line[strlen(line)] = '\n';
	say(fd, line);
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
	say(h->w.fd, ok);
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

/* Why another cannot have it. */
static const char *
taken(const struct hold *h)
{
	return h->state == HOLD_PAUSING && h->gone ?
	    "what was asked of it before is not answered yet" :
	    "somebody else keeps it still";
}

void
hold_begin(struct hold *h, int fd)
{
	const char *why = h->state != HOLD_NONE ? taken(h) : h->pause(h->ctx);

	if (why) {
		say_no(fd, why);
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
	say(h->w.fd, ok);
	if (h->gone)
		release(h);
}

void
hold_over(struct hold *h, const char *refusal)
{
	if (h->state == HOLD_NONE)
		return;
	if (refusal)
		say_no(h->w.fd, refusal);
	else if (h->state == HOLD_ENDING)
		say(h->w.fd, ok);
	end(h);
}
