/* exec.c - the child that becomes the command; no shell in between
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "json.h"
#include "loop.h"
#include "ops.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:" \
	"/sbin:/bin"

enum { NOT_STARTED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

/* Strings of the request; what they hold lasts until the exec. */
struct vector {
	char **v;
	char *text;
	size_t n;
};

static struct vector args, env;

/* From an array, with room for `extra` more. False: no memory. */
static bool
fill(struct vector *to, const char *array, size_t extra)
{
	size_t n = 0, size = array ? strlen(array) + 8 : 8;
	char *text = to->text = malloc(size);

	for (const char *e = json_first(array); e; e = json_next(e))
		n++;
	to->n = 0;
	to->v = calloc(n + extra + 1, sizeof(*to->v));
	if (!to->v || !text)
		return false;
	for (const char *e = json_first(array); e; e = json_next(e)) {
		long len = json_str(e, text, size);

		if (len < 0)
			continue;
		to->v[to->n++] = text;
		text += len + 1;
		size -= (size_t)len + 1;
	}
	return true;
}

static const char *
env_get(const char *name)
{
	size_t len = strlen(name);

	for (char **e = env.v; *e; e++)
		if (!strncmp(*e, name, len) && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

static void
env_default(const char *name, const char *value)
{
	char *line;

	if (env_get(name) || asprintf(&line, "%s=%s", name, value) < 0)
		return;
	env.v[env.n++] = line;
}

/* Become that user for good. */
static int
switch_user(const struct passwd *pw)
{
	if (initgroups(pw->pw_name, pw->pw_gid) || setgid(pw->pw_gid) ||
	    setuid(pw->pw_uid))
		return complain("cannot become user '%s': %s", pw->pw_name,
		    strerror(errno));
	return 0;
}

/* Try each directory of PATH; errno of the most telling failure stays. */
static void
search(char **argv)
{
	const char *path = env_get("PATH"), *end;
	char file[4096];
	int why = ENOENT;

	if (strchr(argv[0], '/')) {
		execve(argv[0], argv, env.v);
		return;
	}
	for (; path && argv[0][0]; path = end + 1) {
		end = path + strcspn(path, ":");
		snprintf(file, sizeof(file), "%.*s%s%s", (int)(end - path),
		    path, end == path ? "./" : "/", argv[0]);
		execve(file, argv, env.v);
		if (errno != ENOENT && errno != ENOTDIR)
			why = errno;
		if (!*end)
			break;
	}
	errno = why;
}

/* Whether a command could be executed: 0, or errno. */
static int
look_for(const char *command)
{
	const char *path = strchr(command, '/') ? "" : env_get("PATH"), *end;
	char file[2 * 4096];
	struct stat st;
	int why = ENOENT;

	for (; path; path = *end ? end + 1 : NULL) {
		end = path + strcspn(path, ":");
		snprintf(file, sizeof(file), "%.*s%s%s", (int)(end - path),
		    path, end == path ? "" : "/", command);
		if (stat(file, &st))
			continue;
		if (S_ISREG(st.st_mode) && !access(file, X_OK))
			return 0;
		why = EACCES;
	}
	return why;
}

/* An interpreter that is missing looks like a command that is. */
static bool
exists(const char *command)
{
	struct stat st;

	return strchr(command, '/') && !stat(command, &st);
}

static int
need(const char *command)
{
	switch (*command ? look_for(command) : ENOENT) {
	case 0:
		return 0;
	case ENOENT:
		return complain("there is no command '%s' in the machine",
		    command);
	default:
		return complain("command '%s' is not executable", command);
	}
}

int
exec_check(const char *request)
{
	static const char *const keys[] = { "require", "argv" };
	const char *e = json_get(request, "env");
	char cwd[4096], command[4096];

	if (!fill(&env, e, 1))
		return complain("out of memory");
	env_default("PATH", DEFAULT_PATH);
	if (json_str(json_get(request, "cwd"), cwd, sizeof(cwd)) < 0)
		snprintf(cwd, sizeof(cwd), "/");
	if (chdir(cwd))
		return complain("cannot enter '%s': %s", cwd, strerror(errno));
	for (int i = 0; i < 2; i++) {
		e = json_first(json_get(request, keys[i]));
		/* Of argv, the first is one. */
		for (; e; e = i ? NULL : json_next(e))
			if (json_str(e, command, sizeof(command)) < 0 ||
			    need(command))
				return 1;
	}
	return 0;
}

int
exec_run(const char *request)
{
	enum { DEFAULTS = 7 };
	char user[64] = "", cwd[4096], term[64] = "xterm-256color";
	const struct passwd *pw;
	const char *command;

	if (!fill(&args, json_get(request, "argv"), 0) ||
	    !fill(&env, json_get(request, "env"), DEFAULTS)) {
		complain("cannot start the command: out of memory");
		return NOT_STARTED;
	}
	command = args.v[0];
	json_str(json_get(request, "user"), user, sizeof(user));
	json_str(json_get(request, "term"), term, sizeof(term));
	pw = *user ? getpwnam(user) : getpwuid(0);
	if (*user && !pw) {
		complain("there is no user '%s' in the machine", user);
		return NOT_STARTED;
	}
	env_default("PATH", DEFAULT_PATH);
	env_default("HOME", *user ? pw->pw_dir : "/root");
	env_default("USER", *user ? user : "root");
	env_default("LOGNAME", *user ? user : "root");
	env_default("SHELL", pw && pw->pw_shell && *pw->pw_shell ?
	    pw->pw_shell : "/bin/sh");
	env_default("LANG", "C.UTF-8");
	if (json_true(json_get(request, "tty")))
		env_default("TERM", term);
	if (*user && switch_user(pw))
		return NOT_STARTED;
	if (json_str(json_get(request, "cwd"), cwd, sizeof(cwd)) < 0)
		snprintf(cwd, sizeof(cwd), "/");
	if (chdir(cwd)) {
		complain("cannot enter '%s': %s", cwd, strerror(errno));
		return NOT_STARTED;
	}
	loop_patient(false);
	search(args.v);
	if ((errno == ENOENT || errno == ENOTDIR) && !exists(command)) {
		complain("%s: command not found", command);
		return NOT_FOUND;
	}
	complain("%s: cannot execute: %s", command, errno == ENOENT ?
	    "its interpreter is missing" : strerror(errno));
	return NOT_EXECUTABLE;
}
