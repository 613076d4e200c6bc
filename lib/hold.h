/* hold.h - keep a machine still for as long as a connection is open
 *
 * A client of agent.sock writes "PAUSE\n" and reads "OK\n" when the machine
 * stands still. It stays so until the client has ended its side (shutdown(2)),
 * or has died; then it goes on, if it ran before, and the client reads "OK\n"
 * once more. When the machine went on earlier, because somebody else wanted
 * that, the client finds the connection closed: what it saw meanwhile is no
 * picture of one moment. One client at a time; another is hung up on.
 */
#ifndef BNG_HOLD_H
#define BNG_HOLD_H

#include <stdbool.h>

#include "loop.h"

/* For clients: the connection, -EBUSY when it cannot be held, or -errno. */
int hold_take(int vmdir);

/* End it. 0, or -ECANCELED when it did not last. */
int hold_release(int fd);

/* For the supervisor. */
struct hold {
	struct watch w;		/* the client */
	enum { HOLD_NONE, HOLD_PAUSING, HOLD_HELD, HOLD_ENDING } state;
	bool gone;		/* it did not wait for the pause */
	bool still_before;
	/* Begin to pause (false: not now), or to go on. */
	bool (*pause)(void *ctx);
	void (*resume)(void *ctx);
	void *ctx;
};

/* Of a client that says PAUSE: take its socket over. */
void hold_begin(struct hold *h, int fd);

/* It stands still, as it was asked to; `before`: it did so already. */
void hold_paused(struct hold *h, bool before);

/* It runs, whoever wanted that, or has ended; not `well`: it does neither. */
void hold_over(struct hold *h, bool well);

#endif
