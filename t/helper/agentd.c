/* agentd - agent.sock without a machine behind it
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: agentd DIR AGENT		each connection an "AGENT -s" of its own
 *        agentd -m DIR AGENT	all on one "AGENT -m", over the link layer
 *        agentd -p DIR FD	all on FD, the other side of a chardev
 *
 * Writes a line to stdout once DIR/agent.sock can be connected to.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bng.h"
#include "dirs.h"
#include "mux.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

enum { CLIENTS = 256 };

struct client {
	int fd;			/* -1: free */
	bool open, got_close, sent_close, eof;
	struct mux_window window;
	uint8_t buf[MUX_WINDOW];	/* for the client */
	size_t len;
};

static struct client *clients[CLIENTS];
static int link_fd;
static bool in_step;
static uint8_t nonce[MUX_NONCE] = "a nonce of ours";

static void
send_link(const uint8_t *p, size_t n)
{
	int r = write_all(link_fd, p, n);

	if (r)
		die("cannot write to the link: %s", strerror(-r));
}

static int
on_hello(void *ctx, const uint8_t got[MUX_NONCE])
{
	uint8_t out[MUX_HELLO];

	(void)ctx;
	if (!memcmp(got, nonce, MUX_NONCE)) {
		if (!in_step && write(STDOUT_FILENO, "ready\n", 6) != 6)
			return -EPIPE;
		in_step = true;
		return 0;
	}
	in_step = false;
	send_link(out, mux_put_hello(out, nonce));
	return 0;
}

static int
on_open(void *ctx, uint16_t stream, uint32_t port)
{
	(void)ctx;
	(void)stream;
	(void)port;
	return -EPROTO;
}

static int
on_data(void *ctx, uint16_t stream, const uint8_t *p, size_t n)
{
	struct client *c = stream < CLIENTS ? clients[stream] : NULL;

	(void)ctx;
	if (!in_step)
		return 0;
	if (!c || !c->open || mux_window_got(&c->window, n))
		die("stream %d: data out of turn", stream);
	memcpy(c->buf + c->len, p, n);
	c->len += n;
	return 0;
}

static int
on_credit(void *ctx, uint16_t stream, uint32_t n)
{
	struct client *c = stream < CLIENTS ? clients[stream] : NULL;

	(void)ctx;
	return c && c->open ? mux_window_grant(&c->window, n) : 0;
}

static int
on_close(void *ctx, uint16_t stream)
{
	struct client *c = stream < CLIENTS ? clients[stream] : NULL;

	(void)ctx;
	if (!c || !c->open)
		return -EPROTO;
	c->got_close = true;
	return 0;
}

static const struct mux_events events = { on_hello, on_open, on_data,
	on_credit, on_close };

/* The CONNECT line, one byte at a time: this is a test. */
static bool
greet(int fd)
{
	char c = 0;

	while (c != '\n')
		if (read(fd, &c, 1) != 1)
			return false;
	return write(fd, "OK 1\n", 5) == 5;
}

static void
accept_client(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	uint8_t out[MUX_HEAD + 4];

	if (fd < 0)
		die_sys("cannot accept");
	if (!greet(fd)) {
		close(fd); /* it has gone meanwhile */
		return;
	}
	for (uint16_t i = 0; i < CLIENTS; i++) {
		struct client *c = clients[i];

		if (c && c->open)
			continue;
		if (!c)
			c = clients[i] = xcalloc(1, sizeof(*c));
		memset(c, 0, offsetof(struct client, buf));
		c->len = 0;
		c->fd = fd;
		c->open = true;
		mux_window_init(&c->window);
		send_link(out, mux_put_u32(out, MUX_T_OPEN, i, 1));
		return;
	}
	close(fd);
}

static void
from_client(uint16_t i, struct client *c)
{
	uint8_t out[MUX_FRAME];
	size_t room = c->window.send < MUX_DATA ? c->window.send : MUX_DATA;
	ssize_t n = recv(c->fd, out + MUX_HEAD, room, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		c->eof = true;
		return;
	}
	mux_put_head(out, MUX_T_DATA, i, (uint32_t)n);
	c->window.send -= (uint32_t)n;
	send_link(out, MUX_HEAD + (size_t)n);
}

static void
to_client(uint16_t i, struct client *c)
{
	uint8_t out[MUX_HEAD + 4];
	uint32_t due;
	ssize_t n = 0;

	if (c->len)
		n = send(c->fd, c->buf, c->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN) {
		c->eof = true;
		n = (ssize_t)c->len;
	}
	if (n > 0) {
		c->len -= (size_t)n;
		memmove(c->buf, c->buf + n, c->len);
	}
	due = mux_window_due(&c->window, c->len);
	if (due && !c->got_close)
		send_link(out, mux_put_u32(out, MUX_T_CREDIT, i, due));
	if ((c->eof || (c->got_close && !c->len)) && !c->sent_close) {
		send_link(out, mux_put_head(out, MUX_T_CLOSE, i, 0));
		c->sent_close = true;
		close(c->fd);
		c->fd = -1;
	}
	if (c->sent_close && c->got_close)
		c->open = false;
}

/* An agent of before may have left of a frame all but its head unsaid. */
noreturn_fn static void
serve_link(int listener, bool cut)
{
	static uint8_t buf[1 << 16];
	struct mux_in in = { .left = cut ? MUX_MOST : 0 };

	for (;;) {
		struct pollfd p[CLIENTS + 2] = {
			{ .fd = link_fd, .events = POLLIN },
			{ .fd = in_step ? listener : -1, .events = POLLIN } };
		ssize_t n;

		for (int i = 0; i < CLIENTS; i++) {
			struct client *c = clients[i];

			p[i + 2].fd = c && c->open ? c->fd : -1;
			if (p[i + 2].fd < 0)
				continue;
			p[i + 2].events = (short)((c->len ? POLLOUT : 0) |
			    (c->window.send ? POLLIN : 0));
		}
		if (poll(p, CLIENTS + 2, -1) < 0)
			die_sys("cannot poll");
		if (p[0].revents) {
			n = read(link_fd, buf, sizeof(buf));
			if (n <= 0)
				exit(0);
			if (mux_feed(&in, buf, (size_t)n, &events, NULL))
				die("the agent broke the link's protocol");
		}
		for (uint16_t i = 0; i < CLIENTS; i++) {
			if (!clients[i] || !clients[i]->open)
				continue;
			if (p[i + 2].fd >= 0 && (p[i + 2].revents & ~POLLOUT))
				from_client(i, clients[i]);
			to_client(i, clients[i]);
		}
		if (p[1].revents)
			accept_client(listener);
	}
}

/* Run AGENT with one end of a socket pair; ours is the result. */
static int
start_agent(const char *agent, const char *flag, int listener)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		die_sys("cannot make a socket pair");
	if (!fork()) {
		close(listener);
		dup2(sv[1], 3);
		execl(agent, agent, flag, "3", (char *)NULL);
		_exit(127);
	}
	close(sv[1]);
	return sv[0];
}

noreturn_fn static void
serve_plain(int listener, const char *agent)
{
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		exit(1);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			die_sys("cannot accept");
		if (fork()) {
			close(fd);
			continue;
		}
		if (!greet(fd))
			_exit(1);
		signal(SIGCHLD, SIG_DFL);
		dup2(fd, 3);
		execl(agent, agent, "-s", "3", (char *)NULL);
		_exit(127);
	}
}

int
main(int argc, char *argv[])
{
	bool mux = argc == 4 && !strcmp(argv[1], "-m");
	bool port = argc == 4 && !strcmp(argv[1], "-p");
	const char *dir = argc == 4 ? argv[2] : argv[1];
	int dirfd, listener;

	msg_name = "agentd";
	if (argc != 3 && !mux && !port)
		return 100;
	signal(SIGPIPE, SIG_IGN);
	dirfd = xopen(dir, O_RDONLY | O_DIRECTORY, 0);
	unlinkat(dirfd, "agent.sock", 0);
	listener = sock_listen_at(dirfd, "agent.sock", 64);
	if (listener < 0)
		die("cannot listen: %s", strerror(-listener));
	if (!mux && !port)
		serve_plain(listener, argv[2]);
	link_fd = port ? (int)strtol(argv[3], NULL, 10) :
	    start_agent(argv[3], "-m", listener);
	serve_link(listener, mux);
}
