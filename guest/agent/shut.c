/* shut.c - the image's init is asked to switch off, in its own way
 *
 * SPDX-License-Identifier: MIT
 *
 * doc/images.md has these ways in a table. One that cannot be asked, or is not
 * done in time, is not waited for: the agent ends the machine itself, its disks
 * written.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "entry.h"
#include "init.h"
#include "json.h"
#include "ops.h"
#include "power.h"

/* glibc's SIGRTMIN, which systemd counts from; musl's is another. */
enum { SYSTEMD_SIGRTMIN = 34 };

/* A command of the image's, by name or by its path. */
static bool
run(const char *name, const char *arg, const char *arg2)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setenv("PATH", PATH_DEFAULT, 1);
		execlp(name, name, arg, arg2, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/*
 * Alone, s6-svscan ends what it supervises and becomes its finish script, which
 * is to switch off; without one the kernel would panic.
 */
static bool
ask_s6(bool off)
{
	if (!access("/run/s6/basedir/bin/halt", X_OK))
		return run("/run/s6/basedir/bin/halt", NULL, NULL);
	if (run("s6-linux-init-shutdown", off ? "-p" : "-r", "now"))
		return true;
	return !access("/proc/1/cwd/.s6-svscan/finish", X_OK) &&
	    run("s6-svscanctl", "-t", "/proc/1/cwd");
}

/* It listens once it has started everything, and is deaf before. */
static bool
ask_openrc(bool off)
{
	int in = inotify_init1(IN_CLOEXEC);

	return in >= 0 && init_await(in, "/run", "/run/openrc") &&
	    init_await(in, "/run/openrc", "/run/openrc/init.ctl") &&
	    run("openrc-shutdown", off ? "-p" : "-r", "now");
}

static bool
ask_sysv(bool off)
{
	int in = inotify_init1(IN_CLOEXEC);

	return in >= 0 && (!access("/dev/initctl", F_OK) ||
	    init_await(in, "/run", "/run/initctl")) &&
	    run(init_path, off ? "0" : "6", NULL);
}

/*
 * The kernel drops what PID 1 does not expect yet, and nothing says when it
 * does: so it is told until it ends us with all others.
 */
noreturn_fn static void
signal_busybox(int sig)
{
	const struct timespec pause = { .tv_nsec = 250000000 };

	for (;;) {
		kill(1, sig);
		nanosleep(&pause, NULL);
	}
}

static bool
ask_init(int ms)
{
	bool off = power_can_off();

	switch (init_now()) {
	case INIT_SYSTEMD:
		/* As of any PID 1. */
		init_await_systemd();
		return !kill(1, SYSTEMD_SIGRTMIN + (off ? 4 : 5));
	case INIT_NONE:
		entry_stop(ms);
		return !kill(1, off ? SIGUSR2 : SIGTERM);
	case INIT_BUSYBOX:
		signal_busybox(off ? SIGUSR2 : SIGTERM);
	case INIT_OPENRC:
		return ask_openrc(off);
	case INIT_SYSV:
		return ask_sysv(off);
	case INIT_RUNIT:
		return run(init_path, off ? "0" : "6", NULL);
	case INIT_S6:
		return ask_s6(off);
	default:
		return run(off ? "poweroff" : "reboot", NULL, NULL);
	}
}

/*
 * The agent's own way, after some seconds, should the init not have managed by
 * then: a process that no client's going away ends, only the machine's end.
 */
static void
end_after(unsigned int seconds, int grace, const char *why)
{
	int fd;

	if (fork())
		return;
	setsid();
	signal(SIGHUP, SIG_IGN);
	fd = open("/dev/console", O_WRONLY | O_NOCTTY);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	while (seconds)
		seconds = sleep(seconds);
	console("%s: the agent switches off", why);
	power_down(false, grace);
}

int
shutdown_run(const char *request)
{
	int64_t seconds = json_int(json_get(request, "seconds"), 0, 3600, 10);

	sync();
	end_after((unsigned int)seconds, 0, "the init is not done in time");
	/* Half of the time is for what the image runs, half for the rest. */
	if (!ask_init((int)seconds * 500))
		end_after(0, POWER_GRACE, "the init cannot be asked");
	return 0;
}
