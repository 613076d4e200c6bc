/* spawn.c - children that die with us; see spawn.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "bng.h"
#include "confine.h"
#include "jail.h"
#include "spawn.h"

/*
 * By the kernel's own call: the C library keeps two signals to itself and
 * would leave them as they are, and make(1) hands them down ignored.
 */
static void
plain_signals(void)
{
	static const unsigned long dfl[4]; /* handler, flags, restorer, mask */
	sigset_t none;

	for (int sig = 1; sig <= 64; sig++)
		syscall(SYS_rt_sigaction, sig, dfl, NULL, sizeof(dfl[3]));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Two steps, so that no descriptor is overwritten before it was moved. */
static int
place_fds(const struct spawn *sp)
{
	int at[SPAWN_FDS];

	for (unsigned i = 0; i < sp->nfds; i++) {
		int fd = sp->fds[i];

		if (fd < 0)
			fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		at[i] = fcntl(fd, F_DUPFD_CLOEXEC, SPAWN_FDS);
		if (at[i] < 0)
			return -errno;
	}
	for (unsigned i = 0; i < sp->nfds; i++)
		if (dup2(at[i], (int)i) < 0)
			return -errno;
	return close_range(sp->nfds, ~0U, 0) ? -errno : 0;
}

/* What a stranger may see of the environment: it holds people's keys. */
static char **
few(void)
{
	static const char *const names[] = { "PATH=", "LD_LIBRARY_PATH=",
		"TZ=" };
	static char *env[ARRAY_SIZE(names) + 1];
	size_t n = 0;

	for (char **e = environ; *e && n < ARRAY_SIZE(names); e++)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (!strncmp(*e, names[i], strlen(names[i])))
				env[n++] = *e;
	return env;
}

noreturn_fn static void
child(const struct spawn *sp, pid_t parent)
{
	const struct rlimit no_core = { 0, 0 };
	int confined;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);	/* it ended before the line above */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	if (sp->small_pages)
		prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	plain_signals();
	confined = sp->jail ? jail_enter(sp->jail) : 0;
	if (!confined && sp->confine)
		confined = confine_enter(sp->confine);
	if (place_fds(sp) || chdir("/"))
		_exit(127);
	if (confined) {
		errno = -confined;
		warn_sys("cannot confine '%s'", sp->path);
		_exit(127);
	}
	execve(sp->path, sp->argv, sp->confine ? few() : environ);
	warn_sys("cannot execute '%s'", sp->path);
	_exit(127);
}

char *
spawn_find(const char *name)
{
	const char *dirs = getenv("PATH");

	for (const char *p = dirs ? dirs : "/usr/bin:/bin"; *p; ) {
		size_t n = strcspn(p, ":");
		char *path = xasprintf("%.*s/%s", (int)n, p, name);

		if (n && !access(path, X_OK))
			return path;
		free(path);
		p += n + (p[n] == ':');
	}
	return NULL;
}

pid_t
spawn(const struct spawn *sp)
{
	pid_t self_pid = getpid();
	/*
	 * It has our memory, and we stand still, until it executes something:
	 * what a supervisor has is not copied for a few calls of the kernel.
	 */
	pid_t pid = vfork();

	if (pid == 0)
		child(sp, self_pid);
	return pid < 0 ? -errno : pid;
}
