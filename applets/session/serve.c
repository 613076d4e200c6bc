/* serve.c - a session's frames for others: mux and serve; see session.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "ask.h"
#include "bng.h"
#include "dirs.h"
#include "session.h"

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
	autofree char *text = session_attach(name, who);
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

int
session_mux(int argc, char *argv[])
{
	char **arg;

	if (getopt(argc, argv, "") != -1)
		die_usage("unknown option");
	arg = session_operands(argc, argv);
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

int
session_serve(int argc, char *argv[])
{
	char **arg;
	int listener;

	if (getopt(argc, argv, "") != -1)
		die_usage("unknown option");
	arg = argv + optind;
	if (argc - optind != 3)
		die_usage("a machine, a session and a socket are expected");
	cJSON_Delete(session_look(arg[0], arg[1]));
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
