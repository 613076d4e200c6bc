/* session.h - long-lived commands: what is kept of each, and where
 *
 * The directory of a session is below session_home(), in memory, so that a
 * full or read-only disk does not matter to it; a reboot ends all sessions.
 *
 *	lock		held by its keeper (keeper.h) as long as that lives
 *	about		{"name","command","cwd","stdin","tty","pid","started"}
 *	end		{"ended","exit"} or {"ended","signal"}, once it is over
 *	attached	{"who","since"}, while somebody is
 *	sock		where its keeper listens, while it runs
 *	stdout stderr	rings (ring.h); a terminal's output is all stdout
 *
 * One that has neither an end nor a keeper was lost.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SESSION_NAME = 64,	/* with its NUL */
	SESSIONS_MAX = 32,	/* those that have ended included */
};

enum session_state { SESSION_NONE, SESSION_RUNS, SESSION_ENDED, SESSION_LOST };

/* A directory; another for a test on a host. */
const char *session_home(void);

bool session_name_ok(const char *name);

/* Whether there is such a session below home, and is it running. */
enum session_state session_state(int home, const char *name);

/*
 * Connect to the keeper of a session, non-blocking. A descriptor; or -1, why
 * being a sentence.
 */
int session_connect(const char *name, char *why, size_t size);

#endif
