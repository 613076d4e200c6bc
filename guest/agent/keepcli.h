/* keepcli.h - the clients of a session's keeper: who is attached, who sends
 *
 * A client's first frame says what it wants: session.attach, session.send,
 * session.stop or session.kill (doc/agent-protocol.md). One that closes is
 * forgotten; nothing happens to the session.
 */
#ifndef AGENT_KEEPCLI_H
#define AGENT_KEEPCLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job.h"
#include "loop.h"
#include "ring.h"

struct keepcli;

struct keeper {
	const char *name;
	int dir;
	bool tty, input;
	struct job *job;
	struct ring ring[2];	/* stdout, stderr */
	uint64_t at[2];		/* up to where somebody attached was sent it */
	size_t left[2];		/* how much more of each stream is taken */
	bool over;		/* the command ended, all it wrote is kept */
	struct end listener, timer;
	int64_t grace;		/* seconds until the command is killed */
	struct keepcli *clients, *attached;
	struct keepcli *writer;	/* whose frame the command is reading */
};

/* Listen as home/name/sock. A descriptor, or -1: errno says why. */
int keepcli_listen(const char *home, const char *name);

/* Let in who has come; whether there was anybody. */
bool keepcli_accept(struct keeper *k);

/* Do for all what can be done now; whether there is more. */
bool keepcli_serve(struct keeper *k);

/* TERM now (HUP on a terminal), KILL after so long. */
void keeper_stop(struct keeper *k, int64_t seconds);

#endif
