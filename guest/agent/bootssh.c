/* bootssh.c - an image without sshd gets one; see bootssh.h
 *
 * SPDX-License-Identifier: MIT
 *
 * Nothing here is fatal, or waited for: commands and terminals need no sshd.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bootssh.h"
#include "clean.h"
#include "file.h"
#include "init.h"
#include "lock.h"
#include "oom.h"
#include "ops.h"
#include "sshplan.h"

static bool
has_sshd(void)
{
	return !access("/usr/sbin/sshd", X_OK) ||
	    !access("/usr/bin/sshd", X_OK) ||
	    !access("/usr/local/sbin/sshd", X_OK);
}

printf_fn(1, 2) static void
state(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	file_note_line(AT_FDCWD, SSHD_STATE, "%s", line);
}

/* A process like any other: not the agent's, which is spared and deaf. */
static void
leave(void)
{
	int log, fd;

	mkdir("/var/log", 0755);
	log = open(SSHD_LOG, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
	fd = open("/dev/null", O_RDWR);
	dup2(fd, STDIN_FILENO);
	dup2(log < 0 ? fd : log, STDOUT_FILENO);
	dup2(STDOUT_FILENO, STDERR_FILENO);
	syscall(SYS_close_range, 3, ~0U, 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	setsid();
	umask(022);
}

/* Run the whole of it by the image's shell; its status. */
static int
install(const struct sshplan *plan)
{
	autofree char *script = NULL;
	int status;
	pid_t pid;

	if (asprintf(&script, "%s%s%s", sshplan_before, plan->install,
	    sshplan_after) < 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		setenv("PATH", PATH_DEFAULT, 1);
		setenv("HOME", "/root", 1);
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void
boot_sshd(void)
{
	autofree char *text = NULL;
	const struct sshplan *plan;
	char id[SSHPLAN_ID];
	int status;

	mkdir("/run/banger", 0755);
	if (has_sshd() || lock_open(AT_FDCWD, SSHD_STATE ".lock", false) < 0)
		return;
	if (file_slurp(AT_FDCWD, "/etc/os-release", OS_RELEASE_MAX, &text,
	    NULL))
		file_slurp(AT_FDCWD, "/usr/lib/os-release", OS_RELEASE_MAX,
		    &text, NULL);
	plan = sshplan_find(text ? text : "", id);
	if (!plan || access("/bin/sh", X_OK)) {
		state(plan ? "its image has no shell to install one with" :
		    "nobody knows how to install one on '%s'",
		    *id ? id : "an unknown system");
		return;
	}
	state("openssh-server is being installed by %s; its log is " SSHD_LOG,
	    plan->manager);
	if (init_now() == INIT_SYSTEMD)
		init_await_systemd();
	status = install(plan);
	if (!status)
		unlink(SSHD_STATE);
	else
		state("openssh-server could not be installed (status %d): "
		    "see " SSHD_LOG, status);
}

void
bootssh_begin(void)
{
	pid_t pid = oom_fork();

	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (pid)
		return;
	/* PID 1's child, so that the agent has none that it does not know. */
	if (!fork()) {
		leave();
		boot_sshd();
	}
	_exit(0);
}
