/* wire.h - what carries bytes to and from the host
 *
 * A virtio-serial port or a socket. Everything that goes out is first put
 * together in one buffer, whole frames at a time, so that it leaves in few
 * and large writes and a frame that does not fit is not begun.
 *
 * What is in a pipe already need not be copied: its pages are moved into a
 * pipe of our own (the stage), behind the frame's head, and from there to the
 * wire. What is staged goes before what is in the buffer; it is staged only
 * where the buffer is empty. A wire that takes no pages is written to.
 */
#ifndef AGENT_WIRE_H
#define AGENT_WIRE_H

#include "frame.h"
#include "loop.h"
#include "mux.h"

enum {
	WIRE_ROOM = 8 * MUX_FRAME,	/* for what is put together */
	/* For the longest frame, half of the widest window: seldom used. */
	WIRE_OUT = MUX_HEAD + FRAME_HEAD + FRAME_WIDE,
};

struct wire {
	struct end end;
	bool port;		/* reading nothing is not the end */
	bool stages;		/* pages can be moved */
	int stage[2];		/* the pipe that they wait in, */
	size_t staged;		/* and how many bytes are in it */
	size_t pad;		/* bytes of PAD that go before all else */
	size_t from, len;	/* what of out is still to be written */
	uint8_t out[WIRE_OUT];
};

bool wire_open(struct wire *w, int fd, bool port);

/* From now on wire_move may work. */
void wire_stage(struct wire *w);

/* Write what can be written. False: the wire is broken. */
bool wire_flush(struct wire *w);

/* How much room there is, at *ret_p; flushes to make some. */
size_t wire_room(struct wire *w, uint8_t **ret_p);

/* n bytes were put there. */
void wire_put(struct wire *w, size_t n);

/*
 * Whether a frame of pages may be begun: everything before is on its way.
 * Flushes for that.
 */
bool wire_moves(struct wire *w);

/*
 * Send a head of n bytes and then `most` bytes that are in the pipe fd, when
 * wire_moves: how many were there. If that is not as many as the head says,
 * all is in the buffer, at *ret_p, for the head to be put right.
 */
size_t wire_move(struct wire *w, int fd, const uint8_t *head, size_t n,
    size_t most, uint8_t **ret_p);

/* Put a mux_sync of zeros behind all else; false if there is no room yet. */
bool wire_sync(struct wire *w);

/* A count, 0 when there is nothing now, -1 at the end. */
long wire_read(struct wire *w, void *buf, size_t size);

#endif
