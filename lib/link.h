/* link.h - the host's end of a mux link (mux.h): clients' sockets on one port
 *
 * 1. The port is a stream socket to QEMU, non-blocking; so are the clients'.
 * 2. A client is read only while its stream has credit and the port takes a
 *    frame; what the guest sends is written to the client at once, and the
 *    rest kept: at most the window of the stream, allocated when needed and
 *    freed when drained. Windows are widened while what they have grown by
 *    stays below LINK_WIDE bytes. Credit is granted as the client takes its
 *    bytes, so one that reads slowly stalls its own stream and no other.
 * 3. Control frames are not queued: they follow from the state of a stream
 *    when the port has room, so nothing a peer does makes memory grow.
 * 4. Until the agent has returned the nonce, all but HELLO is skipped. A
 *    guest that breaks the protocol afterwards loses the link for good.
 */
#ifndef BNG_LINK_H
#define BNG_LINK_H

#include <stdbool.h>

#include "loop.h"
#include "mux.h"

enum {
	LINK_STREAMS = 256,
	LINK_WIDE = 16 << 20,
};

struct link;

/* What the link tells its owner, who must not free it meanwhile. */
struct link_events {
	void (*up)(void *ctx);		/* an agent is in step */
	void (*down)(void *ctx);	/* another agent is about to be */
	void (*broken)(void *ctx, const char *why);
	void (*room)(void *ctx);	/* a stream has ended */
};

/* Take over the port. NULL and errno on failure. */
struct link *link_new(int port, const struct link_events *ev, void *ctx);

/* The guest believes in a link that is gone (a restore): begin anew. 0 or
 * -errno. */
int link_anew(struct link *l);

/* Close the port and every client. */
void link_free(struct link *l);

/* Streams in use, those included that wait for the agent's CLOSE. */
unsigned link_used(const struct link *l);

/*
 * Carry this client to the agent's port `to`, after telling it so (OK). It
 * takes fd over, also when it fails: 0 or -errno.
 */
int link_open(struct link *l, int fd, uint32_t to);

#endif
