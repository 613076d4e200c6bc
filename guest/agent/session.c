/* session.c - what is kept of long-lived commands; see session.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clean.h"
#include "lock.h"
#include "name.h"
#include "ops.h"
#include "session.h"

const char *
session_home(void)
{
	const char *test = ops_harmless ? getenv("AGENT_SESSIONS") : NULL;

	return test ? test : "/run/banger/sessions";
}

bool
session_name_ok(const char *name)
{
	return name_ok(name) && strlen(name) < SESSION_NAME;
}

enum session_state
session_state(int home, const char *name)
{
	autoclose int dir = openat(home, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool runs;

	if (dir < 0)
		return SESSION_NONE;
	/* In this order: the end is on record before the keeper goes. */
	runs = lock_held(dir, "lock") == 1;
	if (!faccessat(dir, "end", F_OK, 0))
		return SESSION_ENDED;
	return runs ? SESSION_RUNS : SESSION_LOST;
}

int
session_connect(const char *name, char *why, size_t size)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/%s/sock",
	    session_home(), name);
	autoclose int home = open(session_home(), O_PATH | O_CLOEXEC);
	autoclose int fd = socket(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && n < (int)sizeof(to.sun_path) &&
	    !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return steal_fd(&fd);
	switch (session_state(home, name)) {
	case SESSION_NONE:
		snprintf(why, size, "there is no session '%s'", name);
		break;
	case SESSION_RUNS:
		snprintf(why, size, "session '%s' is busy", name);
		break;
	default:
		snprintf(why, size, "session '%s' has ended", name);
	}
	return -1;
}
