/* bng-session - long-lived commands in a machine
 *
 * SPDX-License-Identifier: MIT
 *
 * The protocol: doc/agent-protocol.md
 *
 * usage: bng-session start [-jpt] [-C DIR] [-e NAME=VALUE] [-n SESSION]
 *            [-r COMMAND] [-u USER] VM [--] COMMAND [ARGUMENT ...]
 *        bng-session list [-jq] VM
 *        bng-session show [-j] VM SESSION
 *        bng-session attach VM SESSION
 *        bng-session mux VM SESSION
 *        bng-session serve VM SESSION SOCKET
 *        bng-session logs [-f] [-s STREAM] VM SESSION
 *        bng-session send [-e] VM SESSION [TEXT]
 *        bng-session stop [-t SECONDS] VM SESSION
 *        bng-session kill [-s SIGNAL] VM SESSION
 *        bng-session acp [-C DIR] VM [--] COMMAND [ARGUMENT ...]
 *
 * start    -p: its input is a pipe, -t: it is on a terminal (else it has no
 *          input), -C: in DIR, -e: with this in its environment, -n: under
 *          this name, -r: only if there is this command, too (-e and -r are
 *          repeatable), -u: as USER, -j: print all about it, not only its name
 * attach   to its input and output; on a terminal, Ctrl-] leaves it
 * mux      the same by frames of stdio_mux_v1, on our stdin and stdout
 * serve    the same to who connects to SOCKET, until a signal ends us
 * logs     the last of its output; -f: as it grows, -s: stdout or stderr only
 * send     TEXT and a newline, or else our stdin; -e: then end its input
 * stop     TERM, and after SECONDS (10) KILL
 * acp      a command on our stdin and stdout, in /root/repo when it is there,
 *          else in /root, as root, that ends with either side
 *
 * exit: 0 done, 1 no (not running, no such session), 100 wrong usage, 111
 *       failed; attach, acp: the command's own, 128 + n for signal n, 125
 *       when it could not be reached or was lost; attach: 0 when we left
 */
#include <signal.h>
#include <sys/mman.h>

#include "ask.h"
#include "bng.h"
#include "plain.h"
#include "session/session.h"

static int
verb_list(int argc, char *argv[])
{
	void (*print)(const cJSON *all) = session_table;
	cJSON *all;
	int opt;

	while ((opt = getopt(argc, argv, "jq")) != -1) {
		if (opt == 'j')
			print = session_json;
		else if (opt == 'q')
			print = session_names;
		else
			die_usage("unknown option");
	}
	if (argc - optind != 1)
		die_usage("one machine is expected");
	all = ask_json(argv[optind], ask_request("session.list"),
	    "list the sessions of");
	print(all);
	cJSON_Delete(all);
	return EXIT_YES;
}

static int
verb_show(int argc, char *argv[])
{
	bool json = false;
	const cJSON *s;
	char **arg;
	int opt;

	while ((opt = getopt(argc, argv, "j")) != -1) {
		if (opt != 'j')
			die_usage("unknown option");
		json = true;
	}
	arg = session_operands(argc, argv);
	s = session_look(arg[0], arg[1]);
	if (json)
		session_object(s);
	else
		session_lines(s);
	return EXIT_YES;
}

/*
 * attach
 */

static int
verb_attach(int argc, char *argv[])
{
	struct talk t = { .in = STDIN_FILENO, .out = STDOUT_FILENO,
		.err = STDERR_FILENO, .session = true, .reader = true };
	char **arg, *text;
	int status;

	msg_failed = SESSION_LOST;
	if (getopt(argc, argv, "") != -1)
		die_usage("unknown option");
	arg = session_operands(argc, argv);
	text = session_attach(arg[1], getpid());
	ask_open(&t, arg[0], AGENT_WAITING, SESSION_LOST);
	status = talk_run(&t, text);
	if (status == TALK_LEFT) {
		if (isatty(STDERR_FILENO))
			warn("left session '%s', which goes on", arg[1]);
		return EXIT_YES;
	}
	if (status < 0)
		die("cannot attach to '%s': %s", arg[1],
		    status == TALK_LOST ? ask_lost_why() : t.why);
	return status;
}

/*
 * logs, send, stop, kill
 */

static int
verb_logs(int argc, char *argv[])
{
	struct talk t = { .in = -1, .out = STDOUT_FILENO,
		.err = STDERR_FILENO, .reader = true };
	const char *only = NULL;
	bool follow = false;
	char **arg;
	pid_t pids[2];
	cJSON *o;
	int opt, status;

	while ((opt = getopt(argc, argv, "fs:")) != -1) {
		if (opt == 'f')
			follow = true;
		else if (opt == 's')
			only = optarg;
		else
			die_usage("unknown option");
	}
	if (only && strcmp(only, "stdout") && strcmp(only, "stderr"))
		die_usage("a stream is stdout or stderr, not '%s'", only);
	arg = session_operands(argc, argv);
	cJSON_Delete(session_look(arg[0], arg[1]));
	o = session_request("session.logs", arg[1]);
	if (follow)
		cJSON_AddTrueToObject(o, "follow");
	if (only)
		cJSON_AddStringToObject(o, "stream", only);
	pids[0] = plain_filter(&t.out);
	pids[1] = plain_filter(&t.err);
	status = ask_run(&t, arg[0], AGENT_WAITING, EXIT_NO, o);
	plain_end(t.out, pids[0]);
	plain_end(t.err, pids[1]);
	if (status < 0 && status != TALK_LEFT)
		die("cannot read the log of '%s': %s", arg[1],
		    status == TALK_LOST ? ask_lost_why() : t.why);
	return status ? EXIT_NO : EXIT_YES;
}

/* Something to read this text from. */
static int
text_file(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd < 0)
		die_sys("cannot keep the text");
	xwrite(fd, text, strlen(text), "text");
	xwrite(fd, "\n", 1, "text");
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int
verb_send(int argc, char *argv[])
{
	struct talk t = { .in = STDIN_FILENO, .out = -1, .err = -1 };
	bool eof = false;
	char **arg;
	cJSON *o;
	int opt, status;

	while ((opt = getopt(argc, argv, "e")) != -1) {
		if (opt != 'e')
			die_usage("unknown option");
		eof = true;
	}
	arg = argv + optind;
	if (argc - optind != 2 && argc - optind != 3)
		die_usage("a machine, a session and perhaps a text are "
		    "expected");
	if (arg[2])
		t.in = text_file(arg[2]);
	o = session_request("session.send", arg[1]);
	if (eof)
		cJSON_AddTrueToObject(o, "eof");
	status = ask_run(&t, arg[0], AGENT_WAITING, EXIT_NO, o);
	if (status < 0)
		die("cannot send to '%s': %s", arg[1],
		    status == TALK_LOST ? ask_lost_why() : t.why);
	return EXIT_YES;
}

static int
verb_stop(int argc, char *argv[])
{
	int64_t seconds = 10;
	char **arg;
	cJSON *o;
	int opt;

	while ((opt = getopt(argc, argv, "t:")) != -1) {
		if (opt != 't')
			die_usage("unknown option");
		seconds = xnum(optarg, 0, 3600, "seconds");
	}
	arg = session_operands(argc, argv);
	o = session_request("session.stop", arg[1]);
	cJSON_AddNumberToObject(o, "seconds", (double)seconds);
	free(ask(arg[0], AGENT_WAITING, o, "stop a session in"));
	return EXIT_YES;
}

static int
verb_kill(int argc, char *argv[])
{
	int opt, sig = SIGKILL;
	char **arg;
	cJSON *o;

	while ((opt = getopt(argc, argv, "s:")) != -1) {
		if (opt != 's')
			die_usage("unknown option");
		sig = xsignal(optarg);
	}
	arg = session_operands(argc, argv);
	o = session_request("session.kill", arg[1]);
	cJSON_AddNumberToObject(o, "signal", sig);
	free(ask(arg[0], AGENT_WAITING, o, "kill a session in"));
	return EXIT_YES;
}

static int
session_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "start", session_start }, { "list", verb_list },
		{ "show", verb_show }, { "attach", verb_attach },
		{ "mux", session_mux }, { "serve", session_serve },
		{ "logs", verb_logs }, { "send", verb_send },
		{ "stop", verb_stop }, { "kill", verb_kill },
		{ "acp", session_acp }, { NULL, NULL }
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(session, PLAIN);
