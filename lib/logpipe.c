/* logpipe.c - a pipe that ends in a log; see logpipe.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "logpipe.h"

bool
logpipe_move(struct logpipe *p)
{
	static char buf[16384];
	ssize_t n = read(p->w.fd, buf, sizeof(buf));

	if (n > 0)
		logfile_add(&p->log, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		loop_del(&p->w);
	return n > 0;
}

void
logpipe_wait(struct logpipe *p, bool wait)
{
	if (p->w.fd >= 0)
		loop_mod(&p->w, wait ? 0 : EPOLLIN);
}

static void
on_pipe(struct watch *w, uint32_t events)
{
	(void)events;
	logpipe_move(container_of(w, struct logpipe, w));
}

int
logpipe_open(struct logpipe *p, int dir, const char *name)
{
	p->w.fd = -1;
	p->w.ready = on_pipe;
	return logfile_open(&p->log, dir, name);
}

int
logpipe_new(struct logpipe *p)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	/* Not for the other end: the VMM may rely on writes that wait. */
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	p->w.fd = fds[0];
	loop_add(&p->w, EPOLLIN);
	logfile_mark(&p->log);
	return fds[1];
}

int
logpipe_named(struct logpipe *p, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	p->w.fd = fd;
	loop_add(&p->w, EPOLLIN);
	logfile_mark(&p->log);
	fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
