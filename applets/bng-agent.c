/* bng-agent - talk to the agent in a machine
 *
 * SPDX-License-Identifier: MIT
 *
 * The protocol: doc/agent-protocol.md
 *
 * usage: bng-agent ping VM
 *        bng-agent wait [-bn] [-t SECONDS] VM
 *        bng-agent configure VM
 *        bng-agent clock VM
 *        bng-agent exec [-Eiot] [-C DIR] [-e NAME=VALUE] [-u USER]
 *            [-w SECONDS] VM [--] [COMMAND [ARGUMENT ...]]
 *        bng-agent put VM DIR <TAR
 *        bng-agent get VM PATH >TAR
 *        bng-agent stats VM
 *        bng-agent ports VM
 *        bng-agent dial VM PORT
 *        bng-agent shutdown [-t SECONDS] VM
 *        bng-agent sshplan <OS-RELEASE
 *
 * VM is a machine's name, or its directory. All but configure and shutdown
 * wait until the machine is ready.
 *
 * clock    set the machine's clock to the host's
 * wait     -b: until its init reports that it is up; -t: at most so long; -n:
 *          then print VM
 * exec     run a command; -i: with our stdin, -t: on a terminal, -C: in DIR,
 *          -e: with this in its environment (repeatable), -u: as USER, UID,
 *          USER:GROUP or UID:GID, -w: wait no longer than that for the machine.
 *          Without COMMAND, what its image runs; -E: the same, with these words
 *          for its arguments; -o: only where there is no COMMAND in the
 *          machine, and no init
 * put      extract a tar archive below DIR in the machine
 * get      archive a file or the content of a directory
 * ports    what listens: protocol, address, port, process
 * sshplan  how an image without sshd gets one, as its os-release says
 * dial     connect stdin and stdout to a TCP port of the machine
 *
 * exit: 0 done, 1 no (not running, no such file; wait: not in time, and what
 *       does not run is a failure), 100 wrong usage, 111 failed;
 *       exec: the command's own, 128 + n for signal n, 125 when it could not
 *       be run or was lost, 126 not executable, 127 not found
 */
#include <signal.h>
#include <sys/sysmacros.h>

#include "ask.h"
#include "bng.h"
#include "configure.h"
#include "dirs.h"
#include "sshplan.h"

enum { NOT_RUN = 125 };

/* The only arguments of most verbs. */
static char **
operands(int argc, char *argv[], int n, const char *what)
{
	if (getopt(argc, argv, "") != -1)
		die_usage("unknown option");
	if (argc - optind != n)
		die_usage("%s expected", what);
	return argv + optind;
}

static int
verb_ping(int argc, char *argv[])
{
	char **arg = operands(argc, argv, 1, "one machine is");

	free(ask(*arg, AGENT_WAITING, ask_request("ping"), "reach"));
	return EXIT_YES;
}

static void
on_alarm(int sig)
{
	static const char text[] = "bng-agent: its init is not up yet\n";

	(void)sig;
	_exit(write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ? EXIT_FAILED :
	    EXIT_NO);
}

/* A unit that failed does not keep a machine from being up. */
static int
wait_boot(const char *vm)
{
	int status;
	autofree char *text = ask_status(vm, AGENT_WAITING, ask_request("boot"),
	    "wait for the init of", &status);
	const char *state = ask_first_line(text);

	if (status == TALK_LOST)
		die("cannot wait for the init of '%s': the machine ended", vm);
	if (!status || !strcmp(state, "degraded"))
		return EXIT_YES;
	warn("the init of '%s' is not up: %s", vm, state);
	return EXIT_NO;
}

static int
verb_wait(int argc, char *argv[])
{
	bool boot = false, print = false;
	const char *vm;
	int opt, r = EXIT_YES;

	while ((opt = getopt(argc, argv, "bnt:")) != -1) {
		if (opt == 'b')
			boot = true;
		else if (opt == 'n')
			print = true;
		else if (opt == 't')
			ask_seconds = (int)xnum(optarg, 1, 86400, "seconds");
		else
			die_usage("unknown option");
	}
	if (argc - optind != 1)
		die_usage("one machine is expected");
	vm = argv[optind];
	if (boot) {
		signal(SIGALRM, on_alarm);
		alarm((unsigned int)ask_seconds);
		r = wait_boot(vm);
	} else {
		/* One that does not run will not be ready: no "not yet". */
		close(ask_connect(vm, AGENT_WAITING, EXIT_FAILED));
	}
	if (print && !r)
		puts(vm);
	return r;
}

static int
verb_configure(int argc, char *argv[])
{
	const char *vm = *operands(argc, argv, 1, "one machine is");
	autoclose int dir = xvm_open(vm);
	autofree char *path = xfd_path(dir);
	char why[CONFIGURE_WHY];
	cJSON *o = configure_request(dir, strrchr(path, '/') + 1, why);

	if (!o)
		die("cannot configure '%s': %s", vm, why);
	free(ask(vm, AGENT_AT_ONCE, o, "configure"));
	return EXIT_YES;
}

/* After a pause: it stood still with the machine. */
static int
verb_clock(int argc, char *argv[])
{
	char **arg = operands(argc, argv, 1, "one machine is");
	cJSON *o = ask_request("configure");

	configure_time(o);
	free(ask(*arg, AGENT_AT_ONCE, o, "set the clock of"));
	return EXIT_YES;
}

/*
 * exec
 */

struct exec_options {
	bool input, tty;
	cJSON *request;
};

/* Nothing comes from there: the machine has one of its own. */
static bool
is_null(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(1, 3);
}

static struct exec_options
exec_options(int argc, char *argv[])
{
	struct exec_options x = { .request = ask_request("exec") };
	cJSON *env = cJSON_AddArrayToObject(x.request, "env");
	int opt;

	/* What follows the machine's name is the command's. */
	while ((opt = getopt(argc, argv, "+C:Ee:iotu:w:")) != -1) {
		switch (opt) {
		case 'C':
			cJSON_AddStringToObject(x.request, "cwd", optarg);
			break;
		case 'E':
			cJSON_AddTrueToObject(x.request, "entrypoint");
			break;
		case 'e':
			ask_add_env(env, optarg);
			break;
		case 'i':
			x.input = true;
			break;
		case 'o':
			cJSON_AddTrueToObject(x.request, "or_image");
			break;
		case 't':
			x.tty = true;
			break;
		case 'u':
			cJSON_AddStringToObject(x.request, "user", optarg);
			break;
		case 'w':
			ask_seconds = (int)xnum(optarg, 1, 86400, "seconds");
			break;
		default:
			die_usage("unknown option");
		}
	}
	x.input &= x.tty || !is_null(STDIN_FILENO);
	return x;
}

static int
verb_exec(int argc, char *argv[])
{
	struct exec_options x = exec_options(argc, argv);
	struct talk t = { .in = x.input ? STDIN_FILENO : -1,
		.out = STDOUT_FILENO, .err = STDERR_FILENO, .signals = true };
	const char *vm = argv[optind];
	char **command = argv + optind + 1;
	cJSON *args = cJSON_AddArrayToObject(x.request, "argv");
	int status;

	msg_failed = NOT_RUN;
	if (!vm)
		die_usage("a machine is expected");
	if (*command && !strcmp(*command, "--"))
		command++;
	for (; *command; command++)
		cJSON_AddItemToArray(args, cJSON_CreateString(*command));
	if (x.input)
		cJSON_AddTrueToObject(x.request, "stdin");
	if (x.tty)
		ask_add_terminal(x.request);
	t.tty = x.tty && x.input && isatty(STDIN_FILENO);
	status = ask_run(&t, vm, AGENT_WAITING, NOT_RUN, x.request);
	if (status == TALK_LOST)
		die(t.answered ? "lost the command: %s" :
		    "cannot run the command: %s", ask_lost_why());
	if (status < 0)
		die("cannot run the command: %s", t.why);
	return status;
}

/*
 * The rest
 */

static int
verb_put(int argc, char *argv[])
{
	char **arg = operands(argc, argv, 2, "a machine and a directory are");
	cJSON *o = ask_request("put");

	cJSON_AddStringToObject(o, "path", arg[1]);
	return ask_relay(arg[0], o, STDIN_FILENO, STDOUT_FILENO, "copy into");
}

static int
verb_get(int argc, char *argv[])
{
	char **arg = operands(argc, argv, 2, "a machine and a path are");
	cJSON *o = ask_request("get");

	cJSON_AddStringToObject(o, "path", arg[1]);
	return ask_relay(arg[0], o, -1, STDOUT_FILENO, "copy from");
}

static int
verb_dial(int argc, char *argv[])
{
	char **arg = operands(argc, argv, 2, "a machine and a port are");
	cJSON *o = ask_request("dial");

	cJSON_AddNumberToObject(o, "port",
	    (double)xnum(arg[1], 1, 65535, "port"));
	return ask_relay(arg[0], o, STDIN_FILENO, STDOUT_FILENO,
	    "connect to a port of");
}

static int
verb_stats(int argc, char *argv[])
{
	char **arg = operands(argc, argv, 1, "one machine is");
	cJSON *o = ask_json(*arg, ask_request("stats"), "get the figures of");
	autofree char *text = cJSON_PrintUnformatted(o);

	if (!text)
		die("out of memory");
	msg_clean(text);
	puts(text);
	return EXIT_YES;
}

static void
print_field(const cJSON *port, const char *key, char end)
{
	const cJSON *v = cJSON_GetObjectItem(port, key);

	if (cJSON_IsString(v)) {
		msg_clean(v->valuestring);
		printf("%s%c", v->valuestring, end);
	} else {
		printf("%d%c", cJSON_IsNumber(v) ? v->valueint : 0, end);
	}
}

static int
verb_ports(int argc, char *argv[])
{
	char **arg = operands(argc, argv, 1, "one machine is");
	const cJSON *port, *o = ask_json(*arg, ask_request("ports"),
	    "list the ports of");

	cJSON_ArrayForEach(port, cJSON_GetObjectItem(o, "ports")) {
		print_field(port, "proto", '\t');
		print_field(port, "addr", '\t');
		print_field(port, "port", '\t');
		print_field(port, "process", '\n');
	}
	return EXIT_YES;
}

static int
verb_shutdown(int argc, char *argv[])
{
	cJSON *o = ask_request("shutdown");
	autofree char *text = NULL;
	int64_t seconds = 10;
	int opt, status;

	while ((opt = getopt(argc, argv, "t:")) != -1) {
		if (opt != 't')
			die_usage("unknown option");
		seconds = xnum(optarg, 0, 3600, "seconds");
	}
	if (argc - optind != 1)
		die_usage("one machine is expected");
	cJSON_AddNumberToObject(o, "seconds", (double)seconds);
	text = ask_status(argv[optind], AGENT_AT_ONCE, o, "shut down",
	    &status);
	/* A machine that was faster than its answer is off all the same. */
	if (status > 0)
		die("cannot shut down '%s': status %d", argv[optind], status);
	return EXIT_YES;
}

/* What it would run, for people: lines "KEY<tab>VALUE", then the script. */
static int
verb_sshplan(int argc, char *argv[])
{
	char text[OS_RELEASE_MAX + 1], id[SSHPLAN_ID];
	const struct sshplan *plan;
	ssize_t n;

	operands(argc, argv, 0, "nothing but an os-release on stdin is");
	n = read_full(STDIN_FILENO, text, OS_RELEASE_MAX);
	if (n < 0)
		die("cannot read the os-release: %s", strerror((int)-n));
	text[n] = '\0';
	plan = sshplan_find(text, id);
	msg_clean(id);
	if (!plan)
		die_status(EXIT_NO, "nobody knows how to install sshd on '%s'",
		    *id ? id : "an unknown system");
	printf("family\t%s\nmanager\t%s\n\n%s%s%s", plan->family,
	    plan->manager, sshplan_before, plan->install, sshplan_after);
	return EXIT_YES;
}

static int
agent_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "ping", verb_ping }, { "wait", verb_wait },
		{ "configure", verb_configure }, { "clock", verb_clock },
		{ "exec", verb_exec },
		{ "put", verb_put }, { "get", verb_get },
		{ "stats", verb_stats }, { "ports", verb_ports },
		{ "dial", verb_dial }, { "shutdown", verb_shutdown },
		{ "sshplan", verb_sshplan },
		{ NULL, NULL }
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(agent, PLAIN);
