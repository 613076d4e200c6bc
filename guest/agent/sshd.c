/* sshd.c - the image's sshd; see sshd.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/types.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "sshd.h"

enum { LISTENS_MS = 5000 };	/* most to wait; emulated, it takes 0.5 s */

/* The process that listens, or 0. Its sessions have other numbers. */
static pid_t
listener(void)
{
	char path[64], comm[32];
	int64_t pid;

	if (file_num(AT_FDCWD, "/run/sshd.pid", 2, 1 << 30, &pid))
		return 0;
	snprintf(path, sizeof(path), "/proc/%lld/comm", (long long)pid);
	if (file_line(AT_FDCWD, path, comm, sizeof(comm)) < 0 ||
	    strcmp(comm, "sshd"))
		return 0;
	return (pid_t)pid;
}

/*
 * It starts itself anew, and writes its number again once it listens again:
 * nobody who comes when the machine is ready shall find the door shut.
 */
void
sshd_reload(void)
{
	autoclose int in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd p = { .fd = in, .events = POLLIN };
	pid_t pid = listener();
	_Alignas(struct inotify_event) char events[4096];

	if (!pid || in < 0 || inotify_add_watch(in, "/run", IN_CLOSE_WRITE) < 0)
		return;
	if (kill(pid, SIGHUP))
		return;
	while (poll(&p, 1, LISTENS_MS) == 1) {
		ssize_t n = read(in, events, sizeof(events));

		for (char *e = events; e < events + n;) {
			struct inotify_event *i = (void *)e;

			if (i->len && !strcmp(i->name, "sshd.pid"))
				return;
			e += sizeof(*i) + i->len;
		}
	}
}
