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
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "ask.h"
#include "bng.h"
#include "dirs.h"
#include "name.h"
#include "plain.h"
#include "session.h"

enum { NOT_REACHED = 125 };

static const char *
name_ok_or_die(const char *name)
{
	if (!name_ok(name))
		die_status(EXIT_NO, "there is no session '%s'", name);
	return name;
}

/* {"v":1,"op":OP,"name":NAME} */
static cJSON *
request(const char *op, const char *name)
{
	cJSON *o = ask_request(op);

	cJSON_AddStringToObject(o, "name", name_ok_or_die(name));
	return o;
}

/* VM and SESSION, behind the options. */
static char **
operands(int argc, char *argv[])
{
	if (argc - optind != 2)
		die_usage("a machine and a session are expected");
	return argv + optind;
}

/*
 * start, list, show
 */

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

static int
verb_start(int argc, char *argv[])
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

/* What the machine knows of one session; dies when there is none. */
static cJSON *
look(const char *vm, const char *name)
{
	cJSON *all = ask_json(vm, ask_request("session.list"),
	    "list the sessions of");
	cJSON *s;

	cJSON_ArrayForEach(s, cJSON_GetObjectItem(all, "sessions"))
		if (!strcmp(session_str(s, "name"), name))
			return s;
	die_status(EXIT_NO, "there is no session '%s'", name);
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
	arg = operands(argc, argv);
	s = look(arg[0], arg[1]);
	if (json)
		session_object(s);
	else
		session_lines(s);
	return EXIT_YES;
}

/*
 * attach
 */

static char *
attach_text(const char *name, pid_t who)
{
	cJSON *o = request("session.attach", name);
	autofree char *text = xasprintf("process %ld of the host", (long)who);

	cJSON_AddStringToObject(o, "who", text);
	return ask_text(o);
}

static int
verb_attach(int argc, char *argv[])
{
	struct talk t = { .in = STDIN_FILENO, .out = STDOUT_FILENO,
		.err = STDERR_FILENO, .session = true, .reader = true };
	char **arg, *text;
	int status;

	msg_failed = NOT_REACHED;
	if (getopt(argc, argv, "") != -1)
		die_usage("unknown option");
	arg = operands(argc, argv);
	text = attach_text(arg[1], getpid());
	ask_open(&t, arg[0], AGENT_WAITING, NOT_REACHED);
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

/* Bytes from one descriptor to the other; false at the end of either. */
static bool
pass(int from, int to)
{
	static char buf[65536];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return true;
	return n > 0 && !write_all(to, buf, (size_t)n);
}

/*
 * Pass on what the session says, until it ends or nobody reads it. False: the
 * machine has said nothing for too long.
 */
static bool
pass_answers(struct doubt *d, int sock, int out)
{
	struct pollfd p[3] = { { .fd = sock, .events = POLLIN },
		{ .fd = out }, { .events = POLLIN } };
	int n;

	for (;;) {
		p[2].fd = d->probe;
		n = poll(p, ARRAY_SIZE(p), doubt_ms(d));
		if (n == 0 && !doubt_due(d))
			return false;
		if (n == 0)
			continue;
		if (n < 0 || p[1].revents)
			return true;
		if (p[2].revents)
			doubt_probed(d);
		if (!p[0].revents)
			continue;
		doubt_over(d);
		if (!pass(sock, out))
			return true;
	}
}

/*
 * The agent's frames are stdio_mux_v1 from the request on, so that they only
 * have to be passed on: each direction by a process of its own, that one may
 * wait without the other. The end of the input is not ours.
 */
static void
relay(const char *vm, const char *name, pid_t who, int in, int out)
{
	autofree char *text = attach_text(name, who);
	autofree char *shown = ask_name(vm);
	autoclose int sock = ask_connect(vm, AGENT_WAITING, EXIT_NO);
	uint8_t head[FRAME_HEAD];
	struct doubt d;
	bool well;
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	frame_put_head(head, CH_CONTROL, (uint32_t)strlen(text));
	if (write_all(sock, head, sizeof(head)) ||
	    write_all(sock, text, strlen(text)))
		die("cannot attach to '%s': %s", name, ask_lost_why());
	doubt_begin(&d, shown, ask_dir);
	pid = fork();
	if (pid < 0)
		die_sys("cannot start a process");
	if (!pid) {
		while (pass(in, sock))
			continue;
		_exit(EXIT_YES);
	}
	well = pass_answers(&d, sock, out);
	kill(pid, SIGKILL);
	if (!well)
		die("cannot attach to '%s': machine '%s' has not answered for "
		    "%d s", name, shown, doubt_most());
}

static int
verb_mux(int argc, char *argv[])
{
	char **arg;

	if (getopt(argc, argv, "") != -1)
		die_usage("unknown option");
	arg = operands(argc, argv);
	relay(arg[0], arg[1], getpid(), STDIN_FILENO, STDOUT_FILENO);
	return EXIT_YES;
}

/* Listen at a path where nobody does. */
static int
listen_at(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	autofree char *dir = slash ? xasprintf("%.*s", (int)(slash - path + 1),
	    path) : xstrdup(".");
	int dirfd = xopen(dir, O_PATH | O_DIRECTORY, 0);
	int fd = sock_connect_at(dirfd, name);

	if (fd >= 0)
		die_status(EXIT_NO, "somebody serves '%s' already", path);
	if (fd == -ECONNREFUSED)
		unlinkat(dirfd, name, 0);
	fd = sock_listen_at(dirfd, name, 16);
	if (fd < 0)
		die("cannot listen at '%s': %s", path, strerror(-fd));
	undo_unlink(path);
	return fd;
}

static pid_t
peer_of(int fd)
{
	struct ucred who = { .pid = 0 };
	socklen_t len = sizeof(who);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
	return who.pid;
}

static int
verb_serve(int argc, char *argv[])
{
	char **arg;
	int listener;

	if (getopt(argc, argv, "") != -1)
		die_usage("unknown option");
	arg = argv + optind;
	if (argc - optind != 3)
		die_usage("a machine, a session and a socket are expected");
	cJSON_Delete(look(arg[0], arg[1]));
	listener = listen_at(arg[2]);
	puts(arg[2]);
	xflush();
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		autoclose int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			die_sys("cannot accept");
		if (fd < 0 || fork())
			continue;
		close(listener);
		relay(arg[0], arg[1], peer_of(fd), fd, fd);
		_exit(EXIT_YES);
	}
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
	arg = operands(argc, argv);
	cJSON_Delete(look(arg[0], arg[1]));
	o = request("session.logs", arg[1]);
	if (follow)
		cJSON_AddTrueToObject(o, "follow");
	if (only)
		cJSON_AddStringToObject(o, "stream", only);
	pids[0] = plain_filter(&t.out);
	pids[1] = plain_filter(&t.err);
	ask_open(&t, arg[0], AGENT_WAITING, EXIT_NO);
	status = talk_run(&t, ask_text(o));
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
	o = request("session.send", arg[1]);
	if (eof)
		cJSON_AddTrueToObject(o, "eof");
	ask_open(&t, arg[0], AGENT_WAITING, EXIT_NO);
	status = talk_run(&t, ask_text(o));
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
	arg = operands(argc, argv);
	o = request("session.stop", arg[1]);
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
	arg = operands(argc, argv);
	o = request("session.kill", arg[1]);
	cJSON_AddNumberToObject(o, "signal", sig);
	free(ask(arg[0], AGENT_WAITING, o, "kill a session in"));
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
static int
verb_acp(int argc, char *argv[])
{
	struct talk t = { .in = STDIN_FILENO, .out = STDOUT_FILENO,
		.err = STDERR_FILENO, .signals = true, .reader = true };
	const char *shell[] = { "/bin/sh", "-c", acp_script, "here", NULL };
	cJSON *o = ask_request("exec");
	const char *vm;
	int opt, status;

	msg_failed = NOT_REACHED;
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
	ask_open(&t, vm, AGENT_WAITING, NOT_REACHED);
	status = talk_run(&t, ask_text(o));
	if (status == TALK_LEFT)
		return EXIT_YES;
	if (status < 0)
		die("cannot run the agent: %s",
		    status == TALK_LOST ? ask_lost_why() : t.why);
	return status;
}

static int
session_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "start", verb_start }, { "list", verb_list },
		{ "show", verb_show }, { "attach", verb_attach },
		{ "mux", verb_mux }, { "serve", verb_serve },
		{ "logs", verb_logs }, { "send", verb_send },
		{ "stop", verb_stop }, { "kill", verb_kill },
		{ "acp", verb_acp }, { NULL, NULL }
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(session, PLAIN);
