/* bng-forward - make ports of a machine ports of this host
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-forward VM [ADDRESS:]HOSTPORT:GUESTPORT ...
 *
 * Listens on HOSTPORT of ADDRESS (127.0.0.1; an IPv6 one in brackets), 0
 * being any that is free, and connects who comes to GUESTPORT on the machine's
 * loopback, through its agent: neither a route nor a right is needed. Prints
 * "ADDRESS:HOSTPORT<TAB>GUESTPORT" for each once all listen, and goes on until
 * the machine ends or it is killed.
 *
 * exit: 1 not running, or it has ended; 100 wrong usage; 111 failed (an
 *       address is taken, say)
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "agent.h"
#include "ask.h"
#include "bng.h"
#include "dirs.h"
#include "flood.h"
#include "forwards.h"
#include "loop.h"

enum {
	LISTENERS = 64,
	CONNS = 200,		/* of the 256 that an agent takes */
	PIECE = 65536,
};

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct listener {
	struct watch w;
	union address at;
	char shown[INET6_ADDRSTRLEN + 2];	/* the address alone */
	uint16_t guest;
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

static struct listener listeners[LISTENERS];
static size_t n_listeners;
static struct conn *conns;
static unsigned int n_conns;
static const char *vm, *shown;
static struct watch life;	/* a connection that ends with the machine */

/* While connections wait for the agent, whether it lives is in doubt. */
static struct doubt doubt;
static unsigned int n_waiting;
static struct watch due, sign;

/*
 * Waiting for a side: nothing is watched that we cannot act on, lest its
 * hang-up wake us for nothing
 */

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
want_listeners(void)
{
	for (size_t i = 0; i < n_listeners; i++)
		loop_mod(&listeners[i].w, n_conns < CONNS ? EPOLLIN : 0);
}

/*
 * The agent's silence
 */

static void
doubt_watch(void)
{
	int ms = doubt_ms(&doubt);
	struct itimerspec when = { .it_value = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L + 1 } };

	if (ms < 0)
		when = (struct itimerspec){ 0 };
	timerfd_settime(due.fd, 0, &when, NULL);
	sign.fd = doubt.probe;
	if (sign.fd >= 0 && loop_add(&sign, EPOLLIN))
		sign.fd = -1;
}

/* It is said once, and then it is the clients' to wait. */
static void
on_due(struct watch *w, uint32_t events)
{
	uint64_t n;

	(void)events;
	if (read(w->fd, &n, sizeof(n)) < 0)
		return;
	loop_take(&sign);
	(void)doubt_due(&doubt);
	if (doubt.silent)
		doubt.until = 0;
	doubt_watch();
}

static void
on_sign(struct watch *w, uint32_t events)
{
	(void)events;
	loop_take(w);
	doubt_probed(&doubt);
	doubt_watch();
}

/* Its request is on its way. */
static void
wait_begin(struct conn *c)
{
	c->waits = true;
	if (n_waiting++ || doubt.silent)
		return;
	doubt_begin(&doubt, shown, ask_dir);
	doubt_watch();
}

/* The agent has answered it, or it waits no more. */
static void
wait_end(struct conn *c, bool answered)
{
	if (!c->waits)
		return;
	c->waits = false;
	n_waiting--;
	if (!answered && (n_waiting || doubt.silent))
		return;
	loop_take(&sign);
	doubt_over(&doubt);
	if (n_waiting)
		doubt_begin(&doubt, shown, ask_dir);
	doubt_watch();
}

static void
conn_end(struct conn *c)
{
	struct conn **at = &conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	wait_end(c, false);
	want(&c->tcp, 0);
	want(&c->agent, 0);
	close(c->tcp.fd);
	close(c->agent.fd);
	free(c);
	if (n_conns-- == CONNS)
		want_listeners();
}

/* As if nobody had listened here either. */
static void
conn_reset(struct conn *c)
{
	struct linger hard = { .l_onoff = 1 };

	setsockopt(c->tcp.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	conn_end(c);
}

/* What to wait for now; false when it is over, and c is gone. */
static bool
settle(struct conn *c)
{
	if (c->agent.eof && !c->tcp.len) {
		conn_end(c);
		return false;
	}
	if (c->shut && !c->tcp.len)
		shutdown(c->tcp.fd, SHUT_WR);
	want(&c->tcp, (c->tcp.len ? EPOLLOUT : 0) |
	    (c->tcp.eof || c->agent.len ? 0 : EPOLLIN));
	want(&c->agent, (c->agent.len ? EPOLLOUT : 0) |
	    (c->agent.eof || c->tcp.len ? 0 : EPOLLIN));
	return true;
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

/* From the client: a frame, empty at its end. */
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
	return drain(to);
}

static void
refused(const struct conn *c, const char *why)
{
	static struct flood often;

	if (!flood(&often, 3, 10))
		warn("port %d of machine '%s': %s", c->guest, vm, why);
}

/* False: it ends with an error. */
static bool
take_control(struct conn *c)
{
	cJSON *o = cJSON_ParseWithLength(c->control, c->control_len);
	const cJSON *error = cJSON_GetObjectItem(o, "error");
	bool ok = o && !error;

	wait_end(c, true);
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

	if (((events & EPOLLOUT) && !drain(&c->agent)) ||
	    ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !c->tcp.len &&
	    !from_agent(c)))
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
	wait_begin(c);
	return drain(&c->agent);
}

static void
on_listener(struct watch *w, uint32_t events)
{
	struct listener *l = container_of(w, struct listener, w);
	int one = 1, fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);
	struct conn *c;

	(void)events;
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c = xcalloc(1, sizeof(*c));
	c->tcp.fd = fd;
	c->tcp.w.ready = on_tcp;
	c->agent.w.ready = on_agent;
	c->guest = l->guest;
	c->next = conns;
	conns = c;
	if (++n_conns == CONNS)
		want_listeners();
	if (dial(c))
		settle(c);
	else
		conn_reset(c);
}

static void
doubt_prepare(void)
{
	doubt.probe = sign.fd = -1;
	sign.ready = on_sign;
	due.ready = on_due;
	due.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (due.fd < 0 || loop_add(&due, EPOLLIN))
		die_sys("cannot make a timer");
}

/*
 * [ADDRESS:]HOSTPORT:GUESTPORT
 */

static void
parse_address(struct listener *l, const char *text, const char *spec)
{
	size_t n = strlen(text);
	char bare[INET6_ADDRSTRLEN];

	if (!strcmp(text, "localhost"))
		text = "127.0.0.1";
	snprintf(l->shown, sizeof(l->shown), "%s", text);
	if (*text == '[' && text[n - 1] == ']' && n - 2 < sizeof(bare)) {
		snprintf(bare, sizeof(bare), "%.*s", (int)n - 2, text + 1);
		l->at.in6.sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, bare, &l->at.in6.sin6_addr) == 1)
			return;
	}
	l->at.in.sin_family = AF_INET;
	if (inet_pton(AF_INET, text, &l->at.in.sin_addr) != 1)
		die("cannot listen on '%s': '%s' is not an address", spec,
		    text);
}

static void
parse_spec(struct listener *l, const char *spec)
{
	autofree char *copy = xstrdup(spec);
	char *guest = strrchr(copy, ':'), *host;
	uint16_t port;

	if (!guest)
		die_usage("'%s' is not [ADDRESS:]HOSTPORT:GUESTPORT", spec);
	*guest++ = '\0';
	host = strrchr(copy, ':');
	if (host)
		*host++ = '\0';
	port = (uint16_t)xnum(host ? host : copy, 0, 65535, "port");
	l->guest = (uint16_t)xnum(guest, 1, 65535, "port");
	parse_address(l, host ? copy : "127.0.0.1", spec);
	l->at.in.sin_port = htons(port);	/* where IPv6's is, too */
}

/* Some ports are not for everybody; which, is the host's to say. */
noreturn_fn static void
not_listening(const struct listener *l)
{
	int err = errno, port = ntohs(l->at.in.sin_port);
	int64_t below = 1024;

	file_num(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start",
	    0, 65536, &below);
	if (err == EACCES && port < below)
		die("cannot listen on %s:%d: ports below %d are root's "
		    "(net.ipv4.ip_unprivileged_port_start)", l->shown, port,
		    (int)below);
	errno = err;
	die_sys("cannot listen on %s:%d", l->shown, port);
}

static uint16_t
start_listening(struct listener *l)
{
	socklen_t size = sizeof(l->at);
	int one = 1;

	l->w.ready = on_listener;
	l->w.fd = socket(l->at.any.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->w.fd < 0)
		die_sys("cannot make a socket");
	setsockopt(l->w.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l->w.fd, &l->at.any, size) || listen(l->w.fd, 128) ||
	    getsockname(l->w.fd, &l->at.any, &size) ||
	    loop_add(&l->w, EPOLLIN))
		not_listening(l);
	return ntohs(l->at.in.sin_port);
}

/*
 * The machine's end ends us. A restore, too, ends its connections; who can
 * connect again then lives.
 */

static void on_life(struct watch *w, uint32_t events);

static bool
live(void)
{
	life.ready = on_life;
	life.fd = sock_connect_at(ask_dir, "agent.sock");
	return life.fd >= 0 &&
	    send(life.fd, "CONNECT 1\n", 10, MSG_NOSIGNAL) == 10 &&
	    !loop_add(&life, EPOLLIN);
}

static void
on_life(struct watch *w, uint32_t events)
{
	static struct flood often;
	char ok[64];

	(void)events;
	if (recv(w->fd, ok, sizeof(ok), MSG_DONTWAIT) > 0)
		return;
	loop_del(w);
	if (flood(&often, 3, 2) || !live())
		die_status(EXIT_NO, "%s", ask_lost_why());
}

static int
forward_main(int argc, char *argv[])
{
	autofree char *record = NULL;
	int opt;

	opterr = 0;
	opt = getopt(argc, argv, "+h");
	if (opt == 'h')
		usage_help();
	if (opt != -1)
		die_usage("unknown option");
	if (argc - optind < 2 || argc - optind - 1 > LISTENERS)
		die_usage("a machine and 1 to %d ports are expected",
		    LISTENERS);
	vm = argv[optind];
	shown = ask_name(vm);
	for (int i = optind + 1; i < argc; i++)
		parse_spec(&listeners[n_listeners++], argv[i]);
	close(ask_connect(vm, AGENT_WAITING, EXIT_NO));
	if (loop_init() || !live())
		die("cannot reach machine '%s'", vm);
	doubt_prepare();
	record = forwards_begin(ask_dir);
	for (size_t i = 0; i < n_listeners; i++) {
		struct listener *l = &listeners[i];
		uint16_t port = start_listening(l);

		forwards_add(record, l->shown, port, l->guest);
		printf("%s:%d\t%d\n", l->shown, port, l->guest);
	}
	xflush();
	while (!loop_turn())
		;
	die_sys("cannot wait");
}

APPLET(forward, PLAIN);
