/* turn.c - so many at once, the others in turn; see turn.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "bng.h"
#include "turn.h"

enum { HEAD = TURN_PLACES };	/* the byte of who is first in the line */

static int
set_byte(int fd, short type, off_t at, bool wait)
{
	struct flock f = { .l_type = type, .l_whence = SEEK_SET,
		.l_start = at, .l_len = 1 };

	if (!fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &f))
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

static int
free_place(int fd, unsigned places)
{
	int r = -EAGAIN;

	for (unsigned i = 0; r == -EAGAIN && i < places; i++)
		r = set_byte(fd, F_WRLCK, i, false);
	if (!r)
		futimens(fd, NULL);
	return r;
}

int
turn_try(int fd, unsigned places)
{
	int r = set_byte(fd, F_WRLCK, HEAD, false);

	if (r)
		return r;
	r = free_place(fd, places);
	set_byte(fd, F_UNLCK, HEAD, false);
	return r;
}

/* --- waiting ---------------------------------------------------------- */

static void
on_alarm(int sig)
{
	(void)sig; /* it interrupts a wait, that is all */
}

/*
 * Has nobody taken a place for so long? Asked after as long a wait. A time
 * that is still to come is no sign of life: the clock was set back.
 */
static bool
stuck(int fd, unsigned seconds)
{
	struct stat st;
	time_t now = time(NULL);

	return fstat(fd, &st) || st.st_mtime > now ||
	    now - st.st_mtime >= (time_t)seconds;
}

static int
head_of_line(int fd, unsigned seconds)
{
	int r;

	do
		r = set_byte(fd, F_WRLCK, HEAD, true);
	while (r == -EINTR && !stuck(fd, seconds));
	return r == -EINTR ? -ETIMEDOUT : r;
}

/* A lock can be waited for, one of several cannot: each has a child for it. */
static pid_t
wait_at(int fd, unsigned place)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	_exit(set_byte(fd, F_WRLCK, place, true) ? EXIT_FAILED : EXIT_YES);
}

/* Which of n children has its place, the first that does; or -errno. */
static int
first_done(int fd, pid_t *pids, unsigned n, unsigned seconds)
{
	unsigned i, left = n;
	int status;
	pid_t pid;

	while (left) {
		pid = waitpid(-1, &status, 0);
		if (pid < 0 && (errno != EINTR || stuck(fd, seconds)))
			return errno == EINTR ? -ETIMEDOUT : -errno;
		for (i = 0; i < n && pids[i] != pid; i++)
			;
		if (pid < 0 || i == n)
			continue;
		pids[i] = 0;
		if (!status)
			return (int)i;
		left--;
	}
	return -ENOLCK;
}

/*
 * End the other children. What one of them got at the same moment is ours as
 * well, the descriptor being one: it is given back.
 */
static void
send_home(int fd, const pid_t *pids, unsigned n, int place)
{
	for (unsigned i = 0; i < n; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
	for (unsigned i = 0; i < n; i++) {
		while (pids[i] > 0 && waitpid(pids[i], NULL, 0) < 0 &&
		    errno == EINTR)
			;
		if ((int)i != place)
			set_byte(fd, F_UNLCK, i, false);
	}
}

static int
next_place(int fd, unsigned places, unsigned seconds)
{
	autofree pid_t *pids = calloc(places, sizeof(*pids));
	unsigned n = 0;
	int place;

	if (!pids)
		return -ENOMEM;
	while (n < places && (pids[n] = wait_at(fd, n)) > 0)
		n++;
	place = first_done(fd, pids, n, seconds);
	send_home(fd, pids, n, place);
	if (place < 0)
		return place;
	futimens(fd, NULL);
	return 0;
}

int
turn_wait(int fd, unsigned places, unsigned seconds)
{
	/* Again and again: one that comes before a wait interrupts nothing. */
	struct itimerval off = { 0 }, on = { .it_interval.tv_sec = seconds,
		.it_value.tv_sec = seconds };
	struct sigaction old, sa = { .sa_handler = on_alarm };
	int r;

	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &on, NULL);
	r = head_of_line(fd, seconds);
	if (!r) {
		r = free_place(fd, places);
		if (r == -EAGAIN)
			r = next_place(fd, places, seconds);
		set_byte(fd, F_UNLCK, HEAD, false);
	}
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
	return r;
}

/* --- keeping ---------------------------------------------------------- */

static void
on_timer(struct watch *w, uint32_t events)
{
	(void)events;
	turn_end(container_of(w, struct turn, timer));
}

int
turn_keep(struct turn *t, unsigned seconds)
{
	int r;

	t->timer.fd = -1;
	if (t->fd < 0)
		return 0;
	t->timer.ready = on_timer;
	r = loop_timer(&t->timer, (int)seconds * 1000);
	if (r)
		turn_end(t);
	return r;
}

void
turn_end(struct turn *t)
{
	loop_del(&t->timer);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
