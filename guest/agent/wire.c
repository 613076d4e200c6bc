/* wire.c - what carries bytes to and from the host; see wire.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <unistd.h>

#include "wire.h"

/* Below this much room, a flush comes before another frame. */
enum { ROOM_LOW = MUX_FRAME / 4 };

bool
wire_open(struct wire *w, int fd, bool port)
{
	w->port = port;
	w->from = w->len = 0;
	return end_open(&w->end, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

bool
wire_flush(struct wire *w)
{
	while (w->from < w->len && end_is(&w->end, END_OUT)) {
		ssize_t n = write(w->end.fd, w->out + w->from,
		    w->len - w->from);

		if (n >= 0)
			w->from += (size_t)n;
		else if (errno == EAGAIN)
			w->end.ready &= (uint32_t)~END_OUT;
		else if (errno != EINTR)
			return false;
	}
	if (w->from == w->len)
		w->from = w->len = 0;
	return true;
}

size_t
wire_room(struct wire *w, uint8_t **ret_p)
{
	if (w->len + ROOM_LOW > WIRE_OUT)
		wire_flush(w);
	*ret_p = w->out + w->len;
	return WIRE_OUT - w->len;
}

void
wire_put(struct wire *w, size_t n)
{
	w->len += n;
}

bool
wire_sync(struct wire *w)
{
	static const uint8_t zeros[MUX_NONCE];

	wire_flush(w);
	if (w->len)
		return false;
	w->len = mux_put_sync(w->out, zeros);
	return true;
}

long
wire_read(struct wire *w, void *buf, size_t size)
{
	ssize_t n;

	do
		n = read(w->end.fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if ((n < 0 && errno == EAGAIN) || (n == 0 && w->port)) {
		w->end.ready &= (uint32_t)~END_IN;
		return 0;
	}
	return -1;
}
