/* output.c - what a job writes, on its way to its client; see output.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "output.h"

enum {
	PIECES = WIRE_ROOM / MUX_FRAME,
	PAGE = 4096,
	MOVE_LEAST = 4 * PAGE,	/* less is copied faster than it is moved */
};

_Static_assert(FRAME_HEAD + FRAME_WIDE <= MUX_MOST, "a wide frame fits");

/* --- by copying ------------------------------------------------------- */

/* What one read may fill: as many frames as there is room for. */
static int
room_for_many(struct conn *c, struct iovec iov[PIECES])
{
	const size_t mux = c->muxed ? MUX_HEAD : 0;
	size_t room, size, credit = c->muxed ? c->window.send : WIRE_ROOM;
	uint8_t *p;
	int n = 0;

	for (room = wire_room(c->wire, &p); n < PIECES; n++) {
		size = min_size(min_size(room, MUX_FRAME), credit + mux);
		if (size <= mux + FRAME_HEAD)
			break;
		iov[n].iov_base = p + mux + FRAME_HEAD;
		iov[n].iov_len = size - mux - FRAME_HEAD;
		p += size;
		room -= size;
		credit -= size - mux;
	}
	return n;
}

/* The n bytes of these pieces are output; no bytes are a frame as well. */
static void
sent_many(struct conn *c, const struct iovec *iov, size_t n,
    enum frame_channel channel)
{
	do {
		size_t part = min_size(n, iov->iov_len);
		uint8_t *p = (uint8_t *)iov->iov_base - FRAME_HEAD;

		frame_put_head(p, channel, (uint32_t)part);
		conn_sent(c, p, FRAME_HEAD + part);
		n -= part;
		iov++;
	} while (n);
}

/*
 * A whole pipe of it if that may be sent: each read wakes the writer, who runs
 * at once until the pipe is full again, and under emulation going there and
 * back costs more than all the copying.
 */
static bool
copy(struct conn *c, struct end *e, enum frame_channel channel)
{
	struct iovec iov[PIECES];
	int pieces = room_for_many(c, iov);
	ssize_t n;

	if (!pieces)
		return false;
	n = readv(e->fd, iov, pieces);
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN) {
		e->ready = 0;
		return false;
	}
	/* A terminal that nobody has open any more ends with EIO. */
	if (n <= 0) {
		end_close(e);
		if (c->job->pid)
			return true;
		n = 0; /* a socket's end is passed on */
	}
	loop_moved((size_t)n);
	sent_many(c, iov, (size_t)n, channel);
	return true;
}

/* --- by moving pages -------------------------------------------------- */

/* How many bytes may be moved now: 0, or enough to be worth it. */
static size_t
movable(const struct conn *c, const struct end *e)
{
	size_t most = min_size(FRAME_WIDE, c->window.send < FRAME_HEAD ? 0 :
	    c->window.send - FRAME_HEAD);
	int there = 0;

	if (!c->muxed || !c->wire->stages || !c->job->pid || c->job->tty ||
	    most < MOVE_LEAST || ioctl(e->fd, FIONREAD, &there))
		return 0;
	/* A page of which only a part goes would be copied, twice. */
	if ((size_t)there > most)
		most -= most % PAGE;
	most = min_size(most, (size_t)there);
	return most < MOVE_LEAST ? 0 : most;
}

static size_t
put_heads(const struct conn *c, uint8_t *p, enum frame_channel channel,
    size_t n)
{
	mux_put_head(p, MUX_T_DATA, c->stream, (uint32_t)(FRAME_HEAD + n));
	frame_put_head(p + MUX_HEAD, channel, (uint32_t)n);
	return MUX_HEAD + FRAME_HEAD;
}

/* So many bytes in one frame; less if somebody else reads this pipe, too. */
static bool
move(struct conn *c, struct end *e, enum frame_channel channel, size_t most)
{
	uint8_t heads[MUX_HEAD + FRAME_HEAD], *p = NULL;
	size_t n = wire_move(c->wire, e->fd, heads,
	    put_heads(c, heads, channel, most), most, &p);

	if (!n)
		return false;
	if (p)
		put_heads(c, p, channel, n);
	c->window.send -= (uint32_t)(FRAME_HEAD + n);
	loop_moved(n);
	wire_flush(c->wire);
	return true;
}

bool
output_pump(struct conn *c, struct end *e, enum frame_channel channel)
{
	size_t most = end_is(e, END_IN) ? movable(c, e) : 0;

	if (!end_is(e, END_IN))
		return false;
	if (most && !wire_moves(c->wire))
		return false;	/* it will say when it has room */
	return (most && move(c, e, channel, most)) || copy(c, e, channel);
}
