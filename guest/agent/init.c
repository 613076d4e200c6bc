/* init.c - the image's init: is it up, and may it switch off, please
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "json.h"
#include "ops.h"
#include "power.h"

/* glibc's SIGRTMIN, which systemd counts from; musl's is another. */
enum { SYSTEMD_SIGRTMIN = 34 };

static enum { INIT_NONE, INIT_SYSTEMD, INIT_BUSYBOX, INIT_OTHER } kind;

void
init_note(const char *path)
{
	char real[PATH_MAX];
	const char *base;

	kind = path ? INIT_OTHER : INIT_NONE;
	if (!path || !realpath(path, real))
		return;
	base = strrchr(real, '/') + 1;
	if (!strcmp(base, "systemd"))
		kind = INIT_SYSTEMD;
	else if (!strcmp(base, "busybox"))
		kind = INIT_BUSYBOX;
}

bool
init_is_none(void)
{
	return kind == INIT_NONE;
}

/* Until there is a file of this name in dir. */
static bool
await(int in, const char *dir, const char *path)
{
	char event[4096];

	if (inotify_add_watch(in, dir, IN_CREATE | IN_MOVED_TO) < 0)
		return false;
	while (access(path, F_OK))
		if (read(in, event, sizeof(event)) < 0 && errno != EINTR)
			return false;
	return true;
}

/* Until systemd listens, to signals as well. */
static bool
await_systemd(void)
{
	int in = inotify_init1(IN_CLOEXEC);

	return in >= 0 && await(in, "/run", "/run/systemd") &&
	    await(in, "/run/systemd", "/run/systemd/private");
}

int
boot_run(const char *request)
{
	(void)request;
	if (kind != INIT_SYSTEMD) {
		if (write(STDOUT_FILENO, "running\n", 8) != 8)
			return 1;
		return 0;
	}
	if (!await_systemd())
		return complain("cannot wait for systemd: %s",
		    strerror(errno));
	execlp("systemctl", "systemctl", "is-system-running", "--wait",
	    (char *)NULL);
	return complain("cannot run 'systemctl': %s", strerror(errno));
}

/* The init's own command; by name, from the default path. */
static bool
run_command(const char *name)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp(name, name, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static bool
ask_init(void)
{
	bool off = power_can_off();

	switch (kind) {
	case INIT_SYSTEMD:
		/* The kernel drops signals that PID 1 does not expect yet. */
		await_systemd();
		return !kill(1, SYSTEMD_SIGRTMIN + (off ? 4 : 5));
	case INIT_OTHER:
		return run_command(off ? "poweroff" : "reboot");
	default:
		return !kill(1, off ? SIGUSR2 : SIGTERM);
	}
}

/* Should the init not manage in time. It dies with the machine. */
static void
leave_deadline(unsigned int seconds)
{
	if (fork())
		return;
	setsid();
	while (seconds)
		seconds = sleep(seconds);
	power_off(false);
}

int
shutdown_run(const char *request)
{
	int64_t seconds = json_int(json_get(request, "seconds"), 0, 3600, 10);

	sync();
	leave_deadline((unsigned int)seconds);
	if (!ask_init())
		return complain("cannot ask the init to switch off; the "
		    "machine will be off in %lld s", (long long)seconds);
	return 0;
}
