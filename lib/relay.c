/* relay.c - pass bytes between pairs of sockets; see relay.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/socket.h>

#include "bng.h"
#include "loop.h"
#include "relay.h"

enum { READS = 16 };		/* of one side, before others get their turn */

struct side {
	struct watch w;
	struct relay *relay;
	bool readable;		/* an edge was seen, and nothing said EAGAIN */
	bool eof, gone;		/* it writes no more; it does not read either */
	size_t from, len;	/* what is kept for it */
	uint8_t kept[RELAY_KEEP]; /* costs nothing until it is used */
};

struct relay {
	struct relays *all;
	struct relay *next;
	bool spoken, asked;	/* the server has; the client has */
	bool aged;		/* of before relays_age */
	struct side client, server;
};

static void
relay_free(struct relay *r)
{
	struct relay **at = &r->all->first;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	r->all->count--;
	loop_del(&r->client.w);
	loop_del(&r->server.w);
	free(r);
}

/* Write what this side takes. How much of it it did. */
static size_t
push(struct side *s, const uint8_t *p, size_t n)
{
	size_t done = 0;

	while (done < n && !s->gone) {
		ssize_t w = send(s->w.fd, p + done, n - done, MSG_NOSIGNAL);

		if (w >= 0) {
			done += (size_t)w;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			s->gone = true;
			/* Who hung up may have left something to read. */
			s->eof |= errno != EPIPE && errno != ECONNRESET;
		}
	}
	return done;
}

/* That there is room to write is news only where something is kept for it. */
static uint32_t
news(const struct side *s)
{
	return EPOLLIN | EPOLLRDHUP | EPOLLET | (s->len ? EPOLLOUT : 0);
}

static void
drain(struct side *s)
{
	size_t n = push(s, s->kept + s->from, s->len);

	s->from += n;
	s->len -= n;
	if (s->len)
		return;
	s->from = 0;
	loop_mod(&s->w, news(s));
}

static void
give(struct side *to, const uint8_t *p, size_t n)
{
	size_t done = push(to, p, n);

	if (done == n || to->gone)
		return;
	memcpy(to->kept, p + done, n - done);
	to->len = n - done;
	loop_mod(&to->w, news(to));
}

/* Pass on what there is to read, as long as the other side takes it. */
static void
move(struct side *from, struct side *to)
{
	static uint8_t buf[RELAY_KEEP];

	for (int i = 0; i < READS && from->readable && !to->len &&
	    !to->gone; i++) {
		ssize_t n = recv(from->w.fd, buf, sizeof(buf), 0);

		if (n > 0) {
			from->relay->spoken = true;
			from->relay->asked |= from == &from->relay->client;
			give(to, buf, (size_t)n);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			from->readable = false;
			from->eof = true;
			from->gone |= n < 0;
		} else if (errno == EAGAIN) {
			from->readable = false;
		}
	}
}

static bool
over(const struct relay *r)
{
	if (r->client.gone)
		return !r->client.readable || r->server.gone || r->server.len;
	return r->server.eof && !r->client.len;
}

static void
pump(struct relay *r)
{
	struct relays *all = r->all;
	bool asked;

	move(&r->server, &r->client);
	if (r->spoken)
		move(&r->client, &r->server);
	if (over(r)) {
		asked = r->asked;
		relay_free(r);
		all->over(all->ctx, asked);
		return;
	}
	/* Its turn is over before all was read: come back for the rest. */
	if (r->server.readable && !r->client.len)
		loop_mod(&r->server.w, news(&r->server));
	if (r->client.readable && !r->server.len && r->spoken)
		loop_mod(&r->client.w, news(&r->client));
}

static void
on_side(struct watch *w, uint32_t events)
{
	struct side *s = container_of(w, struct side, w);

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->readable = true;
	if (events & (EPOLLHUP | EPOLLERR))
		s->gone = true;
	if ((events & EPOLLOUT) && s->len)
		drain(s);
	pump(s->relay);
}

static int
side_add(struct side *s, struct relay *r, int fd)
{
	s->relay = r;
	s->w.fd = fd;
	s->w.ready = on_side;
	return loop_add(&s->w, news(s));
}

int
relay_start(struct relays *all, int client, int server)
{
	struct relay *r = calloc(1, sizeof(*r));
	int err;

	if (!r) {
		close(client);
		close(server);
		return -ENOMEM;
	}
	r->all = all;
	r->next = all->first;
	all->first = r;
	all->count++;
	r->server.w.fd = server;
	err = side_add(&r->client, r, client);
	if (!err)
		err = side_add(&r->server, r, server);
	if (err)
		relay_free(r);
	return err;
}

void
relays_age(struct relays *all)
{
	for (struct relay *r = all->first; r; r = r->next)
		r->aged = true;
}

void
relays_drop_aged(struct relays *all)
{
	for (struct relay *next, *r = all->first; r; r = next) {
		next = r->next;
		if (r->aged)
			relay_free(r);
	}
}

void
relays_drop(struct relays *all)
{
	relays_age(all);
	relays_drop_aged(all);
}
