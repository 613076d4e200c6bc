/* wire.h - what carries bytes to and from the host
 *
 * A virtio-serial port or a socket. Everything that goes out is first put
 * together in one buffer, whole frames at a time, so that it leaves in few
 * and large writes and a frame that does not fit is not begun.
 */
#ifndef AGENT_WIRE_H
#define AGENT_WIRE_H

#include "loop.h"
#include "mux.h"

enum { WIRE_OUT = 8 * MUX_FRAME };	/* half of a wide window */

struct wire {
	struct end end;
	bool port;		/* reading nothing is not the end */
	size_t from, len;	/* what of out is still to be written */
	uint8_t out[WIRE_OUT];
};

bool wire_open(struct wire *w, int fd, bool port);

/* Write what can be written. False: the wire is broken. */
bool wire_flush(struct wire *w);

/* How much room there is, at *ret_p; flushes to make some. */
size_t wire_room(struct wire *w, uint8_t **ret_p);

/* n bytes were put there. */
void wire_put(struct wire *w, size_t n);

/* Put a mux_sync of zeros behind all else; false if there is no room yet. */
bool wire_sync(struct wire *w);

/* A count, 0 when there is nothing now, -1 at the end. */
long wire_read(struct wire *w, void *buf, size_t size);

#endif
