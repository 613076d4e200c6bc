/* firstbyte.c - run a VMM by hand until its guest says something
 *
 * usage: firstbyte FD|SOCKET FILE
 *
 * FILE holds a command line as /proc/PID/cmdline does. It is run with a
 * socket as descriptor FD; with the first byte that comes out of it, and that
 * is not padding, the command is killed: exit 0. With SOCKET, a path with a
 * '/', that is the first connection to it; our end kills the command then, and
 * its own end is not waited for. This is the moment at which the first program
 * of the guest runs and has found its port.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bng.h"
#include "dirs.h"

static const struct applet firstbyte = { "firstbyte",
	"usage: firstbyte FD|SOCKET FILE\n\n", NULL, PLAIN };
const struct applet *self = &firstbyte;

/* Run it, with this as its descriptor fd unless that is -1. */
static pid_t
start(char *args[], int theirs, int fd)
{
	pid_t us = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != us)
		_exit(126);
	if (theirs == fd)	/* dup2 would leave it to close */
		fcntl(fd, F_SETFD, 0);
	else if (fd >= 0)
		dup2(theirs, fd);
	execvp(args[0], args);
	_exit(127);
}

/* Did it say something that is not padding before it ended? */
static bool
spoke(int from)
{
	char c = 0;

	while (read(from, &c, 1) == 1 && !c)
		;
	return c;
}

static bool
by_descriptor(char *args[], int fd)
{
	int pair[2];
	pid_t pid;
	bool yes;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die_sys("cannot make a socket");
	pid = start(args, pair[1], fd);
	close(pair[1]);
	yes = pid > 0 && spoke(pair[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return yes;
}

static bool
by_socket(char *args[], const char *path)
{
	const char *base = strrchr(path, '/') + 1;
	autofree char *parent = xasprintf("%.*s", (int)(base - path), path);
	int dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int server;

	unlinkat(dir, base, 0);
	server = sock_listen_at(dir, base, 8);
	if (server < 0)
		die("cannot listen at '%s': %s", path, strerror(-server));
	if (start(args, -1, -1) < 0)
		die_sys("cannot run '%s'", args[0]);
	alarm(120);	/* it ends without a word: so do we */
	return accept(server, NULL, NULL) >= 0;
}

int
main(int argc, char *argv[])
{
	autofree char *line = NULL;
	char *args[256];
	size_t len = 0;
	int n = 0;

	msg_name = "firstbyte";
	if (argc != 3)
		die_usage("two arguments are needed");
	if (file_slurp(AT_FDCWD, argv[2], 65536, &line, &len) || !len)
		die("cannot read '%s'", argv[2]);
	for (char *p = line; p < line + len && n < 255; p += strlen(p) + 1)
		args[n++] = p;
	args[n] = NULL;
	if (strchr(argv[1], '/'))
		return by_socket(args, argv[1]) ? EXIT_YES : EXIT_NO;
	return by_descriptor(args, (int)xnum(argv[1], 3, 100, "descriptor")) ?
	    EXIT_YES : EXIT_NO;
}
