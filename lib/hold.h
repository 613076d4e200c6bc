/* hold.h - keep a machine still for as long as a connection is open
 *
 * A client of agent.sock writes "PAUSE\n" and reads "OK\n" when the machine
 * stands still. It stays so until the client has ended its side (shutdown(2)),
 * or has died; then it goes on, if it ran before, and the client reads "OK\n"
 * once more. When the machine went on earlier, because somebody else wanted
 * that, the client finds the connection closed: what it saw meanwhile is no
 * picture of one moment. Where the VMM refuses one or the other the client
 * reads "NO WHY\n", in the VMM's words. One client at a time; another reads
 * that, too.
 */
#ifndef BNG_HOLD_H
#define BNG_HOLD_H

#include <stdbool.h>

#include "loop.h"

enum {
	HOLD_WHY = 512,
	/* For an answer: before it pauses, QEMU has the disks written. */
	HOLD_SECONDS = 30,
};

/*
 * For clients: the connection; -EREMOTEIO, and why; -ETIMEDOUT; -ECANCELED
 * when the machine has ended; or another -errno.
 */
int hold_take(int vmdir, char why[HOLD_WHY]);

/* End it. 0, or as above; -ECANCELED: it did not last. */
int hold_release(int fd, char why[HOLD_WHY]);

/* For the supervisor. */
struct hold {
	struct watch w;		/* the client */
	enum { HOLD_NONE, HOLD_PAUSING, HOLD_HELD, HOLD_ENDING } state;
	bool gone;		/* it did not wait for the pause */
	bool still_before;
	/* Begin to pause, NULL, or why not; or to go on. */
	const char *(*pause)(void *ctx);
	void (*resume)(void *ctx);
	void *ctx;
};

/* Of a client that says PAUSE: take its socket over. */
void hold_begin(struct hold *h, int fd);

/* It stands still, as it was asked to; `before`: it did so already. */
void hold_paused(struct hold *h, bool before);

/* It runs, whoever wanted that, or has ended; or the VMM refuses: why. */
void hold_over(struct hold *h, const char *refusal);

#endif
