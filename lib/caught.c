/* caught.c - see caught.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>

#include "bng.h"
#include "caught.h"

static volatile sig_atomic_t caught[NSIG];
static int wake[2] = { -1, -1 };

static void
on_signal(int sig)
{
	int err = errno;

	caught[sig] = 1;
	if (write(wake[1], "", 1) < 0)
		errno = 0; /* full: it wakes anyway */
	errno = err;
}

void
caught_add(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal };

	if (wake[0] < 0 && pipe2(wake, O_CLOEXEC | O_NONBLOCK))
		die_sys("cannot make a pipe");
	sigaction(sig, &sa, NULL);
}

int
caught_fd(void)
{
	return wake[0];
}

int
caught_next(void)
{
	char bytes[64];

	while (read(wake[0], bytes, sizeof(bytes)) > 0)
		;
	for (int sig = 1; sig < NSIG; sig++) {
		if (!caught[sig])
			continue;
		caught[sig] = 0;
		return sig;
	}
	return 0;
}

void
caught_die(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
	exit(128 + sig);
}
