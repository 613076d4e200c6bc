/* linktest - one claim about lib/link.c and lib/mux.c, its guest played here
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: linktest CLAIM	exit 0 when it holds
 */
#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "bng.h"
#include "link.h"

const struct applet *self;

static struct link *l;
static int guest;		/* the other side of the port */
static int client;		/* the other side of the only client */
static int ups, downs, rooms;
static const char *broken;
static uint8_t nonce[MUX_NONCE];

static void on_up(void *ctx) { (void)ctx; ups++; }
static void on_down(void *ctx) { (void)ctx; downs++; }
static void on_room(void *ctx) { (void)ctx; rooms++; }
static void on_broken(void *ctx, const char *why) { (void)ctx; broken = why; }

static void
on_bell(struct watch *w, uint32_t events)
{
	(void)events;
	loop_del(w);
}

/* Let the link work until it has nothing more to do. */
static void
settle(void)
{
	static struct watch bell;
	int fds[2];

	/* A pipe of which one end is closed ends each round. */
	for (int i = 0; i < 16; i++) {
		assert(!pipe(fds));
		close(fds[1]);
		bell.fd = fds[0];
		bell.ready = on_bell;
		assert(!loop_add(&bell, EPOLLIN));
		loop_turn();
		loop_del(&bell);
	}
}

static void
say(const void *p, size_t n)
{
	assert(send(guest, p, n, 0) == (ssize_t)n);
	settle();
}

/* Read everything the link has sent, and keep the last n bytes. */
static size_t
heard(uint8_t *tail, size_t n)
{
	static uint8_t buf[1 << 20];
	ssize_t got = recv(guest, buf, sizeof(buf), MSG_DONTWAIT);

	got = got < 0 ? 0 : got;
	if ((size_t)got >= n)
		memcpy(tail, buf + got - n, n);
	return (size_t)got;
}

static void
frame(enum mux_type type, uint16_t stream, uint32_t len)
{
	static uint8_t out[MUX_FRAME];

	mux_put_head(out, type, stream, len);
	say(out, MUX_HEAD + len);
}

static void
number(enum mux_type type, uint16_t stream, uint32_t value)
{
	uint8_t out[MUX_HEAD + 4];

	say(out, mux_put_u32(out, type, stream, value));
}

static void
ask_for_nonce(void)
{
	static const uint8_t zero[MUX_NONCE];
	static uint8_t out[MUX_SYNC];
	uint8_t hello[MUX_HELLO];

	say(out, mux_put_sync(out, zero));
	assert(heard(hello, MUX_HELLO) >= MUX_HELLO);
	assert(hello[0] == MUX_T_HELLO);
	memcpy(nonce, hello + MUX_HELLO - MUX_NONCE, MUX_NONCE);
}

static void
return_nonce(void)
{
	uint8_t hello[MUX_HELLO];

	say(hello, mux_put_hello(hello, nonce));
}

static void
up(void)
{
	ask_for_nonce();
	return_nonce();
	assert(ups && !broken);
}

/* A client on this stream, whose socket holds as little as it can. */
static int
open_stream(unsigned stream)
{
	int fds[2], small = 1;
	char ok[16] = "", want[16];

	snprintf(want, sizeof(want), "OK %u\n", stream);
	assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	assert(!link_open(l, fds[0], 1));
	assert(recv(fds[1], ok, sizeof(ok), 0) > 0 && !strcmp(ok, want));
	settle();
	return fds[1];
}

static void
open_client(void)
{
	client = open_stream(0);
}

static void
noise(void)
{
	uint8_t junk[5000];
	static const uint8_t zero[MUX_NONCE];
	uint8_t hello[MUX_HELLO];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)(i * i % 7 == 0 ? 1 : i * 13);
	say(junk, sizeof(junk));
	mux_put_hello(hello, zero);
	say(hello, MUX_HELLO / 2 - 4);
	for (size_t i = 0; i < MUX_HELLO; i++)
		say(hello + i, 1);
	assert(heard(hello, MUX_HELLO) == MUX_HELLO && !broken);
	memcpy(nonce, hello + MUX_HELLO - MUX_NONCE, MUX_NONCE);
	return_nonce();
	assert(ups == 1);
}

static void
stale(void)
{
	ask_for_nonce();
	nonce[3] ^= 1;
	return_nonce();
	assert(!ups && !broken);
	nonce[3] ^= 1;
	return_nonce();
	assert(ups == 1);
}

static void
again(void)
{
	up();
	open_client();
	ask_for_nonce();
	assert(downs == 1 && link_used(l) == 0 && rooms == 1);
	/* What the old agent still has under way is let pass. */
	frame(MUX_T_DATA, 0, 100);
	assert(!broken);
	return_nonce();
	assert(ups == 2);
	open_client();
}

static void
overrun(void)
{
	size_t sent = 0;

	up();
	open_client();
	/* The client takes a little, and is given credit for that. */
	while (!broken && sent < 4 * MUX_WINDOW) {
		frame(MUX_T_DATA, 0, MUX_DATA);
		sent += MUX_DATA;
	}
	assert(broken && sent > MUX_WINDOW && link_used(l) == 0);
}

/* The last number that the link has said. */
static uint32_t
credited(void)
{
	uint8_t last[MUX_HEAD + 4] = "";

	heard(last, sizeof(last));
	assert(last[0] == MUX_T_CREDIT);
	return (uint32_t)last[MUX_HEAD] << 24 | last[MUX_HEAD + 1] << 16 |
	    last[MUX_HEAD + 2] << 8 | last[MUX_HEAD + 3];
}

/* An agent that asks may send more at once: so much, twice so much when it
 * asks again, and that is all. */
static void
wide(void)
{
	uint8_t head[MUX_HEAD];
	size_t sent = 0;

	up();
	open_client();
	heard(head, MUX_HEAD);
	number(MUX_T_CREDIT, 0, 0);
	assert(credited() == MUX_WIDE - MUX_WINDOW);
	number(MUX_T_CREDIT, 0, 0);
	assert(credited() == MUX_WIDEST - MUX_WIDE);
	number(MUX_T_CREDIT, 0, 0);
	assert(!heard(head, MUX_HEAD) && !broken);
	while (sent + MUX_DATA <= MUX_WIDEST) {
		frame(MUX_T_DATA, 0, MUX_DATA);
		sent += MUX_DATA;
	}
	assert(!broken);
	for (int i = 0; i < 4 && !broken; i++)
		frame(MUX_T_DATA, 0, MUX_DATA);
	assert(broken && link_used(l) == 0);
}

/* A client that takes odd bits gets every byte in its order, while what is kept
 * for it goes round and grows. */
static void
slow(void)
{
	uint8_t got[7777];
	static uint8_t data[MUX_FRAME];
	size_t sent = 0, taken = 0;

	up();
	open_client();
	for (int round = 0; round < 400; round++) {
		ssize_t n;

		if (round == 3)
			number(MUX_T_CREDIT, 0, 0);
		for (n = 0; n < 9000; n++)
			data[MUX_HEAD + n] = (uint8_t)((sent + n) % 251);
		if (sent - taken < MUX_WINDOW / 2 ||
		    (round > 3 && round < 40)) {
			mux_put_head(data, MUX_T_DATA, 0, (uint32_t)n);
			say(data, MUX_HEAD + (size_t)n);
			sent += (size_t)n;
		}
		n = recv(client, got, sizeof(got), MSG_DONTWAIT);
		for (ssize_t i = 0; i < n; i++)
			assert(got[i] == (taken + (size_t)i) % 251);
		taken += n > 0 ? (size_t)n : 0;
		settle();
	}
	assert(!broken && taken > 2 * MUX_WINDOW);
}

/* However many ask, what is wide has a bound; who ends leaves room for one. */
static void
bound(void)
{
	enum { MANY = LINK_WIDE / (MUX_WIDEST - MUX_WINDOW) + 4 };
	int fds[MANY];
	size_t wide = 0;
	uint8_t head[MUX_HEAD];

	up();
	for (uint16_t i = 0; i < MANY; i++)
		fds[i] = open_stream(i);
	for (uint16_t i = 0; i < MANY; i++) {
		heard(head, MUX_HEAD);
		number(MUX_T_CREDIT, i, 0);
		number(MUX_T_CREDIT, i, 0);
		wide += heard(head, MUX_HEAD) ? MUX_WIDEST - MUX_WINDOW : 0;
	}
	assert(wide > LINK_WIDE / 2 && wide <= LINK_WIDE && !broken);
	close(fds[0]);
	settle();
	frame(MUX_T_CLOSE, 0, 0);
	heard(head, MUX_HEAD);
	number(MUX_T_CREDIT, MANY - 1, 0);
	assert(credited() == MUX_WIDE - MUX_WINDOW);
}

static void
credit(void)
{
	up();
	open_client();
	number(MUX_T_CREDIT, 0, 1);
	assert(broken);
}

static void
unknown(void)
{
	up();
	frame(MUX_T_DATA, 7, 10);
	assert(broken);
}

static void
far(void)
{
	up();
	frame(MUX_T_CLOSE, 65535, 0);
	assert(broken);
}

static void
opens(void)
{
	up();
	number(MUX_T_OPEN, 0, 1);
	assert(broken);
}

static void
long_frame(void)
{
	uint8_t head[MUX_HEAD];

	up();
	open_client();
	say(head, mux_put_head(head, MUX_T_DATA, 0, MUX_MOST + 1));
	assert(broken);
}

/* The longest that an agent may send, when it has credit for that. */
static void
longest_frame(void)
{
	static const uint8_t bytes[MUX_WINDOW];
	uint8_t head[MUX_HEAD];

	up();
	open_client();
	number(MUX_T_CREDIT, 0, 0);
	number(MUX_T_CREDIT, 0, 0);
	say(head, mux_put_head(head, MUX_T_DATA, 0, MUX_MOST));
	for (size_t sent = 0, n; sent < MUX_MOST; sent += n) {
		n = MUX_MOST - sent;
		if (n > sizeof(bytes))
			n = sizeof(bytes);
		say(bytes, n);
	}
	assert(!broken);
	frame(MUX_T_CLOSE, 0, 0);
	assert(!broken);
}

static void
closing(void)
{
	uint8_t head[MUX_HEAD];

	up();
	open_client();
	frame(MUX_T_CLOSE, 0, 0);
	assert(link_used(l) == 0 && recv(client, head, 1, 0) == 0);
	assert(heard(head, MUX_HEAD) && head[0] == MUX_T_CLOSE);
	/* Its number is free again, and nobody may speak of it. */
	open_client();
	close(client);
	settle();
	assert(heard(head, MUX_HEAD) && head[0] == MUX_T_CLOSE);
	assert(link_used(l) == 1);
	frame(MUX_T_DATA, 0, 50);
	frame(MUX_T_CLOSE, 0, 0);
	assert(!broken && link_used(l) == 0);
	frame(MUX_T_DATA, 0, 50);
	assert(broken);
}

/* What a client sends stops at the window, until there is credit. */
static void
window(void)
{
	static char text[MUX_WINDOW];
	uint8_t head[MUX_HEAD];
	size_t sent = 0, got = 0, n;

	up();
	open_client();
	heard(head, MUX_HEAD);
	for (int i = 0; i < 100; i++) {
		ssize_t w = send(client, text, sizeof(text), MSG_DONTWAIT);

		sent += w > 0 ? (size_t)w : 0;
		settle();
		n = heard(head, MUX_HEAD);
		got += n;
	}
	assert(sent > MUX_WINDOW && got >= MUX_WINDOW);
	assert(got < MUX_WINDOW + 64 * MUX_HEAD);
	number(MUX_T_CREDIT, 0, 1000);
	n = heard(head, MUX_HEAD);
	assert(n == 1000 + MUX_HEAD);
}

/* Whatever a guest says: no crash, and no more than its window is kept. */
static void
fuzz(void)
{
	unsigned seed = 1;

	for (int round = 0; round < 300; round++) {
		uint8_t junk[64];

		if (!l || broken)
			return;
		if (round == 0) {
			up();
			open_client();
		}
		for (size_t i = 0; i < sizeof(junk); i++) {
			seed = seed * 1103515245 + 12345;
			junk[i] = (uint8_t)((seed >> 16) % 6);
		}
		say(junk, sizeof(junk));
	}
}

static const struct {
	const char *name;
	void (*test)(void);
} claims[] = {
	{ "noise", noise }, { "stale", stale }, { "again", again },
	{ "overrun", overrun }, { "wide", wide }, { "credit", credit },
	{ "slow", slow }, { "bound", bound },
	{ "unknown", unknown }, { "far", far }, { "opens", opens },
	{ "long", long_frame }, { "longest", longest_frame },
	{ "closing", closing }, { "window", window }, { "fuzz", fuzz },
};

int
main(int argc, char *argv[])
{
	static const struct link_events events = { on_up, on_down, on_broken,
		on_room };
	int fds[2], big = 4 << 20;

	msg_name = "linktest";
	alarm(30);
	signal(SIGPIPE, SIG_IGN);
	assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	guest = fds[1];
	assert(!loop_init());
	l = link_new(fds[0], &events, NULL);
	assert(l);
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(claims); i++) {
		if (strcmp(claims[i].name, argv[1]))
			continue;
		claims[i].test();
		link_free(l);
		return 0;
	}
	die("there is no claim '%s'", argc > 1 ? argv[1] : "");
}
