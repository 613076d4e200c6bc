/* named.c - the session that a command line names; see session.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "ask.h"
#include "bng.h"
#include "name.h"
#include "session.h"

static const char *
name_ok_or_die(const char *name)
{
	if (!name_ok(name))
		die_status(EXIT_NO, "there is no session '%s'", name);
	return name;
}

cJSON *
session_request(const char *op, const char *name)
{
	cJSON *o = ask_request(op);

	cJSON_AddStringToObject(o, "name", name_ok_or_die(name));
	return o;
}

char **
session_operands(int argc, char *argv[])
{
	if (argc - optind != 2)
		die_usage("a machine and a session are expected");
	return argv + optind;
}

cJSON *
session_look(const char *vm, const char *name)
{
	cJSON *all = ask_json(vm, ask_request("session.list"),
	    "list the sessions of");
	cJSON *s;

	cJSON_ArrayForEach(s, cJSON_GetObjectItem(all, "sessions"))
		if (!strcmp(session_str(s, "name"), name))
			return s;
	die_status(EXIT_NO, "there is no session '%s'", name);
}

char *
session_attach(const char *name, pid_t who)
{
	cJSON *o = session_request("session.attach", name);
	autofree char *text = xasprintf("process %ld of the host", (long)who);

	cJSON_AddStringToObject(o, "who", text);
	return ask_text(o);
}
