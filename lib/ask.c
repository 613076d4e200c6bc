/* ask.c - one request to a machine's agent, or the end; see ask.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/ioctl.h>

#include "ask.h"
#include "bng.h"
#include "dirs.h"
#include "lock.h"

int ask_dir = -1;
int ask_seconds;

/* The request, if it is one, goes with it. */
static int
connect_with(const char *vm, enum agent_port port, int no,
    const char *request)
{
	char why[TALK_WHY];
	int fd;

	ask_dir = xvm_open(vm);
	fd = agent_connect(ask_dir, port, ask_seconds, request, why);
	if (fd == -ENOENT)
		die_status(no, "machine '%s' is not running", vm);
	if (fd == -ECONNRESET)
		die("machine '%s' did not become ready: %s", vm, why);
	if (fd == -ETIMEDOUT)
		die_status(EXIT_NO, "machine '%s' did not become ready: no "
		    "answer in %d s", vm, ask_seconds);
	if (fd < 0)
		die("cannot reach machine '%s': %s", vm, strerror(-fd));
	return fd;
}

int
ask_connect(const char *vm, enum agent_port port, int no)
{
	return connect_with(vm, port, no, NULL);
}

char *
ask_name(const char *vm)
{
	size_t end = strlen(vm), from;

	while (end > 1 && vm[end - 1] == '/')
		end--;
	for (from = end; from && vm[from - 1] != '/'; from--)
		;
	return xasprintf("%.*s", (int)(end - from), vm + from);
}

static void
open_with(struct talk *t, const char *vm, enum agent_port port, int no,
    const char *request)
{
	t->sock = connect_with(vm, port, no, request);
	t->dir = ask_dir;
	/* One that is not ready may not answer, and that is no news. */
	if (port == AGENT_WAITING)
		t->vm = ask_name(vm);
}

void
ask_open(struct talk *t, const char *vm, enum agent_port port, int no)
{
	open_with(t, vm, port, no, NULL);
}

int
ask_run(struct talk *t, const char *vm, enum agent_port port, int no,
    cJSON *request)
{
	autofree char *text = ask_text(request);
	bool early = strlen(text) <= AGENT_EARLY;

	open_with(t, vm, port, no, early ? text : NULL);
	return talk_run(t, early ? NULL : text);
}

/*
 * The machine's end is on record as soon as nobody holds its run.lock; a
 * machine that starts again keeps it.
 */
char *
ask_lost_why(void)
{
	enum { LAST_MS = 5000 };
	char text[TALK_WHY];

	if (lock_wait_free(ask_dir, "run.lock", LAST_MS))
		return xstrdup("the connection to the machine was lost");
	if (file_line(ask_dir, "error", text, sizeof(text)) > 0)
		return xstrdup(text);
	if (file_line(ask_dir, "exit", text, sizeof(text)) > 0)
		return xasprintf("the machine ended: %s", text);
	return xstrdup("the machine ended");
}

cJSON *
ask_request(const char *op)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "v", AGENT_VERSION);
	cJSON_AddStringToObject(o, "op", op);
	return o;
}

char *
ask_text(cJSON *o)
{
	char *text = cJSON_PrintUnformatted(o);

	if (!text)
		die("out of memory");
	if (strlen(text) > REQUEST_MAX)
		die("cannot send the request: it is longer than %d MiB",
		    REQUEST_MAX >> 20);
	cJSON_Delete(o);
	return text;
}

void
ask_add_env(cJSON *env, const char *text)
{
	autofree char *line = NULL;
	const char *value = strchr(text, '=') ? NULL : getenv(text);

	if (text[0] == '=' || !text[0])
		die_usage("an environment variable has no name: '%s'", text);
	if (strchr(text, '=')) {
		cJSON_AddItemToArray(env, cJSON_CreateString(text));
	} else if (value) {
		line = xasprintf("%s=%s", text, value);
		cJSON_AddItemToArray(env, cJSON_CreateString(line));
	}
}

void
ask_add_terminal(cJSON *o)
{
	struct winsize ws;
	const char *term = getenv("TERM");

	cJSON_AddTrueToObject(o, "tty");
	if (term && *term)
		cJSON_AddStringToObject(o, "term", term);
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) &&
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws))
		return;
	cJSON_AddNumberToObject(o, "rows", ws.ws_row);
	cJSON_AddNumberToObject(o, "cols", ws.ws_col);
}

const char *
ask_first_line(char *text)
{
	if (!text)
		return "";
	text[strcspn(text, "\n")] = '\0';
	return text;
}

char *
ask_status(const char *vm, enum agent_port port, cJSON *o, const char *what,
    int *ret_status)
{
	struct talk t = { .in = -1, .out = -1, .err = -1 };

	*ret_status = ask_run(&t, vm, port, EXIT_NO, o);
	if (*ret_status == TALK_FAILED)
		die("cannot %s '%s': %s", what, vm, t.why);
	if (*ret_status > 0 && t.text[1])
		die("cannot %s '%s': %s", what, vm, ask_first_line(t.text[1]));
	close(t.sock);
	free(t.text[1]);
	return t.text[0];
}

char *
ask(const char *vm, enum agent_port port, cJSON *o, const char *what)
{
	int status;
	char *text = ask_status(vm, port, o, what, &status);

	if (status == TALK_LOST)
		die("cannot %s '%s': the machine ended", what, vm);
	if (status)
		die("cannot %s '%s': status %d", what, vm, status);
	return text;
}

int
ask_relay(const char *vm, cJSON *o, int in, int out, const char *what)
{
	struct talk t = { .in = in, .out = out, .err = STDERR_FILENO };
	int status = ask_run(&t, vm, AGENT_WAITING, EXIT_NO, o);

	if (status < 0)
		die("cannot %s '%s': %s", what, vm,
		    status == TALK_LOST ? ask_lost_why() : t.why);
	return status ? EXIT_NO : EXIT_YES;
}

cJSON *
ask_json(const char *vm, cJSON *request, const char *what)
{
	autofree char *text = ask(vm, AGENT_WAITING, request, what);
	cJSON *o = text ? cJSON_Parse(text) : NULL;

	if (!o)
		die("cannot %s '%s': its answer is malformed", what, vm);
	return o;
}
