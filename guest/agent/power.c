/* power.c - the end of the machine; see power.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clean.h"
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

/* Milliseconds from now to then, not below 0. */
static int
left(const struct timespec *then)
{
	struct timespec now;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (then->tv_sec - now.tv_sec) * 1000 +
	    (then->tv_nsec - now.tv_nsec) / 1000000;
	return ms < 0 ? 0 : (int)ms;
}

/* A process that a signal could end: neither a kernel's thread nor ours. */
static bool
mortal(const char *name, pid_t *ret_pid)
{
	char path[300], first;

	*ret_pid = (pid_t)strtol(name, NULL, 10);
	snprintf(path, sizeof(path), "/proc/%s/exe", name);
	return *ret_pid > 1 && *ret_pid != getpid() &&
	    readlink(path, &first, 1) > 0;
}

/* Until everybody has ended who was there, for so many seconds at most. */
static void
await_all(int seconds)
{
	autoclosedir DIR *d = opendir("/proc");
	struct timespec end;
	struct dirent *e;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	while (d && (e = readdir(d))) {
		struct pollfd p = { .events = POLLIN };

		if (!mortal(e->d_name, &pid))
			continue;
		p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (p.fd < 0)
			continue;
		poll(&p, 1, left(&end));
		close(p.fd);
	}
}

void
power_down(bool reset, int grace)
{
	/* The work disk's; the overlay; the disk that the overlay is on. */
	static const char *const disks[] = { "/root", "/",
		"/var/lib/docker" };

	if (grace) {
		kill(-1, SIGTERM);
		kill(-1, SIGCONT);
		await_all(grace);
	}
	/* Who has a file open to write to it keeps its disk from being shut. */
	kill(-1, SIGKILL);
	await_all(POWER_GRACE);
	sync();
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		mount(NULL, disks[i], NULL, MS_REMOUNT | MS_RDONLY, NULL);
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
