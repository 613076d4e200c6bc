/* show.c - what a machine says of its sessions, shown; see session.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>

#include "bng.h"
#include "human.h"
#include "json.h"
#include "session.h"
#include "table.h"
#include "utf8.h"

const char *
session_str(const cJSON *session, const char *key)
{
	const cJSON *v = cJSON_GetObjectItem(session, key);

	return cJSON_IsString(v) ? v->valuestring : "";
}

int64_t
session_num(const cJSON *session, const char *key)
{
	const cJSON *v = cJSON_GetObjectItem(session, key);

	/* What a double still counts. */
	if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 &&
	    v->valuedouble < 9e15))
		return -1;
	return (int64_t)v->valuedouble;
}

enum { STATUS_LEN = 48 };

/* "running", "exited 3", "killed by TERM", "lost". */
static const char *
status_text(const cJSON *s, char buf[STATUS_LEN])
{
	const char *status = session_str(s, "status"), *name = NULL;
	int64_t code = session_num(s, "exit"), sig = session_num(s, "signal");

	if (sig > 0 && sig < NSIG)
		name = sigabbrev_np((int)sig);
	if (name)
		snprintf(buf, STATUS_LEN, "killed by %s", name);
	else if (sig >= 0)
		snprintf(buf, STATUS_LEN, "killed by %lld", (long long)sig);
	else if (code >= 0)
		snprintf(buf, STATUS_LEN, "exited %lld", (long long)code);
	else
		snprintf(buf, STATUS_LEN, "%s", status);
	return buf;
}

/* The words of its command, with spaces between; malloc'ed. */
static char *
command_text(const cJSON *s)
{
	char *text = xstrdup("");
	const cJSON *v;

	cJSON_ArrayForEach(v, cJSON_GetObjectItem(s, "command")) {
		autofree char *old = text;

		text = xasprintf("%s%s%s", old, *old ? " " : "",
		    cJSON_IsString(v) ? v->valuestring : "?");
	}
	return text;
}

static const char *
attached_text(const cJSON *s)
{
	return session_str(cJSON_GetObjectItem(s, "attached"), "who");
}

void
session_table(const cJSON *all)
{
	static const char *const heads[] = { "SESSION", "STATUS", "PID",
		"STARTED", "ENDED", "ATTACHED", "COMMAND", NULL };
	const cJSON *s;
	struct table t;

	table_init(&t, heads);
	cJSON_ArrayForEach(s, cJSON_GetObjectItem(all, "sessions")) {
		char status[STATUS_LEN], pid[24] = "";
		char started[HUMAN_LEN], ended[HUMAN_LEN];
		autofree char *command = command_text(s);
		int64_t n = session_num(s, "pid");

		if (n > 0)
			snprintf(pid, sizeof(pid), "%lld", (long long)n);
		table_row(&t, (const char *[]){ session_str(s, "name"),
		    status_text(s, status), pid,
		    human_age(session_num(s, "started"), started),
		    human_age(session_num(s, "ended"), ended),
		    attached_text(s), command });
	}
	table_print(&t);
}

void
session_names(const cJSON *all)
{
	const cJSON *s;

	cJSON_ArrayForEach(s, cJSON_GetObjectItem(all, "sessions")) {
		autofree char *name = xstrdup(session_str(s, "name"));

		utf8_clean(name);
		puts(name);
	}
}

static void
number(struct json *j, const cJSON *s, const char *key)
{
	int64_t n = session_num(s, key);

	if (n < 0)
		json_str(j, key, NULL);
	else
		json_num(j, key, n);
}

static void
object(struct json *j, const cJSON *s)
{
	static const char *const texts[] = { "name", "status", "cwd",
		"stdin" };
	static const char *const numbers[] = { "exit", "signal", "pid",
		"started", "ended", "stdout_bytes", "stdout_lost",
		"stderr_bytes", "stderr_lost" };
	const cJSON *v, *attached = cJSON_GetObjectItem(s, "attached");

	json_open(j, NULL, '{');
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_str(j, texts[i], session_str(s, texts[i]));
	json_bool(j, "tty", cJSON_IsTrue(cJSON_GetObjectItem(s, "tty")));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		number(j, s, numbers[i]);
	json_open(j, "command", '[');
	cJSON_ArrayForEach(v, cJSON_GetObjectItem(s, "command"))
		json_str(j, NULL, cJSON_IsString(v) ? v->valuestring : NULL);
	json_close(j, ']');
	if (cJSON_IsObject(attached)) {
		json_open(j, "attached", '{');
		json_str(j, "who", session_str(attached, "who"));
		number(j, attached, "since");
		json_close(j, '}');
	} else {
		json_str(j, "attached", NULL);
	}
	json_close(j, '}');
}

void
session_json(const cJSON *all)
{
	struct json j = { 0 };
	const cJSON *s;

	json_open(&j, NULL, '[');
	cJSON_ArrayForEach(s, cJSON_GetObjectItem(all, "sessions"))
		object(&j, s);
	json_close(&j, ']');
}

void
session_object(const cJSON *session)
{
	struct json j = { 0 };

	object(&j, session);
}

static void
line_number(const cJSON *s, const char *key)
{
	int64_t n = session_num(s, key);
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	table_line(key, n < 0 ? "" : text);
}

void
session_lines(const cJSON *s)
{
	char status[STATUS_LEN], age[HUMAN_LEN];
	autofree char *command = command_text(s);

	table_line("name", session_str(s, "name"));
	table_line("status", status_text(s, status));
	table_line("command", command);
	table_line("cwd", session_str(s, "cwd"));
	table_line("stdin", session_str(s, "stdin"));
	if (cJSON_IsTrue(cJSON_GetObjectItem(s, "tty")))
		table_line("tty", "yes");
	line_number(s, "pid");
	table_line("started", human_age(session_num(s, "started"), age));
	table_line("ended", human_age(session_num(s, "ended"), age));
	table_line("attached", attached_text(s));
	line_number(s, "stdout_bytes");
	line_number(s, "stderr_bytes");
}
