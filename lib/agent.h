/* agent.h - a request to the agent in a machine, seen from the host
 *
 *	int fd = agent_connect(dir, AGENT_WAITING, 0, NULL, why);
 *	struct talk t = { .sock = fd, .in = 0, .out = 1, .err = 2 };
 *	int status = talk_run(&t, request);
 */
#ifndef BNG_AGENT_H
#define BNG_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doubt.h"
#include "frame.h"

/*
 * Ports of agent.sock: one answers once the machine is configured, the other
 * when there is an agent.
 */
enum agent_port { AGENT_WAITING = 1, AGENT_AT_ONCE = 2 };

enum {
	TALK_WHY = 512,
	TALK_TEXT_MAX = 1 << 20,	/* what a gathered answer may hold */
	AGENT_EARLY = 32 << 10,		/* a socket holds that */
};

/*
 * Connect to the agent of the machine whose directory this is, waiting for
 * some seconds at most, if that is not 0. A descriptor; -ENOENT when it is not
 * running, -ETIMEDOUT, -ECONNRESET when it ended before it was ready (why then
 * says what is known), or -errno. A request of AGENT_EARLY bytes at most may go
 * with it (else NULL), so that the agent has it as soon as it can be reached.
 */
int agent_connect(int dirfd, enum agent_port port, int seconds,
    const char *request, char why[TALK_WHY]);

/*
 * Ask the same agent for a sign of life: a descriptor to wait for, or -errno.
 * Readable, agent_probed says whether that was one (1), or not yet (0); what
 * ends the connection is one too.
 */
int agent_probe(int dirfd);
int agent_probed(int fd);

/* One request, and where its streams go. */
struct talk {
	int sock;
	const char *vm;		/* its name for people; NULL: wait silently */
	int dir;		/* the machine's, with vm or signals */
	int in;			/* -1: none */
	int out, err;		/* -1: gathered in text */
	bool tty;		/* in is a terminal whose size is passed on */
	bool signals;		/* those we get are passed on */
	bool patient;		/* in is not read before the first answer */
	bool session;		/* attach: only we leave, the command goes on */
	bool reader;		/* when nobody reads out any more, leave */
	char *text[2];		/* what was gathered: stdout, stderr */
	size_t text_len[2];
	char why[TALK_WHY];	/* what went wrong */
	bool answered;		/* the agent took the request */

	/* private */
	struct frame_in frame;
	char *control;
	size_t control_len;
	uint8_t *send;
	size_t send_from, send_len, send_size;
	bool input_over;
	int status;
	int signal;		/* the last that was passed on */
	int64_t signalled;	/* when the first was, in ms */
	struct doubt doubt;	/* that the guest lives */
};

enum { TALK_FAILED = -1, TALK_LOST = -2, TALK_LEFT = -3 };

enum { TALK_KEY = 0x1d };	/* Ctrl-]: leave a session on a terminal */

/*
 * Send the request (a JSON object; NULL: it is sent), relay until the last
 * answer. The exit status in it (0 when it has none), TALK_FAILED when the
 * agent refused or broke the protocol, TALK_LOST when the connection ended: why
 * says more. TALK_LEFT when we went before the command did. Where the guest
 * gives no sign of life from the start, the person is told, and some minutes
 * later it has failed; what has been answered once may take as long as it
 * likes.
 */
int talk_run(struct talk *t, const char *request);

#endif
