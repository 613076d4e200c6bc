/* power.c - the end of the machine; see power.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "power.h"

static void
say(const char *fmt, va_list ap)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "banger: ");

	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody to tell */
}

void
console(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

bool
power_can_off(void)
{
	/* Without ACPI the kernel could only halt, and the VMM would stay. */
	return !access("/sys/firmware/acpi", F_OK);
}

void
power_off(bool reset)
{
	sync();
	reboot(reset || !power_can_off() ? RB_AUTOBOOT : RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

/*
 * Reap until nobody is left, for at most two seconds. All others are children
 * of PID 1, or will be once their parents have ended. SIGCHLD is blocked.
 */
static void
reap_all(void)
{
	struct timespec now, end;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 2;
	for (;;) {
		struct timespec left = { .tv_nsec = 100000000 };

		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (pid < 0 || now.tv_sec > end.tv_sec)
			return;
		sigtimedwait(&set, NULL, &left);
	}
}

void
power_down(bool reset)
{
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	reap_all();
	kill(-1, SIGKILL);
	sync();
	umount2("/root", MNT_DETACH);
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	power_off(reset);
}

void
give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	power_off(false);
}
