/* listen.c - ports of this host; see forward.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "bng.h"
#include "forward.h"

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

static struct listener listeners[LISTENERS];
static size_t n_listeners;

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

void
listeners_add(const char *spec)
{
	struct listener *l = &listeners[n_listeners++];
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

static void
on_listener(struct watch *w, uint32_t events)
{
	struct listener *l = container_of(w, struct listener, w);
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0)
		conn_new(fd, l->guest);
}

static uint16_t
start(struct listener *l)
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

void
listeners_start(void (*each)(const char *address, uint16_t host,
    uint16_t guest))
{
	for (size_t i = 0; i < n_listeners; i++) {
		struct listener *l = &listeners[i];
		uint16_t port = start(l);

		each(l->shown, port, l->guest);
	}
}

void
listeners_want(bool more)
{
	for (size_t i = 0; i < n_listeners; i++)
		loop_mod(&listeners[i].w, more ? EPOLLIN : 0);
}
