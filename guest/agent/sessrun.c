/* sessrun.c - start a session, list sessions, read their logs, in a child
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "json.h"
#include "keeper.h"
#include "lock.h"
#include "ops.h"
#include "ring.h"
#include "session.h"

/* The directory of all sessions, made if need be; or -1. */
static int
open_home(void)
{
	autofree char *path = strdup(session_home());
	char *slash = path;

	while (path && (slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	mkdir(session_home(), 0700);
	return open(session_home(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What a listing shows of it, behind `before`; false: nothing. */
static bool
print_session(int home, const char *name, const char *before)
{
	static const char *const states[] = { NULL, "running", "exited",
		"lost" };
	enum session_state state = session_state(home, name);
	autoclose int dir = openat(home, name, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
	autofree char *about = NULL, *end = NULL, *attached = NULL;
	const char *status = states[state];
	size_t len;

	if (dir < 0 || file_slurp(dir, "about", 8192, &about, &len) || !len)
		return false;
	about[len - 1] = '\0'; /* its brace */
	file_slurp(dir, "end", 200, &end, NULL);
	file_slurp(dir, "attached", 4096, &attached, NULL);
	if (end && json_get(end, "signal"))
		status = "killed";
	printf("%s%s,\"status\":\"%s\"", before, about, status);
	if (end && *end)
		printf(",%.*s", (int)strlen(end) - 2, end + 1);
	if (attached && state == SESSION_RUNS)
		printf(",\"attached\":%s", attached);
	for (int i = 0; i < 2; i++) {
		static const char *const names[] = { "stdout", "stderr" };
		struct ring r;
		char byte;
		uint64_t at = 0;

		if (!ring_open(&r, dir, names[i]))
			continue;
		if (ring_get(&r, &at, &byte, 1) >= 0)
			printf(",\"%s_bytes\":%llu,\"%s_lost\":%llu", names[i],
			    (unsigned long long)r.total, names[i],
			    (unsigned long long)(at ? at - 1 : 0));
		close(r.fd);
	}
	putchar('}');
	return true;
}

/* Names of sessions; other entries begin with a dot. */
static int
visible(const struct dirent *e)
{
	return session_name_ok(e->d_name);
}

/* Sorted; how many. */
static int
list(struct dirent ***ret_all)
{
	int n = scandir(session_home(), ret_all, visible, alphasort);

	return n < 0 ? 0 : n;
}

int
session_list_run(const char *request)
{
	autoclose int home = open_home();
	struct dirent **all;
	int n = list(&all), printed = 0;

	(void)request;
	printf("{\"sessions\":[");
	for (int i = 0; i < n; i++)
		printed += print_session(home, all[i]->d_name,
		    printed ? "," : "");
	printf("]}\n");
	return fflush(stdout) ? 1 : 0;
}

/*
 * Start
 */

/* A name like that of the command: make, make-2, ... */
static void
pick_name(int home, const char *request, char name[SESSION_NAME])
{
	char command[4096] = "", *base;
	char stem[SESSION_NAME - 12];
	size_t n = 0;

	json_str(json_first(json_get(request, "argv")), command,
	    sizeof(command));
	base = strrchr(command, '/') ? strrchr(command, '/') + 1 : command;
	for (; *base && n < sizeof(stem) - 1; base++)
		if (isalnum((unsigned char)*base) || (n && *base == '-'))
			stem[n++] = *base;
	stem[n] = '\0';
	if (!n)
		memcpy(stem, "session", sizeof("session"));
	snprintf(name, SESSION_NAME, "%s", stem);
	for (int i = 2; session_state(home, name) != SESSION_NONE; i++)
		snprintf(name, SESSION_NAME, "%s-%d", stem, i);
}

static bool
choose_name(int home, const char *request, char name[SESSION_NAME])
{
	const char *v = json_get(request, "name");

	if (!v) {
		pick_name(home, request, name);
		return true;
	}
	if (json_str(v, name, SESSION_NAME) < 0 || !session_name_ok(name)) {
		complain("cannot name a session so: 1 to %d of A-Z a-z 0-9 "
		    "'_' '.' '+' '-', no '.' or '-' in front",
		    SESSION_NAME - 1);
		return false;
	}
	if (session_state(home, name) == SESSION_RUNS) {
		complain("session '%s' is running already", name);
		return false;
	}
	file_rm_tree(home, name);
	return true;
}

/* When it ended, or was made if it was lost. */
static time_t
age(int home, const char *name)
{
	autofree char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/end", name) < 0)
		return 0;
	if (fstatat(home, path, &st, 0) && fstatat(home, name, &st, 0))
		return 0;
	return st.st_mtime;
}

/* The oldest that have ended make room for one more. */
static bool
make_room(int home)
{
	for (;;) {
		struct dirent **all;
		const char *victim = NULL;
		time_t oldest = 0;
		int n = list(&all);

		if (n < SESSIONS_MAX)
			return true;
		for (int i = 0; i < n; i++) {
			const char *name = all[i]->d_name;
			time_t t = age(home, name);

			if (session_state(home, name) == SESSION_RUNS ||
			    (victim && t >= oldest))
				continue;
			victim = name;
			oldest = t;
		}
		if (!victim || file_rm_tree(home, victim)) {
			complain("%d sessions are running: that is the most",
			    SESSIONS_MAX);
			return false;
		}
	}
}

static int
launch(int home, const char *name, const char *request)
{
	char why[256];
	ssize_t n;
	int p[2];
	pid_t pid;

	if (mkdirat(home, name, 0700) || pipe2(p, O_CLOEXEC))
		return complain("cannot keep session '%s': %s", name,
		    strerror(errno));
	pid = fork();
	if (pid == 0)
		keeper_run(session_home(), name, request, p[1]);
	close(p[1]);
	n = pid < 0 ? 0 : read_full(p[0], why, sizeof(why) - 1);
	if (n == 1)
		return 0;
	file_rm_tree(home, name);
	why[n > 0 ? n : 0] = '\0';
	return complain("cannot keep session '%s': %s", name,
	    n > 0 ? why : "its keeper ended");
}

int
session_start_run(const char *request)
{
	autoclose int home = open_home();
	/* One after the other; a keeper has its own lock when this ends. */
	autoclose int lock = home < 0 ? -errno :
	    lock_open(home, ".lock", true);
	char name[SESSION_NAME];

	if (lock < 0)
		return complain("cannot keep sessions: %s", strerror(-lock));
	if (exec_check(request) || !choose_name(home, request, name) ||
	    !make_room(home) || launch(home, name, request))
		return 1;
	print_session(home, name, "");
	return fflush(stdout) ? 1 : 0;
}

/*
 * Logs
 */

struct log {
	struct ring ring[2];
	uint64_t at[2];
};

static const char *const streams[] = { "stdout", "stderr" };

/*
 * A writer that is faster than we are overtakes us. Only who reads the ring
 * can say so, at the place where it happened.
 */
static void
say_lost(uint64_t at, uint64_t n, const char *stream)
{
	if (at)
		complain("here %llu bytes of %s are lost: they were "
		    "written faster than read", (unsigned long long)n, stream);
	else
		complain("the first %llu bytes of %s are not kept any "
		    "more", (unsigned long long)n, stream);
}

/* The next piece of a stream: a count, 0: there is none, -1: no reader. */
static ssize_t
copy_piece(struct log *l, int i)
{
	static char buf[RING_CHUNK];
	uint64_t at = l->at[i];
	ssize_t n;

	if (l->ring[i].fd < 0)
		return 0;
	n = ring_get(&l->ring[i], &l->at[i], buf, sizeof(buf));
	if (n <= 0)
		return 0;
	if (l->at[i] - (uint64_t)n > at)
		say_lost(at, l->at[i] - (uint64_t)n - at, streams[i]);
	return write_all(STDOUT_FILENO + i, buf, (size_t)n) ? -1 : n;
}

/* All there is now of both streams. False: nobody reads it. */
static bool
copy(struct log *l)
{
	ssize_t n[2];

	do {
		n[0] = copy_piece(l, 0);
		n[1] = copy_piece(l, 1);
	} while (n[0] >= 0 && n[1] >= 0 && n[0] + n[1]);
	return n[0] >= 0 && n[1] >= 0;
}

static bool
watch(int in, const char *name, const char *stream)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s/%s", session_home(), name, stream);
	return inotify_add_watch(in, path, IN_MODIFY | IN_CLOSE_WRITE) >= 0;
}

/* Whoever wrote the rings has closed them, or is about to be gone. */
static bool
closed(const char *events, ssize_t n)
{
	struct inotify_event e;
	bool is = false;

	for (ssize_t i = 0; i + (ssize_t)sizeof(e) <= n;
	    i += (ssize_t)(sizeof(e) + e.len)) {
		memcpy(&e, events + i, sizeof(e));
		is |= !!(e.mask & IN_CLOSE_WRITE);
	}
	return is;
}

static int
follow(struct log *l, int home, const char *name, int in)
{
	char events[4096];
	bool over = false;

	for (;;) {
		ssize_t n;

		/* In this order: what came before the end is copied. */
		over |= session_state(home, name) != SESSION_RUNS;
		if (!copy(l) || over)
			return 0;
		n = read(in, events, sizeof(events));
		if (n < 0 && errno != EINTR)
			return complain("cannot follow: %s", strerror(errno));
		over = closed(events, n);
	}
}

int
session_logs_run(const char *request)
{
	autoclose int home = open_home();
	autoclose int in = inotify_init1(IN_CLOEXEC);
	struct log l = { .ring = { { .fd = -1 }, { .fd = -1 } } };
	char name[SESSION_NAME] = "", only[16] = "";
	autoclose int dir = -1;

	complain_aloud();
	json_str(json_get(request, "name"), name, sizeof(name));
	json_str(json_get(request, "stream"), only, sizeof(only));
	if (!session_name_ok(name) || !session_state(home, name))
		return complain("there is no session '%s'", name);
	dir = openat(home, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		if (*only && strcmp(only, streams[i]))
			continue;
		if (ring_open(&l.ring[i], dir, streams[i]))
			watch(in, name, streams[i]);
	}
	/* Of a keeper that is killed it may be all that is still open. */
	watch(in, name, "lock");
	if (json_true(json_get(request, "follow")))
		return follow(&l, home, name, in);
	return copy(&l) ? 0 : 1;
}
