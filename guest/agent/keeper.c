/* keeper.c - the process that keeps one session; see keeper.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "json.h"
#include "keepcli.h"
#include "keeper.h"
#include "lock.h"
#include "ops.h"

static struct keeper k = { .ring[1].fd = -1, .listener.fd = -1,
	.timer.fd = -1 };

enum { TERM_GRACE = 2 };	/* seconds from our own SIGTERM to SIGKILL */
static struct end term = { .fd = -1 };

/*
 * The command
 */

/* Without its keeper a command would write to nobody. */
static int
command(const char *request)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return exec_run(request);
}

static bool
start_command(const char *request)
{
	struct job_want want = { .fn = command, .request = request,
		.input = k.input, .tty = k.tty };

	want.rows = (unsigned short)json_int(json_get(request, "rows"), 1,
	    65535, 24);
	want.cols = (unsigned short)json_int(json_get(request, "cols"), 1,
	    65535, 80);
	k.job = job_start(&want);
	return k.job;
}

/*
 * How much of a stream may be taken now. Who is attached is waited for, at the
 * end as well: what the command left in its pipe is as much as a piece.
 */
static size_t
room(int i)
{
	uint64_t unsent = k.ring[i].total - k.at[i];

	if (k.attached && unsent > RING_KEPT - RING_CHUNK)
		return 0;
	return k.left[i] < RING_CHUNK ? k.left[i] : RING_CHUNK;
}

static bool
take_output(int i)
{
	static char buf[RING_CHUNK];
	struct end *e = i ? &k.job->err : &k.job->out;
	ssize_t n;

	if (e->fd >= 0 && !k.left[i])
		end_close(e);
	if (!end_is(e, END_IN) || !room(i))
		return false;
	n = read(e->fd, buf, room(i));
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN) {
		e->ready = 0;
		return false;
	}
	/* A terminal that nobody has open any more ends with EIO. */
	if (n <= 0) {
		end_close(e);
		return true;
	}
	ring_put(&k.ring[i], buf, (size_t)n);
	if (k.job->ended)
		k.left[i] -= (size_t)n;
	return true;
}

/*
 * What a process left behind writes later is nobody's; a terminal hangs up
 * by itself when its session ends.
 */
static void
limit(int i, const struct end *e)
{
	int n = 0;

	if (k.tty || e->fd < 0)
		return;
	k.left[i] = ioctl(e->fd, FIONREAD, &n) || n < 0 ? 0 : (size_t)n;
}

/* The room was taken in memory, so these can be written. */
static void
write_end(void)
{
	char text[100];
	int n = snprintf(text, sizeof(text), "{\"ended\":%lld,\"%s\":%d}",
	    (long long)time(NULL), k.job->signal ? "signal" : "exit",
	    k.job->signal ? k.job->signal : k.job->status);

	file_note(k.dir, "end", text, (size_t)n, 0600);
}

/* It has ended, and all it wrote is in the rings. */
static void
finish(void)
{
	static const char *const names[] = { "stdout", "stderr" };

	write_end();
	k.over = true;
	end_close(&k.job->in);
	end_close(&k.listener);
	end_close(&k.timer);
	unlinkat(k.dir, "sock", 0);
	/* Who follows a ring waits for its writer to close it. */
	for (int i = 0; i < 2; i++) {
		uint64_t total = k.ring[i].total;

		if (k.ring[i].fd < 0)
			continue;
		close(k.ring[i].fd);
		ring_open(&k.ring[i], k.dir, names[i]);
		k.ring[i].total = total;
	}
}

static bool
tend_command(void)
{
	bool did = take_output(0) | take_output(1);

	if (job_check(k.job)) {
		limit(0, &k.job->out);
		limit(1, &k.job->err);
		return true;
	}
	if (k.job->ended && !k.over && k.job->out.fd < 0 && k.job->err.fd < 0) {
		finish();
		did = true;
	}
	return did;
}

/*
 * A shell on a terminal does not mind TERM; hung up on, it tells its jobs. A
 * child this young has no group yet.
 */
static void
ask_to_end(void)
{
	int sig = k.tty ? SIGHUP : SIGTERM;

	if (k.job->ended)
		return;
	if (kill(-k.job->pid, sig))
		kill(k.job->pid, sig);
	kill(-k.job->pid, SIGCONT);
}

/* bash misses a HUP that comes while it begins to read: repeat it. */
static void
tend_stop(void)
{
	uint64_t times;

	if (!end_is(&k.timer, EPOLLIN))
		return;
	k.timer.ready = 0;
	if (read(k.timer.fd, &times, sizeof(times)) != sizeof(times))
		return;
	if (k.grace > (int64_t)times) {
		k.grace -= (int64_t)times;
		if (k.tty)
			ask_to_end();
		return;
	}
	end_close(&k.timer);
	job_kill(k.job);
}

void
keeper_stop(struct keeper *me, int64_t seconds)
{
	struct itimerspec in = { .it_value.tv_sec = 1,
		.it_interval.tv_sec = 1 };
	int fd = -1;

	if (seconds) {
		ask_to_end();
		fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	}
	me->grace = seconds;
	end_close(&me->timer);
	if (fd < 0 || timerfd_settime(fd, 0, &in, NULL) ||
	    !end_open(&me->timer, fd, EPOLLIN))
		job_kill(me->job);
}

/* The machine is being switched off: its command's end is an orderly one. */
static void
tend_term(void)
{
	struct signalfd_siginfo si;

	if (end_is(&term, EPOLLIN) && read(term.fd, &si, sizeof(si)) > 0)
		keeper_stop(&k, TERM_GRACE);
	term.ready = 0;
}

static bool
watch_term(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd >= 0 && end_open(&term, fd, EPOLLIN);
}

/*
 * The beginning
 */

/* As much of the command as a list has room for. */
static void
put_command(FILE *f, const char *array)
{
	enum { MOST = 2000 };
	size_t have = 0;

	for (const char *e = json_first(array); e; e = json_next(e)) {
		size_t n = json_size(e);

		if (have + n > MOST) {
			fprintf(f, ",\"...\"");
			return;
		}
		fprintf(f, "%s%.*s", have ? "," : "", (int)n, e);
		have += n;
	}
}

static bool
write_about(const char *request)
{
	autofree char *text = NULL;
	char cwd[4096] = "/", inside[6 * 1024] = "";
	size_t size, len = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return false;
	fprintf(f, "{\"name\":\"%s\",\"command\":[", k.name);
	put_command(f, json_get(request, "argv"));
	exec_cwd(request, cwd, sizeof(cwd));
	json_escape(inside, sizeof(inside), &len, cwd);
	fprintf(f, "],\"cwd\":\"%s\",\"stdin\":\"%s\",\"tty\":%s,\"pid\":%ld,"
	    "\"started\":%lld}", inside, k.input ? "pipe" : "detached",
	    k.tty ? "true" : "false", (long)k.job->pid, (long long)time(NULL));
	return !fclose(f) && !file_note(k.dir, "about", text, size, 0600);
}

/* A process of its own: no terminal, nobody's child, no descriptor but told. */
static int
leave(int told)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	/* What it keeps is lost with it; a job of its own is reset. */
	if (fd >= 0 && write(fd, "-900", 4) < 0)
		errno = 0;
	if (fd >= 0)
		close(fd);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	dup2(told, 3);
	syscall(SYS_close_range, 4, ~0U, 0);
	setsid();
	signal(SIGPIPE, SIG_IGN);
	loop_reset();
	return 3;
}

/* Everything; false: errno says why not. The lock is held until we end. */
static bool
prepare(const char *home, const char *request)
{
	autoclose int homefd = open(home, O_PATH | O_CLOEXEC);
	int fd;

	k.tty = json_true(json_get(request, "tty"));
	k.input = k.tty || json_true(json_get(request, "stdin"));
	k.dir = openat(homefd, k.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k.dir < 0 || lock_open(k.dir, "lock", true) < 0)
		return false;
	if (!ring_make(&k.ring[0], k.dir, "stdout") ||
	    (!k.tty && !ring_make(&k.ring[1], k.dir, "stderr")))
		return false;
	fd = keepcli_listen(home, k.name);
	return fd >= 0 && end_open(&k.listener, fd, EPOLLIN) &&
	    watch_term() && start_command(request) && write_about(request);
}

/* One turn for everybody; true when there is more to do at once. */
static bool
turn(void)
{
	bool did = keepcli_accept(&k);

	tend_term();
	tend_stop();
	did |= tend_command();
	did |= keepcli_serve(&k);
	return did;
}

void
keeper_run(const char *home, const char *name, const char *request, int told)
{
	const char *why = "";
	bool busy = false;

	told = leave(told);
	k.name = name;
	k.left[0] = k.left[1] = SIZE_MAX;
	if (!prepare(home, request))
		why = strerror(errno);
	if (write_all(told, why, strlen(why) + 1) || *why) {
		if (k.job)
			job_kill(k.job);
		_exit(1);
	}
	close(told);
	/* It may be long, and this process lives for as long as the session. */
	free((char *)request);
	while ((!k.over || k.clients) && loop_wait(busy))
		busy = turn();
	_exit(0);
}

