/* relay.h - pass bytes between pairs of sockets
 *
 * 1. Both sockets are stream sockets, non-blocking. What one gives is written
 *    to the other at once; what that does not take is kept, RELAY_KEEP bytes
 *    at most, and no more is read before it has gone. So memory is bounded
 *    and a side that stalls stalls its peer.
 * 2. The client is not read before the server has spoken: its first bytes
 *    answer who connected the two.
 * 3. A pair ends when the client is gone, or when the server is and the
 *    client has all it said. A client may stop writing and go on reading.
 */
#ifndef BNG_RELAY_H
#define BNG_RELAY_H

#include <stdbool.h>

enum { RELAY_KEEP = 65536 };

struct relay;

/* The pairs of one owner, who must not free it in `over`. */
struct relays {
	struct relay *first;
	unsigned count;
	/* A pair has ended; whether the client had said anything. */
	void (*over)(void *ctx, bool asked);
	void *ctx;
};

/* Take both over, also when it fails. 0 or -errno. */
int relay_start(struct relays *all, int client, int server);

/* Tell those that are there now from those that come; end the former. */
void relays_age(struct relays *all);
void relays_drop_aged(struct relays *all);

/* End all. Like the above it tells nobody. */
void relays_drop(struct relays *all);

#endif
