/* guardtest - what lib/netguard.c lets through, and that it never waits
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: guardtest rules | stream CUT | stall
 */
#include <sys/socket.h>

#include "bng.h"
#include "netguard.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

enum { LEN = 60, COUNT = 40000 };

static const struct {
	const char *what;
	uint8_t to[4], proto;
	unsigned short port, fragment, ether;
	bool lets;
} cases[] = {
	{ "ARP", { 10, 0, 2, 2 }, 0, 0, 0, 0x0806, true },
	{ "IPv6", { 0 }, 0, 0, 0, 0x86dd, false },
	{ "a VLAN", { 198, 51, 100, 1 }, 6, 80, 0, 0x8100, false },
	{ "an address", { 198, 51, 100, 1 }, 6, 80, 0, 0x0800, true },
	{ "a fragment", { 198, 51, 100, 1 }, 17, 80, 0x2000, 0x0800, true },
	{ "10.0.3.1", { 10, 0, 3, 1 }, 6, 80, 0, 0x0800, true },
	{ "10.0.1.255", { 10, 0, 1, 255 }, 6, 80, 0, 0x0800, true },
	{ "names, UDP", { 10, 0, 2, 3 }, 17, 53, 0, 0x0800, true },
	{ "names, TCP", { 10, 0, 2, 3 }, 6, 53, 0, 0x0800, true },
	{ "ping the router", { 10, 0, 2, 2 }, 1, 0, 0, 0x0800, true },
	{ "ping the resolver", { 10, 0, 2, 3 }, 1, 0, 0, 0x0800, true },
	{ "a lease", { 255, 255, 255, 255 }, 17, 67, 0, 0x0800, true },
	{ "a lease anew", { 10, 0, 2, 2 }, 17, 67, 0, 0x0800, true },
	{ "the host, TCP", { 10, 0, 2, 2 }, 6, 80, 0, 0x0800, false },
	{ "the host, UDP", { 10, 0, 2, 2 }, 17, 53, 0, 0x0800, false },
	{ "its file server", { 10, 0, 2, 2 }, 17, 69, 0, 0x0800, false },
	{ "more of the resolver", { 10, 0, 2, 3 }, 6, 80, 0, 0x0800, false },
	{ "a fragment to it", { 10, 0, 2, 3 }, 17, 53, 1, 0x0800, false },
	{ "the first of some", { 10, 0, 2, 3 }, 17, 53, 0x2000, 0x0800, false },
	{ "nobody's address", { 10, 0, 2, 77 }, 6, 80, 0, 0x0800, false },
	{ "ping nobody", { 10, 0, 2, 77 }, 1, 0, 0, 0x0800, false },
	{ "the guest's own", { 10, 0, 2, 15 }, 6, 80, 0, 0x0800, false },
	{ "all of its network", { 10, 0, 2, 255 }, 17, 67, 0, 0x0800, false },
	{ "127.0.0.1", { 127, 0, 0, 1 }, 6, 80, 0, 0x0800, false },
	{ "127.0.0.53", { 127, 0, 0, 53 }, 17, 53, 0, 0x0800, false },
	{ "127.255.255.254", { 127, 255, 255, 254 }, 1, 0, 0, 0x0800, false },
	{ "0.0.0.0", { 0, 0, 0, 0 }, 6, 80, 0, 0x0800, false },
	{ "224.0.0.251", { 224, 0, 0, 251 }, 17, 5353, 0, 0x0800, false },
	{ "everybody", { 255, 255, 255, 255 }, 17, 53, 0, 0x0800, false },
};

/* A frame, behind its length; how many bytes that are. */
static size_t
make(uint8_t *p, size_t i)
{
	uint8_t *ip = p + NETGUARD_HEAD + 14;

	memset(p, 0, NETGUARD_HEAD + LEN);
	p[3] = LEN;
	p[NETGUARD_HEAD + 12] = (uint8_t)(cases[i].ether >> 8);
	p[NETGUARD_HEAD + 13] = (uint8_t)cases[i].ether;
	ip[0] = 0x45;
	ip[6] = (uint8_t)(cases[i].fragment >> 8);
	ip[7] = (uint8_t)cases[i].fragment;
	ip[9] = cases[i].proto;
	memcpy(ip + 16, cases[i].to, 4);
	ip[22] = (uint8_t)(cases[i].port >> 8);
	ip[23] = (uint8_t)cases[i].port;
	return NETGUARD_HEAD + LEN;
}

/* The length is part of it: one that is cut off is let nowhere. */
static int
rules(void)
{
	uint8_t *p = xmalloc(NETGUARD_HEAD + LEN), *exact;
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make(p, i);
		if (netguard_lets(p + NETGUARD_HEAD, LEN) != cases[i].lets) {
			printf("%s\n", cases[i].what);
			bad = 1;
		}
		for (size_t n = 0; n < 34 && cases[i].ether == 0x0800; n++) {
			exact = xmalloc(n + 1);
			memcpy(exact, p + NETGUARD_HEAD, n);
			if (netguard_lets(exact, n))
				bad = printf("cut: %s\n", cases[i].what);
			free(exact);
		}
	}
	return bad != 0;
}

static struct netguard g;
static int ours[2];

static void
broken(void *ctx)
{
	(void)ctx;
	die("not frames");
}

static void
setup(void)
{
	int a[2], b[2];

	if (loop_init() ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b) ||
	    netguard_init(&g, a[1], b[1], broken, NULL))
		die_sys("cannot set up");
	ours[0] = a[0];
	ours[1] = b[0];
}

/* Whether what came back is what should: all of it, and in its order. */
static int
stream(size_t cut)
{
	static uint8_t in[4096], want[4096], got[4096];
	size_t n = 0, wanted = 0, have = 0;
	ssize_t r;

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = make(in + n, i);

		if (cases[i].lets) {
			memcpy(want + wanted, in + n, len);
			wanted += len;
		}
		n += len;
	}
	for (size_t at = 0; at < n; at += cut) {
		size_t part = n - at < cut ? n - at : cut;

		xwrite(ours[0], in + at, part, "frames");
		loop_turn();
		r = read(ours[1], got + have, sizeof(got) - have);
		have += r > 0 ? (size_t)r : 0;
	}
	return have != wanted || memcmp(got, want, have);
}

/* Nobody takes what comes back, and then somebody does: whole frames. */
static int
stall(void)
{
	static uint8_t frame[NETGUARD_HEAD + LEN], got[sizeof(frame)];
	size_t n, frames = 0, have = 0;
	ssize_t r;

	setup();
	n = make(frame, 3);
	for (int i = 0; i < COUNT; i++) {
		xwrite(ours[0], frame, n, "frames");
		loop_turn();
	}
	while ((r = read(ours[1], got + have, n - have)) > 0 || g.rest_len) {
		if (r <= 0) {
			loop_turn();
			continue;
		}
		have += (size_t)r;
		if (have < n)
			continue;
		if (memcmp(got, frame, n))
			die("what came back is no frame");
		have = 0;
		frames++;
	}
	printf("%s\n", frames && frames < COUNT && !have ? "some" : "wrong");
	xwrite(ours[0], frame, n, "a frame");
	loop_turn();
	return read(ours[1], got, n) != (ssize_t)n || memcmp(got, frame, n);
}

int
main(int argc, char *argv[])
{
	msg_name = "guardtest";
	if (argc == 2 && !strcmp(argv[1], "rules"))
		return rules();
	if (argc == 2 && !strcmp(argv[1], "stall"))
		return stall();
	if (argc == 3)
		return stream((size_t)xnum(argv[2], 1, 4096, "cut"));
	return 100;
}
