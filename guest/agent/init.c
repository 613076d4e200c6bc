/* init.c - the image's init: which is it, and is it up; see init.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "init.h"
#include "json.h"
#include "ops.h"

enum { TABLE_MAX = 64 << 10 };	/* of an inittab */

char init_path[256];
static enum init kind;

/* By the name of its program. */
static enum init
kind_of(const char *base)
{
	static const struct {
		const char *name;
		enum init kind;
	} known[] = {
		{ "systemd", INIT_SYSTEMD }, { "busybox", INIT_BUSYBOX },
		{ "openrc-init", INIT_OPENRC }, { "runit-init", INIT_RUNIT },
		{ "runit", INIT_RUNIT }, { "s6-svscan", INIT_S6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, base))
			return known[i].kind;
	return INIT_OTHER;
}

void
init_note(const char *path)
{
	char real[PATH_MAX];

	kind = path ? INIT_OTHER : INIT_NONE;
	if (!path)
		return;
	snprintf(init_path, sizeof(init_path), "%s", path);
	if (realpath(path, real))
		kind = kind_of(strrchr(real, '/') + 1);
}

bool
init_is_none(void)
{
	return kind == INIT_NONE;
}

/*
 * An init may be a script that has become another. Where its program says
 * nothing, sysvinit is known by its fifo, or by its table.
 */
enum init
init_now(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/1/exe", exe, sizeof(exe) - 1);
	enum init now = INIT_OTHER;

	if (kind != INIT_OTHER)
		return kind;
	exe[n < 0 ? 0 : n] = '\0';
	if (strrchr(exe, '/'))
		now = kind_of(strrchr(exe, '/') + 1);
	/* A busybox here is the shell of such a script. */
	if (now != INIT_OTHER && now != INIT_BUSYBOX)
		return now;
	if (!access("/run/initctl", F_OK) || !access("/dev/initctl", F_OK) ||
	    (strstr(exe, "/init") && !access("/etc/inittab", F_OK)))
		return INIT_SYSV;
	return INIT_OTHER;
}

/* What the inittab starts first is there. */
static bool
table_boots(void)
{
	static const char first[] = "::sysinit:";
	autofree char *table = NULL;
	char *path;

	if (file_slurp(AT_FDCWD, "/etc/inittab", TABLE_MAX, &table, NULL))
		return false;
	path = strstr(table, first);
	if (!path)
		return false;
	path += strlen(first);
	path[strcspn(path, " \t\n")] = '\0';
	return !access(path, X_OK);
}

bool
init_boots(const char *path)
{
	char real[PATH_MAX];

	return !realpath(path, real) ||
	    kind_of(strrchr(real, '/') + 1) != INIT_BUSYBOX || table_boots();
}

/* --- is it up? ---------------------------------------------------------- */

static bool
file_names(const char *path, const char *text)
{
	autofree char *all = NULL;

	return !file_slurp(AT_FDCWD, path, TABLE_MAX, &all, NULL) &&
	    strstr(all, text);
}

/* Whether OpenRC starts the services, whoever is PID 1. */
static bool
has_openrc(void)
{
	if (kind == INIT_OPENRC || file_names("/etc/inittab", "/sbin/openrc"))
		return true;
	return kind != INIT_NONE && kind != INIT_SYSTEMD &&
	    file_names("/etc/inittab", "/etc/init.d/rcS") &&
	    file_names("/etc/init.d/rcS", "/sbin/openrc");
}

/* Something happens in a directory that is being watched; or an error. */
static bool
event(int in)
{
	char events[4096];

	return read(in, events, sizeof(events)) >= 0 || errno == EINTR;
}

bool
init_await(int in, const char *dir, const char *path)
{
	if (inotify_add_watch(in, dir, IN_CREATE | IN_MOVED_TO) < 0)
		return false;
	while (access(path, F_OK))
		if (!event(in))
			return false;
	return true;
}

bool
init_await_systemd(void)
{
	int in = inotify_init1(IN_CLOEXEC);

	return in >= 0 && init_await(in, "/run", "/run/systemd") &&
	    init_await(in, "/run/systemd", "/run/systemd/private");
}

/* The process of openrc(8) that starts services, if there is one, or -1. */
static int
openrc_process(void)
{
	autoclosedir DIR *d = opendir("/proc");
	char path[300], comm[32];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    file_line(AT_FDCWD, path, comm, sizeof(comm)) > 0 &&
		    !strcmp(comm, "openrc"))
			return (int)syscall(SYS_pidfd_open,
			    strtol(e->d_name, NULL, 10), 0);
	}
	return -1;
}

/* Its default runlevel is begun: then nobody starts anything any more. */
static bool
await_openrc(void)
{
	static const char file[] = "/run/openrc/softlevel";
	int in = inotify_init1(IN_CLOEXEC);
	struct pollfd p = { .events = POLLIN };
	char level[64];

	if (in < 0 || !init_await(in, "/run", "/run/openrc") ||
	    inotify_add_watch(in, "/run/openrc", IN_CREATE | IN_MOVED_TO |
	    IN_CLOSE_WRITE) < 0)
		return false;
	while (file_line(AT_FDCWD, file, level, sizeof(level)) <= 0 ||
	    strcmp(level, "default"))
		if (!event(in))
			return false;
	while ((p.fd = openrc_process()) >= 0) {
		poll(&p, 1, -1);
		close(p.fd);
	}
	return true;
}

int
boot_run(const char *request)
{
	bool early = json_true(json_get(request, "early"));

	if (kind == INIT_SYSTEMD) {
		if (!init_await_systemd())
			return complain("cannot wait for systemd: %s",
			    strerror(errno));
		if (early)
			return 0;
		setenv("PATH", PATH_DEFAULT, 1);
		execlp("systemctl", "systemctl", "is-system-running", "--wait",
		    (char *)NULL);
		return complain("cannot run 'systemctl': %s",
		    strerror(errno));
	}
	if (!early && has_openrc() && !await_openrc())
		return complain("cannot wait for OpenRC: %s", strerror(errno));
	return write(STDOUT_FILENO, "running\n", 8) == 8 ? 0 : 1;
}
