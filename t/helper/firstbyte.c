/* firstbyte.c - run a VMM by hand until its guest says something
 *
 * usage: firstbyte FD FILE
 *
 * FILE holds a command line as /proc/PID/cmdline does. It is run with a
 * socket as descriptor FD; with the first byte that comes out of it, and that
 * is not padding, the command is killed: exit 0. This is the moment at which
 * the first program of the guest runs and has found its port.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bng.h"

static const struct applet firstbyte = { "firstbyte",
	"usage: firstbyte FD FILE\n\n", NULL, PLAIN };
const struct applet *self = &firstbyte;

int
main(int argc, char *argv[])
{
	autofree char *line = NULL;
	char *args[256], c = 0;
	int pair[2], fd, n = 0, status;
	size_t len = 0;
	pid_t pid;

	msg_name = "firstbyte";
	if (argc != 3)
		die_usage("two arguments are needed");
	fd = (int)xnum(argv[1], 3, 100, "descriptor");
	if (file_slurp(AT_FDCWD, argv[2], 65536, &line, &len) || !len)
		die("cannot read '%s'", argv[2]);
	for (char *p = line; p < line + len && n < 255; p += strlen(p) + 1)
		args[n++] = p;
	args[n] = NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die_sys("cannot make a socket");
	pid = fork();
	if (pid == 0) {
		if (pair[1] == fd)	/* dup2 would leave it to close */
			fcntl(fd, F_SETFD, 0);
		else
			dup2(pair[1], fd);
		execvp(args[0], args);
		_exit(127);
	}
	close(pair[1]);
	while (pid > 0 && read(pair[0], &c, 1) == 1 && !c)
		;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return c ? EXIT_YES : EXIT_NO;
}
