/* vmctl.c - ending a machine; see vmctl.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "bng.h"
#include "clock.h"
#include "dirs.h"
#include "lock.h"
#include "proc.h"
#include "vm.h"
#include "vmctl.h"

enum {
	KILL_MS = 10000,	/* for a process that got SIGKILL to be gone */
	/* Of stop, when the guest has had its time: for the supervisor to end
	 * it, and for what is ended without that. */
	TERM_MS = 2000,
	LAST_MS = 1000,
	LONGEST = 3600,		/* that the agent takes */
	DAY = 86400,
};

/* When -t does not say: 15 in all, with TERM_MS and LAST_MS. */
#define STOP_SECONDS "12"

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
	/* Dies where that cannot be known. */
	held(dir);
	return vm_state_name(vm_state(dir));
}

/* Within ms, or -1. 0 when it has ended, -ETIMEDOUT, or it dies. */
static int
wait_end(int dir, int ms)
{
	int r = lock_wait_free(dir, "run.lock", ms);

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

/* Milliseconds until then, at least 0. */
static int
left(int64_t end)
{
	int64_t ms = end - clock_ms(CLOCK_MONOTONIC);

	return ms > 0 ? (int)ms : 0;
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

/* Did the guest's agent take the request by then, so many seconds from now? */
static bool
guest_obeys(int dir, int seconds, int64_t end)
{
	int status = -1;
	pid_t pid = ask_guest(dir, seconds);
	struct pollfd p = { .fd = pid < 0 ? -1 : pidfd_open(pid, 0),
		.events = POLLIN };

	if (p.fd < 0 || poll(&p, 1, left(end)) != 1)
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

/* SIGKILL for whatever of it is left, if the supervisor has not done it. */
static void
end_now(int dir, int term_ms, int kill_ms)
{
	if (!proc_signal(dir, "supervisor", SIGTERM) &&
	    !wait_end(dir, term_ms))
		return;
	proc_signal(dir, "pid", SIGKILL);
	proc_signal(dir, "supervisor", SIGKILL);
	if (wait_end(dir, kill_ms))
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
	end_now(dir, KILL_MS, KILL_MS);
}

int
vmctl_stop(int argc, char *argv[])
{
	const char *t = STOP_SECONDS;
	const char *vm = vmctl_operand(argc, argv, "t:", &t);
	int seconds = (int)xnum(t, 0, LONGEST, "number of seconds");
	int dir = vmctl_open(vm, true);
	int64_t end = clock_ms(CLOCK_MONOTONIC) + seconds * 1000;

	proc_signal(dir, "supervisor", SIGUSR1);
	if (seconds && guest_obeys(dir, seconds, end) &&
	    !wait_end(dir, left(end)))
		return EXIT_YES;
	if (!held(dir))
		return EXIT_YES;
	end_now(dir, TERM_MS, LAST_MS);
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
	/* Of one whose pid is nowhere, its supervisor still knows it. */
	if (r == -ENOENT && ends(sig))
		proc_signal(dir, "supervisor", SIGTERM);
	/* What is dying holds its lock longer than its pid is on record. */
	if (r && !((r == -ESRCH || r == -ENOENT) && ends(sig)) && held(dir)) {
		errno = -r;
		die_sys("cannot signal machine '%s'", name_of(dir));
	}
	if (ends(sig) && wait_end(dir, KILL_MS))
		die("cannot kill '%s': it has not ended within %d s",
		    name_of(dir), KILL_MS / 1000);
	return EXIT_YES;
}

/* --- wait ------------------------------------------------------------- */

int
vmctl_wait(int argc, char *argv[])
{
	const char *t = NULL;
	const char *vm = vmctl_operand(argc, argv, "t:", &t);
	int ms = t ? (int)xnum(t, 0, DAY, "number of seconds") * 1000 : -1;

	return wait_end(vmctl_open(vm, false), ms) ? EXIT_NO : EXIT_YES;
}
