/* link.c - how clients reach the agent; see link.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "file.h"
#include "link.h"

enum { CHUNK = 64 * 1024 };	/* read from a wire at once */

struct link {
	struct wire wire;
	struct mux_in in;
	bool sync;		/* the host is to be greeted anew */
	bool hello;		/* its nonce is to be returned */
	uint8_t nonce[MUX_NONCE];
	uint16_t refused[CONNS_MAX];
	unsigned int n_refused;
};

static int
on_hello(void *ctx, const uint8_t nonce[MUX_NONCE])
{
	struct link *l = ctx;

	conns_drop();
	l->n_refused = 0;
	memcpy(l->nonce, nonce, MUX_NONCE);
	l->hello = true;
	return 0;
}

static int
on_open(void *ctx, uint16_t stream, uint32_t to)
{
	struct link *l = ctx;

	(void)to; /* every port is the agent */
	if (conn_find(stream))
		return -EPROTO;
	if (conn_open(&l->wire, true, stream))
		return 0;
	if (l->n_refused == CONNS_MAX)
		return -EPROTO;
	l->refused[l->n_refused++] = stream;
	return 0;
}

static int
on_data(void *ctx, uint16_t stream, const uint8_t *p, size_t n)
{
	struct conn *c = conn_find(stream);

	(void)ctx;
	if (!c)
		return 0;
	if (c->deaf || mux_window_got(&c->window, n))
		return -EPROTO;
	conn_data(c, p, n);
	return 0;
}

static int
on_credit(void *ctx, uint16_t stream, uint32_t n)
{
	struct conn *c = conn_find(stream);

	(void)ctx;
	return c ? mux_window_grant(&c->window, n) : 0;
}

static int
on_close(void *ctx, uint16_t stream)
{
	struct conn *c = conn_find(stream);

	(void)ctx;
	if (c)
		conn_hangup(c);
	return 0;
}

/* Returns whether there was anything; *ret_end is set at the end. */
static bool
receive(struct link *l, bool *ret_end)
{
	static const struct mux_events events = { on_hello, on_open, on_data,
		on_credit, on_close };
	static uint8_t buf[CHUNK];
	size_t have = 0;
	long n = 0;

	/* A port gives no more than 4 KiB at a time. */
	while (have < CHUNK && end_is(&l->wire.end, END_IN)) {
		n = wire_read(&l->wire, buf + have, CHUNK - have);
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (mux_feed(&l->in, buf, have, &events, l)) {
		memset(&l->in, 0, sizeof(l->in));
		conns_drop();
		l->n_refused = 0;
		l->sync = true;
	}
	*ret_end = n < 0;
	return have;
}

/* What belongs to no connection. */
static bool
greet(struct link *l)
{
	uint8_t *p;

	if (l->sync) {
		if (!wire_sync(&l->wire))
			return false;
		l->sync = l->hello = false;
		return true;
	}
	if (l->hello && wire_room(&l->wire, &p) >= MUX_HELLO) {
		wire_put(&l->wire, mux_put_hello(p, l->nonce));
		l->hello = false;
		return true;
	}
	while (l->n_refused && wire_room(&l->wire, &p) >= MUX_HEAD)
		wire_put(&l->wire, mux_put_head(p, MUX_T_CLOSE,
		    l->refused[--l->n_refused], 0));
	return false;
}

int
link_mux(int fd, bool port)
{
	static struct link l;
	bool busy = false, end = false;

	if (!wire_open(&l.wire, fd, port))
		return -1;
	wire_stage(&l.wire);
	l.sync = true;
	while (!end && loop_wait(busy)) {
		busy = receive(&l, &end);
		busy |= greet(&l);
		if (!l.sync && !l.hello)
			busy |= conns_pump();
		jobs_tend();
		if (!wire_flush(&l.wire))
			break;
	}
	conns_drop();
	return 0;
}

int
link_find_port(const char *name)
{
	static const char sys[] = "/sys/class/virtio-ports";
	autoclosedir DIR *d = opendir(sys);
	struct dirent *e;
	char path[sizeof(sys) + 300], is[64];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/name", sys, e->d_name);
		if (file_line(AT_FDCWD, path, is, sizeof(is)) < 0 ||
		    strcmp(is, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	errno = ENODEV;
	return -1;
}
