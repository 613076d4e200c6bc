/* supervise.c - the loop beside a VMM; see supervise.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "bng.h"
#include "clock.h"
#include "proc.h"
#include "spawn.h"
#include "supervise.h"
#include "vm.h"

enum { TURN_SECONDS = 30 };	/* a boot that takes longer is not waited for */

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
	if (!logpipe_move(&s->console) || s->halted ||
	    !ending_halted(&s->console.log))
		return;
	s->halted = true;
	kill_vmm(s);
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
	sup_report(s, 'e', error[0] ? error : "it was stopped");
	_exit(EXIT_YES);
}

void
sup_end(struct sup *s, const char *why)
{
	kill_vmm(s);
	sup_error(s, why);
	finish(s, why);
}

/* Its descriptors: a jailer leaves it no more than the first three. */
static void
give(struct sup *s, struct spawn *sp, const struct launch *l)
{
	sp->nfds = 3;
	sp->fds[0] = l->jail ? s->run_lock : -1;
	sp->fds[1] = logpipe_new(&s->console);
	sp->fds[2] = l->jail ?
	    logpipe_named(&s->err, l->jail->sockets, JAIL_LOG) :
	    logpipe_new(&s->err);
	for (unsigned i = 0; i < l->nfds && !l->jail; i++)
		sp->fds[sp->nfds++] = l->fds[i];
	if (sp->fds[1] < 0 || sp->fds[2] < 0)
		sup_end(s, "there are no descriptors for its output");
	if (l->log_waits)
		logpipe_wait(&s->err, true);
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
		sup_end(s, l.why ? l.why : strerror(-r));
	if (l.confine.failed)
		sup_end(s, "it cannot be confined");
	sp.argv = l.argv;
	sp.path = l.path;
	sp.jail = l.jail;
	sp.small_pages = l.small_pages;
	give(s, &sp, &l);
	s->began = clock_ms(CLOCK_BOOTTIME);
	s->pid = spawn(&sp);
	if (s->pid < 0)
		sup_end(s, strerror(-s->pid));
	if (l.jail && (r = jail_guard(s->pid)))
		sup_end(s, strerror(-r));
	r = proc_save(s->dir, "pid", s->pid);
	/* One that has ended by now is heard of as any other is. */
	if (r && r != -ESRCH)
		sup_end(s, strerror(-r));
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
	sup_not_configuring(s);
	while (s->console.w.fd >= 0 && logpipe_move(&s->console))
		;
	while (s->err.w.fd >= 0 && logpipe_move(&s->err))
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
		sup_error(s, error);
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

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == s->pid)
			vmm_gone(s, status);
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
	s->hold.w.fd = s->door.w.fd = s->configure.w.fd = s->lost.fd = -1;
	if (!r)
		r = watch_signals(s);
	if (!r)
		r = turn_keep(&s->turn, TURN_SECONDS);
	if (!r)
		r = logpipe_open(&s->console, s->dir, "console.log");
	if (s->vmm->halts)
		s->console.w.ready = on_console;
	if (!r)
		r = logpipe_open(&s->err, s->dir, "vmm.log");
	if (!r)
		r = proc_save(s->dir, "supervisor", getpid());
	if (!r)
		r = file_mark_line(s->dir, "started", "%lld",
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
		sup_end(s, strerror(-r));
	launch(s);
	close(s->lock);
	for (;;) {
		r = loop_turn();
		if (r)
			sup_end(s, strerror(-r));
	}
}
