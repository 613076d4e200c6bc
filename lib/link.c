/* link.c - clients' sockets on one mux port; see link.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/random.h>
#include <sys/socket.h>

#include "backlog.h"
#include "bng.h"
#include "flood.h"
#include "link.h"

enum {
	OUT_SIZE = MUX_SYNC + MUX_FRAME,
	IN_SIZE = 65536,
	ASKS = 2,		/* that can be of any use */
	READS = 16,		/* of the port, before others get their turn */
	HELLOS = 8,		/* new agents within ... */
	HELLO_SECONDS = 60,	/* ... so long are a guest gone wrong */
};

struct stream {
	struct watch w;		/* the client; fd -1 once it is gone */
	struct link *link;
	uint16_t number;
	uint32_t to;
	struct mux_window win;
	bool opened;		/* OPEN has been sent */
	unsigned char asked;	/* how often for more credit, unanswered */
	bool readable, hung_up;	/* edges that were seen on the client */
	bool eof;		/* it writes no more, yet may read */
	bool close_sent, close_got;
	struct backlog backlog;	/* for the client */
};

enum link_state { SEEKING, SYNCING, UP, BROKEN };

struct link {
	struct watch w;
	const struct link_events *ev;
	void *ctx;
	enum link_state state;
	struct mux_in in;
	uint8_t nonce[MUX_NONCE];
	struct stream *streams[LINK_STREAMS];
	unsigned used, turn;
	size_t wide;		/* bytes of all windows beyond their first */
	bool written;		/* anything, ever */
	bool stuck;		/* the port took not all: waiting for it */
	struct flood hellos;
	size_t sent, queued;	/* out[sent..queued) is to be written */
	uint8_t out[OUT_SIZE];
};

static void
stream_free(struct stream *s)
{
	struct link *l = s->link;

	loop_del(&s->w);
	l->streams[s->number] = NULL;
	l->used--;
	l->wide -= s->win.recv_max - MUX_WINDOW;
	backlog_drop(&s->backlog);
	free(s);
	l->ev->room(l->ctx);
}

/* The client is gone: the agent is told by CLOSE, when there is room. */
static void
client_gone(struct stream *s)
{
	loop_del(&s->w);
	backlog_drop(&s->backlog);
}

/* Write to the client. What it did not take, or -errno when it is gone. */
static ssize_t
push(struct stream *s, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t w = send(s->w.fd, p, n, MSG_NOSIGNAL);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return errno == EAGAIN ? (ssize_t)n : -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Give the client what was kept for it, as far as it takes it. */
static void
drain(struct stream *s)
{
	size_t n;
	const uint8_t *p;

	while (p = backlog_first(&s->backlog, &n), n) {
		ssize_t left = push(s, p, n);

		if (left < 0) {
			client_gone(s);
			return;
		}
		backlog_took(&s->backlog, n - (size_t)left);
		if (left)
			return;
	}
	backlog_drop(&s->backlog);
}

static size_t
room(const struct link *l)
{
	return OUT_SIZE - l->queued;
}

/* One DATA frame from the client into the queue. */
static void
take(struct stream *s)
{
	struct link *l = s->link;
	uint8_t *frame = l->out + l->queued;
	size_t max = s->win.send < MUX_DATA ? s->win.send : MUX_DATA;
	ssize_t n = recv(s->w.fd, frame + MUX_HEAD, max, 0);

	if (n > 0) {
		s->win.send -= (uint32_t)n;
		l->queued += mux_put_head(frame, MUX_T_DATA, s->number,
		    (uint32_t)n);
		l->queued += (size_t)n;
		return;
	}
	if (n < 0 && errno == EINTR)
		return;
	s->readable = false;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0 || s->hung_up)
		client_gone(s);
	else
		s->eof = true;
}

/* The agent has asked for more credit: how much it gets, if any. */
static uint32_t
widen(struct stream *s)
{
	struct link *l = s->link;
	uint32_t more;

	if (l->wide + MUX_WIDEST > LINK_WIDE)
		return 0;
	more = mux_window_widen(&s->win);
	l->wide += more;
	return more;
}

/* Whatever this stream has to send now; the queue has room for a frame. */
static void
serve(struct stream *s)
{
	struct link *l = s->link;
	uint32_t due;

	if (s->close_got && !s->backlog.kept)
		client_gone(s);
	/* Nobody takes what it would send: do not wait for credit. */
	if (s->hung_up && !s->win.send)
		client_gone(s);
	if (!s->opened) {
		l->queued += mux_put_u32(l->out + l->queued, MUX_T_OPEN,
		    s->number, s->to);
		s->opened = true;
		return;
	}
	if (s->w.fd >= 0 && !s->close_got) {
		due = mux_window_due(&s->win, s->backlog.kept);
		for (; s->asked; s->asked--)
			due += widen(s);
		if (due)
			l->queued += mux_put_u32(l->out + l->queued,
			    MUX_T_CREDIT, s->number, due);
		else if (s->readable && !s->eof && s->win.send)
			take(s);
	}
	/* Also when there was nothing to take because the client has gone. */
	if (!s->close_sent && (s->close_got || s->w.fd < 0)) {
		l->queued += mux_put_head(l->out + l->queued, MUX_T_CLOSE,
		    s->number, 0);
		s->close_sent = true;
	}
	if (s->close_sent && s->close_got && s->w.fd < 0)
		stream_free(s);
}

/* Write the queue. False when some of it stays. */
static bool
flush(struct link *l)
{
	while (l->sent < l->queued) {
		ssize_t n = send(l->w.fd, l->out + l->sent,
		    l->queued - l->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;	/* the VMM's end is noticed elsewhere */
		l->written = true;
		l->sent += (size_t)n;
	}
	if (l->sent < l->queued)
		return false;
	l->sent = l->queued = 0;
	return true;
}

/* Each stream in turn, until a whole round had nothing to send. */
static void
pump(struct link *l)
{
	unsigned idle = 0;
	bool stuck;

	while (l->state == UP && idle < LINK_STREAMS) {
		struct stream *s = l->streams[l->turn];
		size_t before;

		if (room(l) < MUX_FRAME && !flush(l))
			break;
		before = l->queued;
		if (s)
			serve(s);
		idle = l->queued == before ? idle + 1 : 0;
		l->turn = (l->turn + 1) % LINK_STREAMS;
	}
	stuck = !flush(l);
	if (stuck != l->stuck)
		loop_mod(&l->w, EPOLLIN | (stuck ? EPOLLOUT : 0));
	l->stuck = stuck;
}

static void
on_client(struct watch *w, uint32_t events)
{
	struct stream *s = container_of(w, struct stream, w);
	struct link *l = s->link;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->readable = true;
	if (events & (EPOLLHUP | EPOLLERR)) {
		s->hung_up = true;
		s->eof = false;
	}
	if (events & EPOLLOUT)
		drain(s);
	pump(l);
}

static void
drop_streams(struct link *l)
{
	for (int i = 0; i < LINK_STREAMS; i++)
		if (l->streams[i])
			stream_free(l->streams[i]);
}

static void
give_up(struct link *l, const char *why)
{
	if (l->state == BROKEN)
		return;
	l->state = BROKEN;
	drop_streams(l);
	/* What the guest still says is not even read. */
	loop_del(&l->w);
	l->ev->broken(l->ctx, why);
}

/* A new agent: forget all there was, and ask it for a nonce of our own. */
static int
new_agent(struct link *l)
{
	if (flood(&l->hellos, HELLOS, HELLO_SECONDS))
		return -ECONNRESET;
	if (l->state == UP)
		l->ev->down(l->ctx);
	drop_streams(l);
	if (getrandom(l->nonce, sizeof(l->nonce), 0) != MUX_NONCE)
		return -EIO;
	l->state = SYNCING;
	memset(&l->in, 0, sizeof(l->in));
	l->sent = 0;
	/* Half a frame may be under way to it, unless it is the first. */
	l->queued = l->written ? mux_put_sync(l->out, l->nonce) :
	    mux_put_hello(l->out, l->nonce);
	return 0;
}

static int
on_hello(void *ctx, const uint8_t nonce[MUX_NONCE])
{
	static const uint8_t fresh[MUX_NONCE];
	struct link *l = ctx;

	if (!memcmp(nonce, fresh, MUX_NONCE))
		return new_agent(l);
	if (l->state == UP)
		return -EPROTO;
	/* An answer to an earlier question is let pass. */
	if (l->state == SYNCING && !memcmp(nonce, l->nonce, MUX_NONCE)) {
		l->state = UP;
		l->ev->up(l->ctx);
	}
	return 0;
}

static int
on_open(void *ctx, uint16_t stream, uint32_t to)
{
	const struct link *l = ctx;

	(void)stream;
	(void)to;
	/* Only the host opens. */
	return l->state == UP ? -EPROTO : 0;
}

/* The stream that the guest may speak of, or NULL. */
static struct stream *
known(struct link *l, uint16_t number)
{
	struct stream *s = number < LINK_STREAMS ? l->streams[number] : NULL;

	return s && s->opened && !s->close_got ? s : NULL;
}

static int
on_data(void *ctx, uint16_t number, const uint8_t *p, size_t n)
{
	struct link *l = ctx;
	struct stream *s = known(l, number);
	ssize_t left = (ssize_t)n;

	if (l->state != UP)
		return 0;
	if (!s || mux_window_got(&s->win, n))
		return -EPROTO;
	if (s->w.fd < 0)
		return 0;
	if (!s->backlog.kept)
		left = push(s, p, n);
	if (left < 0 || (left && !backlog_keep(&s->backlog,
	    p + n - (size_t)left, (size_t)left, s->win.recv_max)))
		client_gone(s);
	return 0;
}

static int
on_credit(void *ctx, uint16_t number, uint32_t n)
{
	struct link *l = ctx;
	struct stream *s = known(l, number);

	if (l->state != UP)
		return 0;
	if (s && !n && s->asked < ASKS)
		s->asked++;
	return s ? mux_window_grant(&s->win, n) : -EPROTO;
}

static int
on_close(void *ctx, uint16_t number)
{
	struct link *l = ctx;
	struct stream *s = known(l, number);

	if (l->state != UP)
		return 0;
	if (!s)
		return -EPROTO;
	s->close_got = true;
	return 0;
}

static int
feed(struct link *l, const uint8_t *p, size_t n)
{
	static const struct mux_events events = {
		on_hello, on_open, on_data, on_credit, on_close };
	uint8_t nonce[MUX_NONCE];
	bool found;
	int r = 0;

	while (n && !r && l->state != UP) {
		size_t took = mux_seek(&l->in, p, n, nonce, &found);

		p += took;
		n -= took;
		if (found)
			r = on_hello(l, nonce);
	}
	return r || !n ? r : mux_feed(&l->in, p, n, &events, l);
}

static void
on_port(struct watch *w, uint32_t events)
{
	static uint8_t buf[IN_SIZE];
	struct link *l = container_of(w, struct link, w);
	int r = 0;

	(void)events;
	for (int i = 0; i < READS && !r; i++) {
		ssize_t n = recv(w->fd, buf, sizeof(buf), 0);

		if (n <= 0) {
			if (n < 0 && (errno == EAGAIN || errno == EINTR))
				break;
			/* The VMM ends; who waits for that will free us. */
			loop_del(w);
			return;
		}
		r = feed(l, buf, (size_t)n);
	}
	if (r == -ECONNRESET)
		give_up(l, "the agent in the guest keeps restarting");
	else if (r)
		give_up(l, "the guest broke the agent's link protocol");
	else
		pump(l);
}

struct link *
link_new(int port, const struct link_events *ev, void *ctx)
{
	int r;
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->w.fd = port;
	l->w.ready = on_port;
	l->ev = ev;
	l->ctx = ctx;
	r = loop_add(&l->w, EPOLLIN);
	if (!r)
		return l;
	free(l);
	errno = -r;
	return NULL;
}

int
link_anew(struct link *l)
{
	int r;

	/* Whatever its agent was reading is not whole. */
	l->written = true;
	r = new_agent(l);
	pump(l);
	return r;
}

void
link_free(struct link *l)
{
	if (!l)
		return;
	drop_streams(l);
	loop_del(&l->w);
	free(l);
}

unsigned
link_used(const struct link *l)
{
	return l->used;
}

static struct stream *
stream_new(struct link *l, int fd, uint32_t to)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	while (l->streams[s->number])
		s->number++;
	s->w.fd = fd;
	s->w.ready = on_client;
	s->link = l;
	s->to = to;
	mux_window_init(&s->win);
	l->streams[s->number] = s;
	l->used++;
	return s;
}

int
link_open(struct link *l, int fd, uint32_t to)
{
	struct stream *s;
	int r = 0;

	if (l->state != UP || l->used == LINK_STREAMS) {
		close(fd);
		return l->state != UP ? -ENOTCONN : -EBUSY;
	}
	s = stream_new(l, fd, to);
	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	if (dprintf(fd, "OK %u\n", (unsigned)s->number) < 0)
		r = -errno;
	if (!r)
		r = loop_add(&s->w, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (r)
		stream_free(s);
	else
		pump(l);
	return r;
}
