/* supervise.c - the loop beside a VMM; see supervise.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "bng.h"
#include "clock.h"
#include "proc.h"
#include "spawn.h"
#include "supervise.h"
#include "vm.h"

enum { TURN_SECONDS = 30 };	/* a boot that takes longer is not waited for */

/* --- what others read ------------------------------------------------- */

static void
write_error(struct sup *s, const char *why)
{
	char line[ENDING_TEXT];

	snprintf(line, sizeof(line), "%s", why);
	msg_clean(line);
	file_put_line(s->dir, "error", "%s", line);
}

/*
 * One line to who started us: w(arning), o(k) or e(rror), the last two once.
 * After an ok it hears r(eady), if it waits for that or if, as the text says,
 * the agent has been heard of, so that it is as good as there.
 */
static void
report(struct sup *s, char kind, const char *text)
{
	if (s->report < 0)
		return;
	dprintf(s->report, "%c%s\n", kind, text);
	if (kind == 'w' || (kind == 'o' && (s->until_ready || *text)))
		return;
	close(s->report);
	s->report = -1;
}

void
sup_running(struct sup *s)
{
	if (s->running)
		return;
	file_note_line(s->dir, "vmm", "%s", s->vmm->key);
	s->running = true;
	report(s, 'o', s->door.agent ? "agent" : "");
}

void
sup_note(struct sup *s, const char *line)
{
	logfile_add(&s->err.log, "banger: ", strlen("banger: "));
	logfile_add(&s->err.log, line, strlen(line));
	logfile_add(&s->err.log, "\n", 1);
}

void
sup_warn(struct sup *s, const char *fmt, ...)
{
	char line[ENDING_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	msg_clean(line);
	report(s, 'w', line);
	sup_note(s, line);
}

/* --- logs ------------------------------------------------------------- */

/* Move what is in the pipe to the log. False when there was nothing. */
static bool
pipe_move(struct sup_pipe *p)
{
	static char buf[16384];
	ssize_t n = read(p->w.fd, buf, sizeof(buf));

	if (n > 0)
		logfile_add(&p->log, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		loop_del(&p->w);
	return n > 0;
}

static void
on_pipe(struct watch *w, uint32_t events)
{
	(void)events;
	pipe_move(container_of(w, struct sup_pipe, w));
}

static void
kill_vmm(struct sup *s)
{
	if (s->pid > 0)
		kill(s->pid, SIGKILL);
}

/* The console, of a guest whose end the VMM does not notice. */
static void
on_console(struct watch *w, uint32_t events)
{
	struct sup *s = container_of(w, struct sup, console.w);

	(void)events;
	if (!pipe_move(&s->console) || s->halted ||
	    !ending_halted(&s->console.log))
		return;
	s->halted = true;
	kill_vmm(s);
}

/* A new pipe into this log: the end to write to, or -errno. */
static int
pipe_new(struct sup_pipe *p)
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

/*
 * For who can only open what has a name: a fifo, which is there. The end for
 * what is written before that, or -errno.
 */
static int
pipe_named(struct sup_pipe *p, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	p->w.fd = fd;
	p->w.ready = on_pipe;
	loop_add(&p->w, EPOLLIN);
	logfile_mark(&p->log);
	fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* --- the agent -------------------------------------------------------- */

static void
configure(struct sup *s)
{
	static char name[] = "bng-agent", verb[] = "configure",
	    dir[] = "/proc/self/fd/3";
	static char *const argv[] = { name, verb, dir, NULL };
	struct spawn sp = { .argv = argv, .path = "/proc/self/exe",
		.fds = { -1, -1, -1, s->dir }, .nfds = 4 };
	int says[2] = { -1, -1 };

	if (s->configure > 0) {
		s->again = true;
		kill(s->configure, SIGKILL);
		return;
	}
	if (pipe2(says, O_CLOEXEC | O_NONBLOCK) == 0)
		sp.fds[2] = says[1];
	s->configure = spawn(&sp);
	s->configure_says = says[0];
	if (says[1] >= 0)
		close(says[1]);
	if (s->configure < 0)
		sup_broken(s, "cannot configure the guest: no process");
}

/* The last line that it said, without its name in front. */
static void
configure_why(int fd, char *ret_why, size_t size)
{
	char buf[512];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	const char *why = buf;

	buf[n < 0 ? 0 : n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (!strncmp(why, "bng-agent: ", strlen("bng-agent: ")))
		why += strlen("bng-agent: ");
	snprintf(ret_why, size, "%.400s", why[0] ? why : "it does not say why");
}

static void
configured(struct sup *s, int status)
{
	char why[ENDING_TEXT - 64], line[ENDING_TEXT];
	bool again = s->again;

	configure_why(s->configure_says, why, sizeof(why));
	if (s->configure_says >= 0)
		close(s->configure_says);
	s->configure = 0;
	s->again = false;
	if (!s->door.agent)
		return;
	if (again) {
		configure(s);
		return;
	}
	if (status) {
		snprintf(line, sizeof(line), "cannot configure the guest: %s",
		    why);
		sup_broken(s, line);
		return;
	}
	s->ready = s->proven = true;
	turn_end(&s->turn);
	file_note_line(s->dir, "ready", "%lld",
	    (long long)(clock_ms(CLOCK_BOOTTIME) - s->began));
	door_set(&s->door, DOOR_READY);
	report(s, 'r', "");
}

static void
not_ready(struct sup *s)
{
	s->ready = false;
	unlinkat(s->dir, "ready", 0);
}

void
sup_agent(struct sup *s, bool there)
{
	not_ready(s);
	s->door.agent = there;
	door_set(&s->door, DOOR_WAIT);
	if (there)
		configure(s);
	else if (s->configure > 0)
		kill(s->configure, SIGKILL);
}

void
sup_broken(struct sup *s, const char *why)
{
	not_ready(s);
	s->proven = false;
	turn_end(&s->turn);
	write_error(s, why);
	sup_warn(s, "%s", why);
	door_set(&s->door, DOOR_SHUT);
}

/* --- the end ---------------------------------------------------------- */

/* Nothing of it is left when who started it hears that it failed. */
noreturn_fn static void
finish(struct sup *s, const char *error)
{
	door_close(&s->door);
	for (const char *const *f = vm_runtime_files; *f; f++)
		unlinkat(s->dir, *f, 0);
	file_rm_tree(s->dir, VM_DUMP);
	jail_clean(s->dir);
	report(s, 'e', error[0] ? error : "it was stopped");
	_exit(EXIT_YES);
}

noreturn_fn static void
fail(struct sup *s, const char *why)
{
	kill_vmm(s);
	write_error(s, why);
	finish(s, why);
}

/* Its descriptors: a jailer leaves it no more than the first three. */
static void
give(struct sup *s, struct spawn *sp, const struct launch *l)
{
	sp->nfds = 3;
	sp->fds[0] = l->jail ? s->run_lock : -1;
	sp->fds[1] = pipe_new(&s->console);
	sp->fds[2] = l->jail ? pipe_named(&s->err, l->jail->sockets, JAIL_LOG) :
	    pipe_new(&s->err);
	for (unsigned i = 0; i < l->nfds && !l->jail; i++)
		sp->fds[sp->nfds++] = l->fds[i];
	if (sp->fds[1] < 0 || sp->fds[2] < 0)
		fail(s, "there are no descriptors for its output");
}

static void
launch(struct sup *s)
{
	struct launch l = { .fds = { s->run_lock }, .nfds = 1,
		.confine = { .ruleset = -1 } };
	struct spawn sp = { .confine = &l.confine };
	int r;

	s->proven = s->halted = false;
	r = s->vmm->launch(s, &l);
	if (r)
		fail(s, l.why ? l.why : strerror(-r));
	if (l.confine.failed)
		fail(s, "it cannot be confined");
	sp.argv = l.argv;
	sp.path = l.path;
	sp.jail = l.jail;
	sp.small_pages = l.small_pages;
	give(s, &sp, &l);
	s->began = clock_ms(CLOCK_BOOTTIME);
	s->pid = spawn(&sp);
	if (s->pid < 0)
		fail(s, strerror(-s->pid));
	if (l.jail && (r = jail_guard(s->pid)))
		fail(s, strerror(-r));
	r = proc_save(s->dir, "pid", s->pid);
	if (r)
		fail(s, strerror(-r));
	confine_release(&l.confine);
	close(sp.fds[1]);
	close(sp.fds[2]);
	for (unsigned i = 0; i < l.nfds; i++)
		if (l.given[i])
			close(l.fds[i]);
}

/* Is there another way to start it? Then it is under way again. */
static bool
retried(struct sup *s, const struct ending *e, const char *error)
{
	bool theirs = e->how == VMM_POWEROFF || e->how == VMM_QUIT ||
	    (WIFSIGNALED(e->status) && !s->failed);

	if (s->proven || s->wanted || s->term || theirs ||
	    !s->vmm->retry(s, error))
		return false;
	s->failed = NULL;
	launch(s);
	return true;
}

static void
vmm_gone(struct sup *s, int status)
{
	char how[ENDING_TEXT], error[ENDING_TEXT];
	struct ending e = { s->vmm->name, VMM_SILENT, status, s->proven,
		s->wanted, s->term, &s->console.log, &s->err.log,
		s->vmm->reason_mark };

	s->pid = 0;
	while (s->console.w.fd >= 0 && pipe_move(&s->console))
		;
	while (s->err.w.fd >= 0 && pipe_move(&s->err))
		;
	loop_del(&s->console.w);
	loop_del(&s->err.w);
	hold_over(&s->hold, NULL);
	e.how = s->vmm->ended(s, status);
	if (s->halted)
		e.how = VMM_POWEROFF;
	ending_tell(&e, how, error);
	if (s->failed)
		snprintf(error, sizeof(error), "%s", s->failed);
	if (retried(s, &e, error))
		return;
	if (s->proven && !strcmp(how, "reset")) {
		sup_agent(s, false);
		launch(s);
		return;
	}
	file_put_line(s->dir, "exit", "%s", how);
	if (error[0])
		write_error(s, error);
	finish(s, error);
}

void
sup_fail(struct sup *s, const char *why)
{
	s->failed = why;
	kill_vmm(s);
}

static void
reap(struct sup *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->pid)
			vmm_gone(s, status);
		else if (pid == s->configure)
			configured(s, status);
	}
}

static void
on_signal(struct watch *w, uint32_t events)
{
	struct sup *s = container_of(w, struct sup, signals);
	struct signalfd_siginfo si;

	(void)events;
	if (read(w->fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGUSR1) {
		s->wanted = true;
		s->vmm->resume(s);
	} else if (si.ssi_signo == SIGTERM) {
		s->term = true;
		kill_vmm(s);
	} else {
		reap(s);
	}
}

/* --- the beginning ---------------------------------------------------- */

static int
watch_signals(struct sup *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	s->signals.ready = on_signal;
	s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals.fd < 0 ? -errno : loop_add(&s->signals, EPOLLIN);
}

static void
on_hold(void *ctx, int fd)
{
	hold_begin(&((struct sup *)ctx)->hold, fd);
}

static const char *
pause_vmm(void *ctx)
{
	struct sup *s = ctx;

	return s->pid > 0 && s->running ? s->vmm->pause(s) :
	    "it has not started yet";
}

static void
resume_vmm(void *ctx)
{
	struct sup *s = ctx;

	s->vmm->resume(s);
}

static int
prepare(struct sup *s)
{
	int r = loop_init();

	s->door.carry = s->vmm->carry;
	s->door.carried = s->vmm->carried;
	s->door.hold = on_hold;
	s->door.ctx = s;
	s->hold.pause = pause_vmm;
	s->hold.resume = resume_vmm;
	s->hold.ctx = s;
	s->hold.w.fd = -1;
	s->door.w.fd = s->console.w.fd = s->err.w.fd = -1;
	s->console.w.ready = s->vmm->halts ? on_console : on_pipe;
	s->err.w.ready = on_pipe;
	if (!r)
		r = watch_signals(s);
	if (!r)
		r = turn_keep(&s->turn, TURN_SECONDS);
	if (!r)
		r = logfile_open(&s->console.log, s->dir, "console.log");
	if (!r)
		r = logfile_open(&s->err.log, s->dir, "vmm.log");
	if (!r)
		r = proc_save(s->dir, "supervisor", getpid());
	if (!r)
		r = file_note_line(s->dir, "started", "%lld",
		    (long long)clock_ms(CLOCK_REALTIME));
	if (!r)
		r = door_open(&s->door, s->dir, "agent.sock");
	return r;
}

void
sup_supervise(struct sup *s)
{
	int r = prepare(s);

	if (r)
		fail(s, strerror(-r));
	launch(s);
	close(s->lock);
	for (;;) {
		r = loop_turn();
		if (r)
			fail(s, strerror(-r));
	}
}
