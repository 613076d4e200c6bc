/* job.c - processes that do what requests asked for; see job.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job.h"
#include "oom.h"

enum {
	JOBS_MAX = 128,		/* abandoned ones included */
	PIPE_SIZE = 512 * 1024,
	GRACE = 2,		/* seconds from SIGHUP to SIGKILL */
	VEOF_BYTE = 4,		/* what ends input on a terminal */
};

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

static unsigned int n_jobs;
static struct job *abandoned;

static struct job *
job_new(void)
{
	struct job *j = n_jobs < JOBS_MAX ? calloc(1, sizeof(*j)) : NULL;

	if (!j) {
		errno = EAGAIN;
		return NULL;
	}
	j->proc.fd = j->in.fd = j->out.fd = j->err.fd = j->timer.fd = -1;
	n_jobs++;
	return j;
}

/* Both sides of one stream of the child's: ours and the child's. */
struct side {
	int ours, theirs;
};

static bool
open_pipe(struct side *s, bool input)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC))
		return false;
	/* Larger is only faster. */
	fcntl(p[0], F_SETPIPE_SZ, PIPE_SIZE);
	s->ours = p[input];
	s->theirs = p[!input];
	return true;
}

static bool
open_pty(struct side sides[3], const struct job_want *want)
{
	struct winsize ws = { .ws_row = want->rows, .ws_col = want->cols };
	int unlock = 0;
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (m < 0)
		return false;
	sides[0].ours = m;
	if (ioctl(m, TIOCSPTLCK, &unlock))
		return false;
	sides[0].theirs = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (sides[0].theirs < 0)
		return false;
	ioctl(m, TIOCSWINSZ, &ws);
	sides[1].ours = fcntl(m, F_DUPFD_CLOEXEC, 0);
	return sides[1].ours >= 0;
}

static bool
open_sides(struct side sides[3], const struct job_want *want)
{
	if (want->tty)
		return open_pty(sides, want);
	if (want->input && !open_pipe(&sides[0], true))
		return false;
	return open_pipe(&sides[1], false) && open_pipe(&sides[2], false);
}

static void
close_sides(struct side sides[3])
{
	for (int i = 0; i < 3; i++) {
		if (sides[i].ours >= 0)
			close(sides[i].ours);
		if (sides[i].theirs >= 0)
			close(sides[i].theirs);
	}
}

/* Becoming a clean process takes these steps, in the child. */
static void
child(const struct job_want *want, const struct side sides[3])
{
	/* The kernel's form of SIG_DFL: a libc keeps some to itself. */
	static const unsigned long dfl[4];
	sigset_t none;
	int in = sides[0].theirs;
	int out = want->tty ? in : sides[1].theirs;
	int err = want->tty ? in : sides[2].theirs;

	setsid();
	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	if (want->tty)
		ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	syscall(SYS_close_range, 3, ~0U, 0);
	for (int s = 1; s <= 64; s++)
		syscall(SYS_rt_sigaction, s, dfl, NULL, sizeof(dfl[3]));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	_exit(want->fn(want->request));
}

static bool
watch(struct job *j, struct side sides[3])
{
	struct end *ends[3] = { &j->in, &j->out, &j->err };

	for (int i = 0; i < 3; i++) {
		if (sides[i].ours < 0)
			continue;
		if (!end_open(ends[i], sides[i].ours, i ? EPOLLIN : EPOLLOUT))
			return false;
		sides[i].ours = -1;
	}
	return true;
}

struct job *
job_start(const struct job_want *want)
{
	struct side sides[3] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	struct job *j = job_new();
	int pidfd, why;

	if (!j)
		return NULL;
	j->tty = want->tty;
	if (!open_sides(sides, want) || !watch(j, sides))
		goto fail;
	j->pid = oom_fork();
	if (j->pid == 0)
		child(want, sides);
	if (j->pid < 0)
		goto fail;
	pidfd = (int)syscall(SYS_pidfd_open, j->pid, 0);
	if (pidfd < 0 || !end_open(&j->proc, pidfd, EPOLLIN)) {
		why = errno;
		kill(j->pid, SIGKILL);
		waitpid(j->pid, NULL, 0);
		j->pid = 0;
		errno = why;
		goto fail;
	}
	close_sides(sides);
	return j;
fail:
	why = errno;
	close_sides(sides);
	job_free(j);
	errno = why;
	return NULL;
}

struct job *
job_socket(int fd)
{
	struct job *j = job_new();
	int copy = j ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (copy >= 0 && !end_open(&j->in, copy, EPOLLOUT))
		close(copy);
	if (j && j->in.fd >= 0 && end_open(&j->out, fd, EPOLLIN | EPOLLRDHUP))
		return j;
	if (j)
		job_free(j);
	return NULL;
}

bool
job_check(struct job *j)
{
	siginfo_t si;

	if (j->ended || !end_is(&j->proc, EPOLLIN))
		return false;
	memset(&si, 0, sizeof(si));
	if (waitid(P_PID, (id_t)j->pid, &si, WEXITED | WNOHANG | WNOWAIT) ||
	    si.si_pid != j->pid)
		return false;
	j->signal = si.si_code == CLD_EXITED ? 0 : si.si_status;
	j->status = j->signal ? 128 + j->signal : si.si_status;
	j->ended = true;
	/* What it wrote before is there now: look once more. */
	j->out.ready |= EPOLLIN;
	j->err.ready |= EPOLLIN;
	return true;
}

void
job_signal(const struct job *j, int sig)
{
	pid_t group = j->pid;

	if (!j->pid || j->ended)
		return;
	/* As the terminal would, signal who is in front. */
	if (j->tty && j->out.fd >= 0 &&
	    (ioctl(j->out.fd, TIOCGPGRP, &group) || group <= 1))
		group = j->pid;
	if (kill(-group, sig))
		kill(j->pid, sig);
}

void
job_resize(const struct job *j, unsigned short rows, unsigned short cols)
{
	struct winsize ws = { .ws_row = rows, .ws_col = cols };

	if (j->tty && j->out.fd >= 0)
		ioctl(j->out.fd, TIOCSWINSZ, &ws);
}

void
job_input_end(struct job *j)
{
	static const char eof = VEOF_BYTE;

	if (j->tty && j->in.fd >= 0 && write(j->in.fd, &eof, 1) == 1)
		return;
	if (!j->pid && j->in.fd >= 0)
		shutdown(j->in.fd, SHUT_WR);
	end_close(&j->in);
}

static void
close_ends(struct job *j)
{
	end_close(&j->in);
	end_close(&j->out);
	end_close(&j->err);
}

void
job_free(struct job *j)
{
	close_ends(j);
	end_close(&j->proc);
	end_close(&j->timer);
	if (j->pid > 0)
		waitpid(j->pid, NULL, WNOHANG);
	free(j);
	n_jobs--;
}

void
job_abandon(struct job *j)
{
	struct itimerspec in = { .it_value.tv_sec = GRACE };
	int fd;

	if (!j->pid) {
		job_free(j);
		return;
	}
	close_ends(j);
	kill(-j->pid, SIGHUP);
	kill(-j->pid, SIGCONT);
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (fd < 0 || timerfd_settime(fd, 0, &in, NULL) ||
	    !end_open(&j->timer, fd, EPOLLIN))
		j->timer.ready = EPOLLIN; /* then at once */
	j->next = abandoned;
	abandoned = j;
}

/* Field 6 of /proc/PID/stat. */
static pid_t
session_of(const char *pid)
{
	char path[300], buf[512];
	const char *p;
	int session;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	p = strrchr(buf, ')');
	if (!p || sscanf(p, ") %*c %*d %*d %d", &session) != 1)
		return -1;
	return session;
}

/* A shell puts its jobs into groups of their own, but not into sessions. */
void
job_kill(const struct job *j)
{
	pid_t session = j->pid;
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    session_of(e->d_name) == session)
			kill((pid_t)strtol(e->d_name, NULL, 10), SIGKILL);
	if (d)
		closedir(d);
	kill(-session, SIGKILL);
}

void
jobs_tend(void)
{
	struct job **at = &abandoned, *j;

	while ((j = *at)) {
		if (j->timer.ready & EPOLLIN) {
			job_kill(j);
			end_close(&j->timer);
			j->killed = true;
		}
		if (j->killed && end_is(&j->proc, EPOLLIN)) {
			*at = j->next;
			job_free(j);
		} else {
			at = &j->next;
		}
	}
}
