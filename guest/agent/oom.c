/* oom.c - see oom.h
 *
 * SPDX-License-Identifier: MIT
 *
 * A child is born with its parent's score. For one to look for its own file
 * in /proc costs more than all else that it does before it is the command.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "oom.h"

static int score = -1;		/* our oom_score_adj; -1: we are not spared */

static bool
put(const char *text)
{
	return pwrite(score, text, strlen(text), 0) == (ssize_t)strlen(text);
}

bool
oom_exempt(void)
{
	score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	return score >= 0 && put("-1000");
}

pid_t
oom_fork(void)
{
	pid_t pid;
	int why;

	if (score < 0)
		return fork();
	put("0");
	pid = fork();
	if (pid) {
		why = errno;
		put("-1000");
		errno = why;
	}
	return pid;
}
