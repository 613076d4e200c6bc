/* vmctl.c - ending a machine; see vmctl.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "bng.h"
#include "dirs.h"
#include "lock.h"
#include "proc.h"
#include "vmctl.h"

enum {
	END_SECONDS = 10,	/* for a process that got SIGKILL to be gone */
	LONGEST = 3600,		/* that the agent takes */
	DAY = 86400,
};

/* When -t does not say: 15 in all, the last for what has to be killed. */
#define STOP_SECONDS "14"

static char *
name_of(int dir)
{
	char *path = xfd_path(dir);

	return strrchr(path, '/') + 1;
}

static bool
held(int dir)
{
	int r = lock_held(dir, "run.lock");

	if (r < 0) {
		errno = -r;
		die_sys("cannot read the lock of machine '%s'", name_of(dir));
	}
	return r;
}

/* While it is being started, its pids are not written yet. */
static void
await_pids(int dir)
{
	int lock;

	if (proc_load(dir, "pid") > 0)
		return;
	lock = lock_open(dir, "lock", true);
	if (lock >= 0)
		close(lock);
}

int
vmctl_open(const char *vmdir, bool running)
{
	int dir = xvm_open(vmdir);

	if (!running)
		return dir;
	if (!held(dir))
		die_status(EXIT_NO, "machine '%s' is not running",
		    name_of(dir));
	await_pids(dir);
	return dir;
}

const char *
vmctl_state(int dir)
{
	bool ready = !faccessat(dir, "ready", F_OK, 0);

	if (held(dir))
		return ready ? "running" : "starting";
	if (!faccessat(dir, "error", F_OK, 0))
		return "error";
	return faccessat(dir, "started", F_OK, 0) ? "created" : "stopped";
}

/* 0 when it has ended, -ETIMEDOUT, or it dies. */
static int
wait_end(int dir, int seconds)
{
	int r = lock_wait_free(dir, "run.lock", seconds);

	if (r && r != -ETIMEDOUT) {
		errno = -r;
		die_sys("cannot wait for machine '%s'", name_of(dir));
	}
	return r;
}

const char *
vmctl_operand(int argc, char *argv[], const char *opts,
    const char **ret_value)
{
	int opt;

	opterr = 0;
	while ((opt = getopt(argc, argv, opts)) != -1) {
		if (opt == '?')
			die_usage(strchr(opts, optopt) ?
			    "option '-%c' needs a value" :
			    "unknown option '-%c'", optopt);
		*ret_value = optarg;
	}
	if (optind != argc - 1)
		die_usage(optind >= argc ? "a machine is missing" :
		    "too many operands");
	return argv[optind];
}

/* --- stop ------------------------------------------------------------- */

static time_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* The agent forces what the init does not do in two thirds of the time. */
static pid_t
ask_guest(int dir, int seconds)
{
	char *path = xfd_path(dir);
	autofree char *most = xasprintf("%d",
	    seconds > 1 ? seconds * 2 / 3 : 1);
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	execl("/proc/self/exe", "bng-agent", "shutdown", "-t", most, path,
	    (char *)NULL);
	_exit(127);
}

/* Did the guest's agent take the request within so many seconds? */
static bool
guest_obeys(int dir, int seconds)
{
	int status = -1;
	pid_t pid = ask_guest(dir, seconds);
	struct pollfd p = { .fd = pid < 0 ? -1 : pidfd_open(pid, 0),
		.events = POLLIN };

	if (p.fd < 0 || poll(&p, 1, seconds * 1000) != 1)
		status = 1;
	if (p.fd >= 0)
		close(p.fd);
	if (pid < 0)
		return false;
	if (status > 0)
		kill(pid, SIGKILL);
	waitpid(pid, status > 0 ? NULL : &status, 0);
	return !status;
}

/* SIGKILL for whatever of it is left, if the supervisor cannot do it. */
static void
end_now(int dir)
{
	if (!proc_signal(dir, "supervisor", SIGTERM) &&
	    !wait_end(dir, END_SECONDS))
		return;
	proc_signal(dir, "pid", SIGKILL);
	proc_signal(dir, "supervisor", SIGKILL);
	if (wait_end(dir, END_SECONDS))
		die("cannot stop '%s': its processes do not die",
		    name_of(dir));
}

void
vmctl_end(int dir, bool locked)
{
	if (lock_held(dir, "run.lock") != 1)
		return;
	if (!locked)
		await_pids(dir);
	end_now(dir);
}

int
vmctl_stop(int argc, char *argv[])
{
	const char *t = STOP_SECONDS;
	const char *vm = vmctl_operand(argc, argv, "t:", &t);
	int seconds = (int)xnum(t, 0, LONGEST, "number of seconds");
	int dir = vmctl_open(vm, true);
	time_t end;

	end = now() + seconds;
	proc_signal(dir, "supervisor", SIGUSR1);
	if (seconds && guest_obeys(dir, seconds) &&
	    !wait_end(dir, now() < end ? (int)(end - now()) : 0))
		return EXIT_YES;
	if (!held(dir))
		return EXIT_YES;
	end_now(dir);
	return EXIT_YES;
}

/* --- kill ------------------------------------------------------------- */

/* Is this a signal that people send to end something? */
static bool
ends(int sig)
{
	return sig == SIGKILL || sig == SIGTERM || sig == SIGINT ||
	    sig == SIGHUP || sig == SIGQUIT || sig == SIGABRT;
}

int
vmctl_kill(int argc, char *argv[])
{
	const char *name = "KILL";
	const char *vm = vmctl_operand(argc, argv, "s:", &name);
	int sig = xsignal(name);
	int dir = vmctl_open(vm, true);
	int r;

	if (ends(sig))
		proc_signal(dir, "supervisor", SIGUSR1);
	r = proc_signal(dir, "pid", sig);
	/* What is dying already holds its lock a moment longer. */
	if (r && !(r == -ESRCH && ends(sig)) && held(dir)) {
		errno = -r;
		die_sys("cannot signal machine '%s'", name_of(dir));
	}
	if (ends(sig) && wait_end(dir, END_SECONDS))
		die("cannot kill '%s': it has not ended within %d s",
		    name_of(dir), END_SECONDS);
	return EXIT_YES;
}

/* --- wait ------------------------------------------------------------- */

int
vmctl_wait(int argc, char *argv[])
{
	const char *t = NULL;
	const char *vm = vmctl_operand(argc, argv, "t:", &t);
	int seconds = t ? (int)xnum(t, 0, DAY, "number of seconds") : -1;

	return wait_end(vmctl_open(vm, false), seconds) ? EXIT_NO : EXIT_YES;
}
