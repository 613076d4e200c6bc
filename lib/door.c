/* door.c - agent.sock; see door.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <sys/socket.h>

#include "bng.h"
#include "dirs.h"
#include "door.h"

enum {
	LINE = sizeof("CONNECT 4294967295\n"),
	AGAIN_MS = 100,		/* until a host without descriptors is tried */
};

struct caller {
	struct watch w;
	struct door *door;
	struct caller *next;
	bool asked;		/* port is known, it waits for readiness */
	uint32_t port;
};

/* Take it off the list. Returns its socket. */
static int
release(struct caller *c)
{
	struct door *d = c->door;
	struct caller **p = &d->callers;
	int fd = loop_take(&c->w);

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	d->waiting--;
	free(c);
	return fd;
}

static void
hang_up(struct caller *c)
{
	struct door *d = c->door;

	close(release(c));
	door_room(d);
}

static void
let_in(struct caller *c)
{
	struct door *d = c->door;
	uint32_t port = c->port;

	d->carry(d->ctx, release(c), port);
	door_room(d);
}

/* Its port is known: where does it go? */
static void
settle(struct caller *c)
{
	struct door *d = c->door;
	bool waits = c->port == DOOR_READY_PORT;

	if (d->still) /* only the end of it is news now */
		loop_mod(&c->w, 0);
	else if (waits ? d->state == DOOR_READY : d->agent)
		let_in(c);
	else if (!waits || d->state == DOOR_SHUT)
		hang_up(c);
	else
		loop_mod(&c->w, 0);
}

/*
 * Look for the line without taking a byte that comes after it. The length of
 * the line, 0 when it is not complete, or -1.
 */
static ssize_t
peek_line(int fd, char line[LINE + 1])
{
	ssize_t n;
	char *nl;

	do
		n = recv(fd, line, LINE, MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);	/* there is but one edge */
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	line[n] = '\0';
	nl = memchr(line, '\n', (size_t)n);
	if (nl)
		return nl + 1 - line;
	return n < LINE ? 0 : -1;
}

static bool
parse(const char *line, uint32_t *ret_port)
{
	char *end;
	unsigned long v;
	const char *digits = line + strlen("CONNECT ");

	if (strncmp(line, "CONNECT ", strlen("CONNECT ")) ||
	    *digits < '0' || *digits > '9')
		return false;
	v = strtoul(digits, &end, 10);
	if (*end != '\n' || v > UINT32_MAX)
		return false;
	*ret_port = (uint32_t)v;
	return true;
}

static void
on_caller(struct watch *w, uint32_t events)
{
	struct caller *c = container_of(w, struct caller, w);
	char line[LINE + 1];
	ssize_t n;

	if (c->asked) {
		if (events & (EPOLLHUP | EPOLLERR))
			hang_up(c);
		return;
	}
	n = peek_line(w->fd, line);
	if (n == 0)
		return;
	if (n < 0 || recv(w->fd, line, (size_t)n, 0) != n) {
		hang_up(c);
		return;
	}
	if (!strncmp(line, "PAUSE\n", (size_t)n)) {
		struct door *d = c->door;

		d->hold(d->ctx, release(c));
		door_room(d);
		return;
	}
	if (!parse(line, &c->port)) {
		hang_up(c);
		return;
	}
	c->asked = true;
	settle(c);
}

static bool
full(const struct door *d)
{
	return d->waiting + d->carried(d->ctx) >= DOOR_CLIENTS;
}

/* Nobody can be let in now. */
static void
turn_away(struct door *d)
{
	if (full(d)) {
		/* Until somebody leaves: see door_room. */
		loop_mod(&d->w, 0);
		d->paused = true;
	} else {
		/*
		 * The host has run out, not we: nobody will tell when that is
		 * over, and those who are in may wait for who is not.
		 */
		poll(NULL, 0, AGAIN_MS);
	}
}

static void
on_listen(struct watch *w, uint32_t events)
{
	struct door *d = container_of(w, struct door, w);
	struct caller *c;
	int fd = full(d) ? -1 :
	    accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0 && !full(d) && (errno == EAGAIN || errno == EINTR ||
	    errno == ECONNABORTED))
		return;
	c = fd < 0 ? NULL : calloc(1, sizeof(*c));
	if (!c) {
		if (fd >= 0)
			close(fd);
		turn_away(d);
		return;
	}
	c->w.fd = fd;
	c->w.ready = on_caller;
	c->door = d;
	c->next = d->callers;
	d->callers = c;
	d->waiting++;
	/* Edges, lest half a line keep us awake: a new byte is an edge. */
	if (loop_add(&c->w, EPOLLIN | EPOLLRDHUP | EPOLLET))
		hang_up(c);
}

int
door_open(struct door *d, int dirfd, const char *name)
{
	int r;

	d->w.ready = on_listen;
	d->w.fd = sock_listen_at(dirfd, name, 128);
	if (d->w.fd < 0)
		return d->w.fd;
	r = fcntl(d->w.fd, F_SETFL, O_NONBLOCK) ? -errno :
	    loop_add(&d->w, EPOLLIN);
	return r;
}

void
door_room(struct door *d)
{
	if (d->paused)
		loop_mod(&d->w, EPOLLIN);
	d->paused = false;
}

static void
settle_all(struct door *d)
{
	struct caller *c, *next;

	for (c = d->callers; c; c = next) {
		next = c->next;
		if (c->asked)
			settle(c);
	}
}

void
door_set(struct door *d, enum door_state state)
{
	d->state = state;
	settle_all(d);
}

void
door_still(struct door *d, bool still)
{
	d->still = still;
	settle_all(d);
}

void
door_close(struct door *d)
{
	while (d->callers)
		close(release(d->callers));
	loop_del(&d->w);
}
