/* slowproxy - a TCP proxy like a long and narrow line
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: slowproxy [-b BYTES] [-c CUT] [-l MILLISECONDS] [-n COUNT] [-o LOG]
 *                  PORT
 *
 * Listens on a port of 127.0.0.1 that it prints, and connects each connection
 * with PORT there. It ends with its parent.
 *
 *   -b  so many bytes a second, each connection and direction
 *   -c  nothing comes after so many bytes from PORT but the end
 *   -l  the round trip: half of it each way, and one for the connection to
 *       be made, which on loopback costs nothing
 *   -n  -c is for so many connections, the first ones
 *   -o  a line "UP DOWN" for each connection when it has ended
 *
 * What is read waits in a queue until it is due. Reading stops while the line
 * is full: that is what lets TCP tell the sender to wait.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "bng.h"

static const struct applet slowproxy = { "slowproxy",
	"usage: slowproxy [-b BYTES] [-c CUT] [-l MS] [-n COUNT] [-o LOG] "
	"PORT\n\n",
	NULL, PLAIN };
const struct applet *self = &slowproxy;

enum {
	PIECE = 16 << 10,
	PIECES = 1024,
	LINES = 512,
	LATE = 10000000,	/* ns */
};

struct piece {
	int64_t due;
	size_t size, sent;
	char bytes[PIECE];
};

/* One direction: pieces first..first+n of a ring. */
struct way {
	struct piece **ring;
	unsigned first, n;
	int64_t free;		/* when the line can take the next byte */
	int64_t bytes;
	bool ended;		/* nothing more comes in */
	bool shut;		/* and that has been passed on */
};

/* A connection; way 0 leads to PORT, way 1 from it. */
struct line {
	int fd[2];		/* the client's, PORT's */
	int64_t cut;
	struct way way[2];
};

static struct line lines[LINES];
static unsigned nlines;
static int64_t bandwidth, latency, cut = INT64_MAX, cuts = INT64_MAX;
static int port, logfd = -1;

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
tune(int fd)
{
	int one = 1, small = 64 << 10;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* Else a megabyte would hurry past the cap, into the buffers. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
}

static void
line_end(unsigned i)
{
	struct line *l = &lines[i];

	if (logfd >= 0)
		dprintf(logfd, "%lld %lld\n", (long long)l->way[0].bytes,
		    (long long)l->way[1].bytes);
	for (int w = 0; w < 2; w++) {
		for (unsigned k = 0; k < l->way[w].n; k++)
			free(l->way[w].ring[(l->way[w].first + k) % PIECES]);
		free(l->way[w].ring);
		close(l->fd[w]);
	}
	lines[i] = lines[--nlines];
}

static void
line_begin(int client)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	struct line *l = &lines[nlines];

	if (server < 0)
		die_sys("cannot make a socket");
	tune(server);
	tune(client);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(server, (struct sockaddr *)&sin, sizeof(sin)) &&
	    errno != EINPROGRESS) {
		close(server);
		close(client);
		return;
	}
	*l = (struct line){ .fd = { client, server },
		.cut = cuts-- > 0 ? cut : INT64_MAX };
	for (int w = 0; w < 2; w++) {
		l->way[w].ring = xmalloc(PIECES * sizeof(struct piece *));
		l->way[w].free = now() + latency;
	}
	nlines++;
}

/* Take what comes in; false: the connection is broken. */
static bool
take(struct way *w, int fd)
{
	struct piece *p;
	ssize_t n;
	int64_t t = now();

	p = xmalloc(sizeof(*p));
	n = read(fd, p->bytes, sizeof(p->bytes));
	if (n <= 0) {
		free(p);
		w->ended = n == 0;
		return n == 0 || errno == EAGAIN;
	}
	/* A turn that came late is made up for; an idle time is not. */
	if (w->free < t - LATE)
		w->free = t - LATE;
	if (bandwidth)
		w->free += n * 1000000000 / bandwidth;
	p->size = (size_t)n;
	p->sent = 0;
	p->due = w->free + latency / 2;
	w->ring[(w->first + w->n++) % PIECES] = p;
	return true;
}

/* Pass on what is due, but no more than `most` bytes in all. */
static bool
give(struct way *w, int fd, int64_t most)
{
	while (w->n && w->bytes < most) {
		struct piece *p = w->ring[w->first];
		size_t size = p->size - p->sent;
		ssize_t n;

		if (p->due > now())
			return true;
		if (most - w->bytes < (int64_t)size)
			size = (size_t)(most - w->bytes);
		n = send(fd, p->bytes + p->sent, size, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		w->bytes += n;
		p->sent += (size_t)n;
		if (p->sent < p->size)
			return true;
		free(p);
		w->first = (w->first + 1) % PIECES;
		w->n--;
	}
	if (w->ended && !w->n && !w->shut) {
		w->shut = true;
		shutdown(fd, SHUT_WR);
	}
	return true;
}

static bool
can_take(const struct way *w, int64_t t)
{
	return !w->ended && w->n < PIECES && w->free <= t;
}

/* The time at which something is to be done for this direction. */
static int64_t
next(const struct way *w, int64_t t)
{
	int64_t when = INT64_MAX;

	if (!w->ended && w->n < PIECES && w->free > t)
		when = w->free;
	if (w->n && w->ring[w->first]->due > t &&
	    w->ring[w->first]->due < when)
		when = w->ring[w->first]->due;
	return when;
}

/* What to wait for at either end; returns until when. */
static int64_t
wants(const struct line *l, struct pollfd p[2], int64_t t)
{
	int64_t when = INT64_MAX;

	p[0] = (struct pollfd){ .fd = l->fd[0] };
	p[1] = (struct pollfd){ .fd = l->fd[1] };
	for (int w = 0; w < 2; w++) {
		const struct way *way = &l->way[w];
		int64_t at = next(way, t);

		if (can_take(way, t))
			p[w].events |= POLLIN;
		if (way->n && way->ring[way->first]->due <= t)
			p[!w].events |= POLLOUT;
		if (at < when)
			when = at;
	}
	/* What is shut is not listened to: poll would report it for ever. */
	for (int w = 0; w < 2; w++)
		if (!p[w].events)
			p[w].fd = -1;
	return when;
}

/*
 * The client hears that no more comes, and of what came nothing is lost: a
 * reset could overtake bytes.
 */
static void
hang_up(struct line *l)
{
	struct way *w = &l->way[1];

	for (; w->n; w->n--) {
		free(w->ring[w->first]);
		w->first = (w->first + 1) % PIECES;
	}
	w->ended = w->shut = true;
	shutdown(l->fd[0], SHUT_WR);
}

/* One turn for a connection; false: it is over. */
static bool
turn(struct line *l, const struct pollfd p[2])
{
	for (int w = 0; w < 2; w++) {
		struct way *way = &l->way[w];

		if (p[w].fd >= 0 && (p[w].revents & ~POLLOUT) &&
		    (p[w].events & POLLIN) && !take(way, l->fd[w]))
			return false;
		if (!give(way, l->fd[!w], w ? l->cut : INT64_MAX))
			return false;
	}
	if (l->way[1].bytes >= l->cut && !l->way[1].shut)
		hang_up(l);
	return !(l->way[0].shut && l->way[1].shut);
}

static void
serve(int listener)
{
	struct pollfd p[1 + 2 * LINES];

	for (;;) {
		int64_t t = now(), when = INT64_MAX, wait;
		struct timespec ts;

		p[0] = (struct pollfd){ .fd = nlines < LINES ? listener : -1,
			.events = POLLIN };
		for (unsigned i = 0; i < nlines; i++) {
			int64_t at = wants(&lines[i], &p[1 + 2 * i], t);

			if (at < when)
				when = at;
		}
		wait = when == INT64_MAX ? 0 : when - t;
		ts = (struct timespec){ wait / 1000000000, wait % 1000000000 };
		if (ppoll(p, 1 + 2 * nlines, when == INT64_MAX ? NULL : &ts,
		    NULL) < 0)
			die_sys("cannot poll");
		/* From the last: line_end puts the last in a gap. */
		for (unsigned i = nlines; i-- > 0;)
			if (!turn(&lines[i], &p[1 + 2 * i]))
				line_end(i);
		if (p[0].revents) {
			int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC |
			    SOCK_NONBLOCK);

			if (fd >= 0)
				line_begin(fd);
		}
	}
}

static int
listen_somewhere(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (s < 0 || bind(s, (struct sockaddr *)&sin, sizeof(sin)) ||
	    listen(s, 64) || getsockname(s, (struct sockaddr *)&sin, &len))
		die_sys("cannot listen");
	printf("%d\n", ntohs(sin.sin_port));
	xflush();
	return s;
}

int
main(int argc, char *argv[])
{
	int c;

	msg_name = "slowproxy";
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((c = getopt(argc, argv, "b:c:l:n:o:")) != -1) {
		switch (c) {
		case 'b': bandwidth = xnum(optarg, 1, 1 << 30, "-b"); break;
		case 'c': cut = xnum(optarg, 0, INT64_MAX, "-c"); break;
		case 'l': latency = xnum(optarg, 0, 60000, "-l") * 1000000;
			break;
		case 'n': cuts = xnum(optarg, 1, INT64_MAX, "-n"); break;
		case 'o': logfd = xopen(optarg, O_WRONLY | O_CREAT | O_APPEND,
			    0600);
			break;
		default: die_usage("wrong option");
		}
	}
	if (argc - optind != 1)
		die_usage("one port is wanted");
	port = (int)xnum(argv[optind], 1, 65535, "port");
	serve(listen_somewhere());
}
