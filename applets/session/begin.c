/* begin.c - commands that begin in a machine: start and acp; see session.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "ask.h"
#include "bng.h"
#include "name.h"
#include "session.h"

static cJSON *
start_options(int argc, char *argv[], bool *ret_json)
{
	cJSON *o = ask_request("session.start");
	cJSON *env = cJSON_AddArrayToObject(o, "env");
	cJSON *require = cJSON_AddArrayToObject(o, "require");
	int opt;

	while ((opt = getopt(argc, argv, "+C:e:jn:pr:tu:")) != -1) {
		if (opt == 'C')
			cJSON_AddStringToObject(o, "cwd", optarg);
		else if (opt == 'e')
			ask_add_env(env, optarg);
		else if (opt == 'j')
			*ret_json = true;
		else if (opt == 'n')
			cJSON_AddStringToObject(o, "name", optarg);
		else if (opt == 'p')
			cJSON_AddTrueToObject(o, "stdin");
		else if (opt == 'r')
			cJSON_AddItemToArray(require,
			    cJSON_CreateString(optarg));
		else if (opt == 't')
			ask_add_terminal(o);
		else if (opt == 'u')
			cJSON_AddStringToObject(o, "user", optarg);
		else
			die_usage("unknown option");
	}
	return o;
}

/*
 * VM [--] COMMAND ...: the command goes into the request, behind what runs it,
 * if anything does. The machine.
 */
static const char *
add_command(cJSON *o, const char *const *runner, char *argv[])
{
	const char *vm = argv[optind];
	char **word = vm ? argv + optind + 1 : NULL;
	cJSON *args = cJSON_AddArrayToObject(o, "argv");

	for (; *runner; runner++)
		cJSON_AddItemToArray(args, cJSON_CreateString(*runner));
	if (word && *word && !strcmp(*word, "--"))
		word++;
	if (!word || !*word)
		die_usage("a machine and a command are expected");
	for (; *word; word++)
		cJSON_AddItemToArray(args, cJSON_CreateString(*word));
	return vm;
}

int
session_start(int argc, char *argv[])
{
	bool json = false;
	cJSON *s, *o = start_options(argc, argv, &json);
	const char *vm = add_command(o, (const char *[]){ NULL }, argv);
	const cJSON *name = cJSON_GetObjectItem(o, "name");

	if (name && !name_ok(name->valuestring))
		die_usage("a session cannot be named '%s'", name->valuestring);
	s = ask_json(vm, o, "start a session in");
	if (!name_ok(session_str(s, "name")))
		die("cannot start a session in '%s': its answer is malformed",
		    vm);
	if (json)
		session_object(s);
	else
		puts(session_str(s, "name"));
	return EXIT_YES;
}

/* What the machine's shell does; "there": it is where it should be. */
static const char acp_script[] =
    "[ \"$0\" = there ] || cd /root/repo 2>/dev/null || cd /root || exit 125\n"
    "command -v \"$1\" >/dev/null || {\n"
    "	echo \"banger: there is no command '$1' in the machine\" >&2\n"
    "	exit 127\n"
    "}\n"
    "exec \"$@\"\n";

/* An agent that speaks ACP: its client may go without a word, or it may. */
int
session_acp(int argc, char *argv[])
{
	struct talk t = { .in = STDIN_FILENO, .out = STDOUT_FILENO,
		.err = STDERR_FILENO, .signals = true, .reader = true };
	const char *shell[] = { "/bin/sh", "-c", acp_script, "here", NULL };
	cJSON *o = ask_request("exec");
	const char *vm;
	int opt, status;

	msg_failed = SESSION_LOST;
	while ((opt = getopt(argc, argv, "+C:")) != -1) {
		if (opt != 'C')
			die_usage("unknown option");
		cJSON_AddStringToObject(o, "cwd", optarg);
		shell[3] = "there";
	}
	vm = add_command(o, shell, argv);
	/* Nobody else gets to where it is by default. */
	if (!strcmp(shell[3], "here"))
		cJSON_AddStringToObject(o, "user", "root");
	cJSON_AddTrueToObject(o, "stdin");
	ask_open(&t, vm, AGENT_WAITING, SESSION_LOST);
	status = talk_run(&t, ask_text(o));
	if (status == TALK_LEFT)
		return EXIT_YES;
	if (status < 0)
		die("cannot run the agent: %s",
		    status == TALK_LOST ? ask_lost_why() : t.why);
	return status;
}
