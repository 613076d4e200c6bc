/* netguard.c - a guest does not reach the host's loopback; see netguard.h
 *
 * SPDX-License-Identifier: MIT
 *
 * The frames: RFC 894, RFC 791
 */
#include <sys/socket.h>

#include "be.h"
#include "bng.h"
#include "netguard.h"

enum {
	ETHER = 14, ETHER_IP = 0x0800, ETHER_ARP = 0x0806,
	IP_LEAST = 20,
	ICMP = 1, TCP = 6, UDP = 17,
	DOMAIN = 53, BOOTP = 67,
	BUF_SIZE = 2 * (NETGUARD_HEAD + NETGUARD_FRAME),
};

/* QEMU's network, and what it is itself in there. */
#define INSIDE		0x0a000200u	/* 10.0.2.0/24 */
#define ROUTER		0x0a000202u
#define RESOLVER	0x0a000203u
#define EVERYBODY	0xffffffffu

/* Whether a packet is for this port; a fragment may be for any. */
static bool
is_to_port(const uint8_t *ip, size_t n, int proto, unsigned int port)
{
	size_t head = (ip[0] & 15u) * 4;

	return ip[9] == proto && !(get_be16(ip + 6) & 0x3fff) &&
	    head >= IP_LEAST && n >= head + 4 &&
	    get_be16(ip + head + 2) == port;
}

/* To the network's own: names, leases, and whether it is there. */
static bool
is_service(const uint8_t *ip, size_t n, uint32_t to)
{
	if (to == RESOLVER)
		return ip[9] == ICMP || is_to_port(ip, n, UDP, DOMAIN) ||
		    is_to_port(ip, n, TCP, DOMAIN);
	return (to == ROUTER && ip[9] == ICMP) ||
	    ((to == ROUTER || to == EVERYBODY) &&
	    is_to_port(ip, n, UDP, BOOTP));
}

/* 0.0.0.0 is the loopback, too, when it is connected to. */
bool
netguard_lets(const uint8_t *frame, size_t n)
{
	const uint8_t *ip = frame + ETHER;
	uint32_t to;

	if (n < ETHER)
		return false;
	if (get_be16(frame + 12) == ETHER_ARP)
		return true;
	if (get_be16(frame + 12) != ETHER_IP || n < ETHER + IP_LEAST ||
	    ip[0] >> 4 != 4)
		return false;
	to = get_be32(ip + 16);
	if ((to & ~0xffu) == INSIDE || to == EVERYBODY)
		return is_service(ip, n - ETHER, to);
	/* Nor to what is on the host by being of no other: 224.0.0.0 on. */
	return to >> 24 != 0 && to >> 24 != 127 && to >> 28 < 14;
}

/* Whether nothing is left over from before. */
static bool
flush(struct netguard *g)
{
	ssize_t n;

	if (!g->rest_len)
		return true;
	n = send(g->back.fd, g->rest, g->rest_len, MSG_NOSIGNAL);
	if (n <= 0)
		return false;
	g->rest_len -= (size_t)n;
	memmove(g->rest, g->rest + n, g->rest_len);
	if (g->rest_len)
		return false;
	loop_mod(&g->back, EPOLLET);
	return true;
}

/* Send back whole frames; the one that is cut has its rest kept. */
static void
pass(struct netguard *g, const uint8_t *p, size_t n)
{
	size_t at = 0;
	ssize_t sent;

	if (!n || !flush(g))
		return;
	sent = send(g->back.fd, p, n, MSG_NOSIGNAL);
	if (sent <= 0 || (size_t)sent == n)
		return;
	while (at < (size_t)sent)
		at += NETGUARD_HEAD + get_be32(p + at);
	g->rest_len = at - (size_t)sent;
	if (!g->rest_len)
		return;
	memcpy(g->rest, p + sent, g->rest_len);
	loop_mod(&g->back, EPOLLOUT | EPOLLET);
}

/* Sort out the whole frames that are there. False: these are none. */
static bool
sort(struct netguard *g)
{
	size_t at = 0, run = 0;

	while (g->have - at >= NETGUARD_HEAD) {
		uint8_t *p = g->buf + at;
		size_t len = get_be32(p);

		if (len > NETGUARD_FRAME)
			return false;
		if (g->have - at - NETGUARD_HEAD < len)
			break;
		at += NETGUARD_HEAD + len;
		if (netguard_lets(p + NETGUARD_HEAD, len))
			continue;
		pass(g, g->buf + run, (size_t)(p - g->buf) - run);
		run = at;
	}
	pass(g, g->buf + run, at - run);
	g->have -= at;
	memmove(g->buf, g->buf + at, g->have);
	return true;
}

static void
on_frames(struct watch *w, uint32_t events)
{
	struct netguard *g = container_of(w, struct netguard, from);
	ssize_t n = recv(w->fd, g->buf + g->have, BUF_SIZE - g->have, 0);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* It is ending. */
		loop_mod(w, EPOLLET);
		return;
	}
	g->have += (size_t)n;
	if (!sort(g)) {
		loop_mod(w, EPOLLET);
		g->broken(g->ctx);
	}
}

static void
on_room(struct watch *w, uint32_t events)
{
	(void)events;
	flush(container_of(w, struct netguard, back));
}

int
netguard_init(struct netguard *g, int from, int back,
    void (*broken)(void *ctx), void *ctx)
{
	int r;

	*g = (struct netguard){ .from = { from, on_frames },
		.back = { back, on_room }, .broken = broken, .ctx = ctx };
	g->buf = malloc(BUF_SIZE);
	g->rest = malloc(NETGUARD_HEAD + NETGUARD_FRAME);
	if (!g->buf || !g->rest)
		return -ENOMEM;
	r = loop_add(&g->from, EPOLLIN);
	return r ? r : loop_add(&g->back, EPOLLET);
}

void
netguard_free(struct netguard *g)
{
	if (!g->buf)
		return;
	loop_del(&g->from);
	loop_del(&g->back);
	free(steal(&g->buf));
	free(steal(&g->rest));
}
