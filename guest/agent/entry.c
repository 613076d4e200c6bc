/* entry.c - what runs of what the image itself runs; see entry.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clean.h"
#include "entry.h"
#include "file.h"
#include "image.h"
#include "json.h"
#include "ops.h"

enum {
	ENTRIES_MAX = 64,
	GLIBC_SIGRTMIN = 34,	/* which images mean; musl's is another */
	SIGNAL_LAST = 64,
};

static DIR *
open_notes(void)
{
	int fd = open("/run/banger/entry", O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? NULL : fdopendir(fd);
}

/* What its note is called: "PID-START", field 22 of its stat. */
static bool
note_name(pid_t pid, char name[64])
{
	char path[64], stat[1024], *p, *save;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_line(AT_FDCWD, path, stat, sizeof(stat)) <= 0)
		return false;
	p = strrchr(stat, ')');
	p = p ? strtok_r(p, " ", &save) : NULL;
	for (int i = 2; p && i < 22; i++)
		p = strtok_r(NULL, " ", &save);
	return p && snprintf(name, 64, "%d-%s", (int)pid, p) < 64;
}

/* Whose note that is, if it is still there; or 0. */
static pid_t
note_pid(const char *note)
{
	pid_t pid = (pid_t)strtol(note, NULL, 10);
	char name[64];

	return pid > 0 && note_name(pid, name) && !strcmp(name, note) ? pid : 0;
}

void
entry_note(void)
{
	autoclosedir DIR *d = NULL;
	struct dirent *e;
	char name[64];

	if (ops_harmless)
		return;
	mkdir("/run/banger", 0755);
	mkdir("/run/banger/entry", 0700);
	d = open_notes();
	while (d && (e = readdir(d)))
		if (!note_pid(e->d_name))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d && note_name(getpid(), name))
		close(openat(dirfd(d), name, O_WRONLY | O_CREAT | O_CLOEXEC |
		    O_NOFOLLOW, 0600));
}

/* "SIGQUIT", "QUIT", "SIGRTMIN+3" or "3"; 0 when it is none. */
static int
signal_of(const char *text)
{
	static const struct {
		const char *name;
		int sig;
	} known[] = {
		{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT },
		{ "ABRT", SIGABRT }, { "KILL", SIGKILL }, { "USR1", SIGUSR1 },
		{ "USR2", SIGUSR2 }, { "PIPE", SIGPIPE }, { "ALRM", SIGALRM },
		{ "TERM", SIGTERM }, { "CONT", SIGCONT }, { "STOP", SIGSTOP },
		{ "WINCH", SIGWINCH }, { "IO", SIGIO }, { "PWR", SIGPWR },
	};
	unsigned long from = 0, n;
	char *end;

	if (!strncmp(text, "SIG", 3))
		text += 3;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, text))
			return known[i].sig;
	if (!strncmp(text, "RTMIN", 5)) {
		from = GLIBC_SIGRTMIN;
		text += text[5] ? 6 : 5;
	} else if (!isdigit((unsigned char)*text)) {
		return 0;
	}
	n = strtoul(text, &end, 10);
	return *end || n > SIGNAL_LAST - from ? 0 : (int)(from + n);
}

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Those that are there get it; descriptors of them, and how many. */
static int
tell(int sig, int fds[ENTRIES_MAX])
{
	autoclosedir DIR *d = open_notes();
	struct dirent *e;
	int n = 0;

	while (d && n < ENTRIES_MAX && (e = readdir(d))) {
		pid_t pid = note_pid(e->d_name);
		int fd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

		/* Only now is it sure that this is still the same one. */
		if (fd >= 0 && note_pid(e->d_name) &&
		    !syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0))
			fds[n++] = fd;
		else if (fd >= 0)
			close(fd);
	}
	return n;
}

void
entry_stop(int ms)
{
	char text[32];
	int fds[ENTRIES_MAX], n, sig;
	long end = now_ms() + ms;

	if (json_str(image_get("stop_signal"), text, sizeof(text)) <= 0)
		return;
	sig = signal_of(text);
	n = sig > 0 ? tell(sig, fds) : 0;
	while (n--) {
		struct pollfd p = { .fd = fds[n], .events = POLLIN };
		long left = end - now_ms();

		poll(&p, 1, left > 0 ? (int)left : 0);
		close(fds[n]);
	}
}
