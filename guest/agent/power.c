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

static void
nap(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* Whether anything but us and the kernel's threads is left. */
static bool
anyone_left(void)
{
	return !kill(-1, 0);
}

void
power_down(bool reset)
{
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	/* At most two seconds; there is no event for "all gone". */
	for (int i = 0; i < 40 && anyone_left(); i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		nap(50);
	}
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
