/* exec.c - the child that becomes the command; no shell in between
 *
 * SPDX-License-Identifier: MIT
 *
 * What the request does not say, the image does; what neither says is that of
 * a login: environment, directory, user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "clean.h"
#include "entry.h"
#include "image.h"
#include "init.h"
#include "json.h"
#include "loop.h"
#include "ops.h"

enum { NOT_STARTED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

enum { DEFAULTS = 8 };		/* variables that env_default may add */

/* Strings of the request; what they hold lasts until the exec. */
struct vector {
	char **v;
	size_t n;
};

static struct vector args, env;
static struct account who;

noreturn_fn static void
no_memory(void)
{
	complain("cannot start the command: out of memory");
	_exit(NOT_STARTED);
}

/* A string of the request; malloc'ed. */
static char *
copy(const char *v)
{
	size_t size = json_size(v) + 8;
	char *text = malloc(size);

	if (!text || json_str(v, text, size) < 0)
		no_memory();
	return text;
}

/* The strings of an array come behind; those that `out` says are left out. */
static void
append(struct vector *to, const char *array, bool (*out)(const char *text))
{
	size_t n = to->n + DEFAULTS + 1;

	for (const char *e = json_first(array); e; e = json_next(e))
		n++;
	to->v = realloc(to->v, n * sizeof(*to->v));
	if (!to->v)
		no_memory();
	to->v[to->n] = NULL;
	for (const char *e = json_first(array); e; e = json_next(e)) {
		char *text = copy(e);

		if (out && out(text)) {
			free(text);
			continue;
		}
		to->v[to->n++] = text;
		to->v[to->n] = NULL;
	}
}

/* What NAME, or NAME=..., is set to; NULL: it is not. */
static const char *
env_get(const char *name)
{
	size_t len = strcspn(name, "=");

	for (char **e = env.v; e && *e; e++)
		if (!strncmp(*e, name, len) && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

static bool
is_set(const char *line)
{
	return env_get(line);
}

/* Of somebody else than the image's user these would be a lie. */
static bool
is_set_or_whose(const char *line)
{
	static const char *const whose[] = { "HOME=", "USER=", "LOGNAME=",
		"SHELL=" };

	for (size_t i = 0; i < ARRAY_SIZE(whose); i++)
		if (!strncmp(line, whose[i], strlen(whose[i])))
			return true;
	return is_set(line);
}

static void
env_default(const char *name, const char *value)
{
	char *line;

	if (env_get(name))
		return;
	if (asprintf(&line, "%s=%s", name, value) < 0)
		no_memory();
	env.v[env.n++] = line;
	env.v[env.n] = NULL;
}

/* Whom the command is to be, in `who`; whether anybody was named. */
static int
find_who(const char *request, bool *ret_asked, bool *ret_named)
{
	char spec[ACCOUNT_SPEC] = "", why[ACCOUNT_SPEC + 64];
	const char *asked = json_get(request, "user");

	if (asked ? json_str(asked, spec, sizeof(spec)) < 0 :
	    image_get("user") &&
	    json_str(image_get("user"), spec, sizeof(spec)) < 0)
		return complain("the name of the user is too long");
	if (!account_find(spec, &who, why, sizeof(why)))
		return complain("%s", why);
	*ret_asked = asked && *spec;
	*ret_named = *spec;
	return 0;
}

/* The environment, and whom the command is to be; 0, or 1 with a complaint. */
static int
prepare(const char *request, bool *ret_named)
{
	char term[64] = "xterm-256color";
	bool asked = false;

	if (find_who(request, &asked, ret_named))
		return 1;
	env = args = (struct vector){ NULL, 0 };
	append(&env, json_get(request, "env"), NULL);
	append(&env, image_get("env"), asked ? is_set_or_whose : is_set);
	json_str(json_get(request, "term"), term, sizeof(term));
	env_default("PATH", PATH_DEFAULT);
	env_default("HOME", who.home);
	env_default("USER", who.name);
	env_default("LOGNAME", who.name);
	env_default("SHELL", who.shell);
	env_default("LANG", "C.UTF-8");
	if (json_true(json_get(request, "tty")))
		env_default("TERM", term);
	return 0;
}

/* Where nobody says anything, at home: if there is no such place, in /. */
void
exec_cwd(const char *request, char *out, size_t size)
{
	if (json_str(json_get(request, "cwd"), out, size) < 0 &&
	    json_str(image_get("cwd"), out, size) < 0)
		snprintf(out, size, "%s", *who.home &&
		    !access(who.home, X_OK) ? who.home : "/");
}

static int
enter(const char *request)
{
	char cwd[4096];

	exec_cwd(request, cwd, sizeof(cwd));
	if (!chdir(cwd))
		return 0;
	return complain("cannot enter '%s': %s", cwd, strerror(errno));
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
		/* Where it is not, execve would first make it a memory. */
		if (!access(file, F_OK))
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
	char command[4096];
	bool named = false;

	if (prepare(request, &named) || enter(request))
		return 1;
	for (int i = 0; i < 2; i++) {
		const char *e = json_first(json_get(request, keys[i]));

		/* Of argv, the first is one. */
		for (; e; e = i ? NULL : json_next(e))
			if (json_str(e, command, sizeof(command)) < 0 ||
			    need(command))
				return 1;
	}
	return 0;
}

/*
 * What the image runs, with what was given instead of its arguments; or what
 * was given alone, unless that is only a try and not there.
 */
static void
choose_command(const char *request)
{
	const char *given = json_get(request, "argv");
	bool own = json_true(json_get(request, "entrypoint"));

	if (!own)
		append(&args, given, NULL);
	if (args.n && (!json_true(json_get(request, "or_image")) ||
	    !init_is_none() || !image_runs() || !look_for(args.v[0])))
		return;
	entry_note();
	args.n = 0;
	append(&args, image_get("entrypoint"), NULL);
	append(&args, own && json_first(given) ? given : image_get("cmd"),
	    NULL);
}

int
exec_run(const char *request)
{
	const char *command;
	bool named = false;

	complain_aloud();
	if (prepare(request, &named))
		return NOT_STARTED;
	choose_command(request);
	command = args.v[0];
	if (named && !account_become(&who)) {
		complain("cannot become user '%s': %s", who.name,
		    strerror(errno));
		return NOT_STARTED;
	}
	if (enter(request))
		return NOT_STARTED;
	loop_hurry();
	search(args.v);
	if ((errno == ENOENT || errno == ENOTDIR) && !exists(command)) {
		complain("%s: command not found", command);
		return NOT_FOUND;
	}
	complain("%s: cannot execute: %s", command, errno == ENOENT ?
	    "its interpreter is missing" : strerror(errno));
	return NOT_EXECUTABLE;
}
