/* tell.h - a request to the agent in a machine, from a loop
 *
 * For a process that must not wait, as a supervisor. Of what the agent
 * answers, one line is kept and whether it was a success: how much memory that
 * takes is not the guest's to decide. How long it takes is; who cannot wait
 * ends it.
 */
#ifndef BNG_TELL_H
#define BNG_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "loop.h"

enum {
	TELL_WHY = 400,
	TELL_CONTROL = 1024,	/* bytes of a control frame, at most */
};

enum tell_end {
	TELL_DONE,
	TELL_REFUSED,		/* it said no, or broke the protocol */
	TELL_LOST,		/* it hung up; perhaps the machine ends */
};

struct tell {
	struct watch w;		/* w.fd is -1 when nothing is asked */
	/* Unless it is done, why not: perhaps the guest's own words. */
	void (*done)(struct tell *t, enum tell_end how, const char *why);

	/* private */
	uint8_t *request;	/* a frame; NULL when all of it is sent */
	size_t sent, size;
	bool let_in;		/* the line OK was read */
	struct frame_in frame;
	char control[TELL_CONTROL];
	size_t control_len;
	char said[TELL_WHY];	/* on stderr */
	size_t said_len;
};

/*
 * Ask it on a socket that somebody has connected to the agent: what comes
 * first is the line OK, as for a client of agent.sock. fd, which does not
 * block, is taken over. done is called later, out of the loop, unless that is
 * ended before. 0 or -errno.
 */
int tell_begin(struct tell *t, int fd, const char *request);

/* Nobody wants to know any more; nothing when nothing is asked. */
void tell_end(struct tell *t);

#endif
