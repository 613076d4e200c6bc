/* conn.c - a client and a port of the machine; see forward.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "ask.h"
#include "bng.h"
#include "dirs.h"
#include "flood.h"
#include "forward.h"

enum {
	CONNS = 200,		/* of the 256 that an agent takes */
	PIECE = 65536,
};

/* One side of a connection, and what waits to be written to it. */
struct side {
	struct watch w;
	int fd;
	uint32_t wanted;	/* events; 0: not watched */
	uint8_t buf[PIECE + FRAME_HEAD];
	size_t from, len;
	bool eof;		/* it writes no more */
};

struct conn {
	struct conn *next;
	struct side tcp, agent;
	uint16_t guest;
	bool greeted;		/* the line OK has come */
	bool waits;		/* its agent has not answered yet */
	bool shut;		/* the machine's end was passed on */
	struct frame_in frame;
	char control[512];	/* of the frame that is being read */
	size_t control_len;
};

static struct conn *conns;
static unsigned int n_conns;
static const char *machine;

/* Nothing is watched that we cannot act on, lest its hang-up wake us. */
static void
want(struct side *s, uint32_t events)
{
	if (s->wanted == events)
		return;
	if (!events) {
		loop_take(&s->w);
	} else if (!s->wanted) {
		s->w.fd = s->fd;
		if (loop_add(&s->w, events))
			die("cannot watch a connection");
	} else {
		loop_mod(&s->w, events);
	}
	s->wanted = events;
}

static void
waits_no_more(struct conn *c, bool answered)
{
	if (c->waits)
		silence_end(answered);
	c->waits = false;
}

static void
conn_end(struct conn *c)
{
	struct conn **at = &conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	waits_no_more(c, false);
	want(&c->tcp, 0);
	want(&c->agent, 0);
	close(c->tcp.fd);
	close(c->agent.fd);
	free(c);
	if (n_conns-- == CONNS)
		listeners_want(true);
}

/* As if nobody had listened here either. */
static void
conn_reset(struct conn *c)
{
	struct linger hard = { .l_onoff = 1 };

	setsockopt(c->tcp.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	conn_end(c);
}

/* What to wait for now; when it is over, c is gone. */
static void
settle(struct conn *c)
{
	if (c->agent.eof && !c->tcp.len) {
		conn_end(c);
		return;
	}
	if (c->shut && !c->tcp.len)
		shutdown(c->tcp.fd, SHUT_WR);
	want(&c->tcp, (c->tcp.len ? EPOLLOUT : 0) |
	    (c->tcp.eof || c->agent.len ? 0 : EPOLLIN));
	want(&c->agent, (c->agent.len ? EPOLLOUT : 0) |
	    (c->agent.eof || c->tcp.len ? 0 : EPOLLIN));
}

/* Write what waits. False: the other side is gone. */
static bool
drain(struct side *s)
{
	while (s->len) {
		ssize_t n = send(s->fd, s->buf + s->from, s->len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		s->from += (size_t)n;
		s->len -= (size_t)n;
	}
	s->from = 0;
	return true;
}

/*
 * To the agent. Where it reads no more, it has ended the connection, and how
 * it did so is still to be read.
 */
static void
drain_agent(struct conn *c)
{
	if (drain(&c->agent))
		return;
	c->agent.len = 0;
	c->tcp.eof = true;
}

/* From the client: a frame, empty at its end. False: the client is gone. */
static bool
from_tcp(struct conn *c)
{
	struct side *to = &c->agent;
	ssize_t n = recv(c->tcp.fd, to->buf + FRAME_HEAD, PIECE,
	    MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->tcp.eof = n == 0;
	frame_put_head(to->buf, CH_STDIN, (uint32_t)n);
	to->from = 0;
	to->len = FRAME_HEAD + (size_t)n;
	drain_agent(c);
	return true;
}

static void
refused(const struct conn *c, const char *why)
{
	static struct flood often;

	if (!flood(&often, 3, 10))
		warn("port %d of machine '%s': %s", c->guest, machine, why);
}

/* False: it ends with an error. */
static bool
take_control(struct conn *c)
{
	cJSON *o = cJSON_ParseWithLength(c->control, c->control_len);
	const cJSON *error = cJSON_GetObjectItem(o, "error");
	bool ok = o && !error;

	waits_no_more(c, true);
	if (cJSON_IsString(error))
		refused(c, error->valuestring);
	if (cJSON_GetObjectItem(o, "exit"))
		c->agent.eof = true;
	cJSON_Delete(o);
	c->control_len = 0;
	return ok;
}

static bool
take_payload(struct conn *c, const uint8_t *p, size_t n)
{
	switch (c->frame.channel) {
	case CH_STDOUT:
		memcpy(c->tcp.buf + c->tcp.len, p, n);
		c->tcp.len += n;
		c->shut |= !c->frame.left;
		return true;
	case CH_CONTROL:
		if (n > sizeof(c->control) - c->control_len)
			return false;
		memcpy(c->control + c->control_len, p, n);
		c->control_len += n;
		return n < c->frame.left || take_control(c);
	default:
		return c->frame.channel == CH_STDERR;
	}
}

static bool
take(struct conn *c, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t h = frame_begun(&c->frame) ? 0 :
		    frame_head(&c->frame, p, n);
		size_t part;

		if (h < 0)
			return false;
		p += h;
		n -= (size_t)h;
		if (!frame_begun(&c->frame))
			return true;
		part = n < c->frame.left ? n : c->frame.left;
		if (!part && c->frame.left)
			return true;
		if (!take_payload(c, p, part))
			return false;
		frame_took(&c->frame, part);
		p += part;
		n -= part;
	}
	return true;
}

/* From the agent, when nothing waits for the client: it all fits. */
static bool
from_agent(struct conn *c)
{
	static uint8_t buf[PIECE];
	const uint8_t *p = buf;
	ssize_t n = recv(c->agent.fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		return false;	/* lost, for its last word did not come */
	while (n && !c->greeted) {
		c->greeted = *p++ == '\n';
		n--;
	}
	return take(c, p, (size_t)n) && drain(&c->tcp);
}

static void
on_tcp(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, tcp.w);

	if (((events & EPOLLOUT) && !drain(&c->tcp)) ||
	    ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !c->tcp.eof &&
	    !c->agent.len && !from_tcp(c)))
		conn_end(c);
	else
		settle(c);
}

static void
on_agent(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, agent.w);

	if (events & EPOLLOUT)
		drain_agent(c);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !c->tcp.len &&
	    !from_agent(c))
		conn_reset(c);
	else
		settle(c);
}

/* A connection to its agent that asks for this port. */
static bool
dial(struct conn *c)
{
	char request[80];
	uint8_t *p = mempcpy(c->agent.buf, "CONNECT 1\n", 10);
	int n = snprintf(request, sizeof(request),
	    "{\"v\":1,\"op\":\"dial\",\"port\":%d}", c->guest);

	c->agent.fd = sock_connect_at(ask_dir, "agent.sock");
	if (c->agent.fd < 0)
		return false;
	frame_put_head(p, CH_CONTROL, (uint32_t)n);
	memcpy(p + FRAME_HEAD, request, (size_t)n);
	c->agent.len = 10 + FRAME_HEAD + (size_t)n;
	c->waits = true;
	silence_begin();
	drain_agent(c);
	return true;
}

void
conns_init(const char *vm)
{
	machine = vm;
}

void
conn_new(int fd, uint16_t guest)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->tcp.fd = fd;
	c->tcp.w.ready = on_tcp;
	c->agent.w.ready = on_agent;
	c->guest = guest;
	c->next = conns;
	conns = c;
	if (++n_conns == CONNS)
		listeners_want(false);
	if (dial(c))
		settle(c);
	else
		conn_reset(c);
}
