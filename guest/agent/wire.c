/* wire.c - what carries bytes to and from the host; see wire.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "wire.h"

enum {
	ROOM_LOW = MUX_FRAME / 4,	/* with less, flush before a frame */
	STAGE_SIZE = 2 * FRAME_WIDE,	/* a power of two; heads have a page */
};

bool
wire_open(struct wire *w, int fd, bool port)
{
	w->port = port;
	w->stages = false;
	w->staged = w->pad = w->from = w->len = 0;
	return end_open(&w->end, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

/* A wire that takes pages says of none that there are none. */
static bool
takes_pages(const struct wire *w)
{
	return splice(w->stage[0], NULL, w->end.fd, NULL, 1,
	    SPLICE_F_NONBLOCK) == 0 || errno == EAGAIN;
}

void
wire_stage(struct wire *w)
{
	if (pipe2(w->stage, O_CLOEXEC | O_NONBLOCK))
		return;
	w->stages = fcntl(w->stage[0], F_SETPIPE_SZ, STAGE_SIZE) >= 0 &&
	    takes_pages(w);
	if (w->stages)
		return;
	close(w->stage[0]);
	close(w->stage[1]);
}

static ssize_t
send_some(struct wire *w)
{
	/* In front of the buffer is a sync, which begins with such bytes. */
	if (w->pad)
		return write(w->end.fd, w->out,
		    w->pad < MUX_FRAME ? w->pad : MUX_FRAME);
	if (w->staged)
		return splice(w->stage[0], NULL, w->end.fd, NULL, w->staged,
		    SPLICE_F_NONBLOCK);
	return write(w->end.fd, w->out + w->from, w->len - w->from);
}

static void
went(struct wire *w, size_t n)
{
	if (w->pad)
		w->pad -= n;
	else if (w->staged)
		w->staged -= n;
	else
		w->from += n;
}

bool
wire_flush(struct wire *w)
{
	while ((w->pad || w->staged || w->from < w->len) &&
	    end_is(&w->end, END_OUT)) {
		ssize_t n = send_some(w);

		if (n > 0)
			went(w, (size_t)n);
		else if (n == 0)
			return false;	/* pages were lost: out of memory */
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
	if (w->len + ROOM_LOW > WIRE_ROOM)
		wire_flush(w);
	*ret_p = w->out + w->len;
	return w->len < WIRE_ROOM ? WIRE_ROOM - w->len : 0;
}

void
wire_put(struct wire *w, size_t n)
{
	w->len += n;
}

bool
wire_moves(struct wire *w)
{
	wire_flush(w);
	return w->stages && !w->pad && !w->staged && !w->len;
}

/* All that is staged goes into the buffer, which is empty, after all. */
static uint8_t *
unstage(struct wire *w)
{
	while (w->len < w->staged) {
		ssize_t n = read(w->stage[0], w->out + w->len,
		    w->staged - w->len);

		if (n <= 0)
			break;	/* nobody else reads it */
		w->len += (size_t)n;
	}
	w->staged = 0;
	return w->out;
}

size_t
wire_move(struct wire *w, int fd, const uint8_t *head, size_t n, size_t most,
    uint8_t **ret_p)
{
	ssize_t moved;

	if (write(w->stage[1], head, n) != (ssize_t)n)
		return 0;	/* there was no memory: all or nothing */
	moved = splice(fd, NULL, w->stage[1], NULL, most, SPLICE_F_NONBLOCK);
	if (moved < 0)
		moved = 0;
	w->staged = n + (size_t)moved;
	if ((size_t)moved < most) {
		*ret_p = unstage(w);
		if (!moved)
			w->len = 0;
	}
	return (size_t)moved;
}

bool
wire_sync(struct wire *w)
{
	static const uint8_t zeros[MUX_NONCE];

	wire_flush(w);
	if (w->len || w->staged || w->pad)
		return false;
	/* The peer may lack so much more of a frame than a sync fills up. */
	w->pad = MUX_HEAD + MUX_MOST - MUX_FRAME;
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
