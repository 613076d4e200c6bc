/* netguard.h - what a guest sends to QEMU's user network passes by here first
 *
 * That network makes a connection of the host's for each of the guest's: to
 * where it says, or, for all of 10.0.2.0/24 but the resolver, to the host's
 * loopback; and nothing keeps a guest from asking for 127.0.0.1 itself. QEMU
 * has no option against either. So its filter-redirector gives each frame
 * away, and takes back what is passed on: what is not for the host alone.
 *
 * 1. What comes back to the guest does not pass here.
 * 2. Never waited for: QEMU waits until its frames are taken. What it does
 *    not take back at once is dropped, frame by frame, as a network may.
 * 3. Were its descriptors closed, QEMU would pass everything on. So they stay
 *    open until QEMU has ended.
 */
#ifndef BNG_NETGUARD_H
#define BNG_NETGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

enum {
	NETGUARD_HEAD = 4,	/* a frame's length, big endian */
	NETGUARD_FRAME = 69632,	/* QEMU's largest */
};

struct netguard {
	struct watch from, back;
	void (*broken)(void *ctx);
	void *ctx;
	uint8_t *buf;		/* of frames, the last one perhaps cut off */
	size_t have;
	uint8_t *rest;		/* of a frame that was taken in part */
	size_t rest_len;
};

/*
 * Watch frames come at from, and send them back; both are sockets, not
 * blocking, and closed by netguard_free. broken is called when what comes is
 * no frame. 0 or -errno.
 */
int netguard_init(struct netguard *g, int from, int back,
    void (*broken)(void *ctx), void *ctx);

/* All zeros is fine. */
void netguard_free(struct netguard *g);

/* Whether a frame is let through. */
bool netguard_lets(const uint8_t *frame, size_t n);

#endif
