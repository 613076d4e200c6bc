/* burglar - tries what a VMM that was taken over would, for tests
 *
 * SPDX-License-Identifier: MIT
 *
 * It stands in for QEMU. What to try is in rootfs.ext4 of the image, a line
 * each; what comes of it goes to stderr, as "LINE: done" or "LINE: why not".
 *
 *	read|write|make|list|remove|exec PATH, env NAME
 *	connect|bind PORT, abstract NAME, signal PID
 */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "bng.h"

const struct applet *self;

static int
reach(const char *port, int (*how)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return how(fd, (const struct sockaddr *)&in, sizeof(in));
}

/* A Unix socket without a path, that somebody listens on. */
static int
abstract(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = strlen(name);

	memcpy(un.sun_path + 1, name, n);
	return connect(fd, (const struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n));
}

static int
run(const char *path)
{
	pid_t pid = vfork();
	int status = 0;

	if (pid == 0) {
		execl(path, path, (char *)NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	return errno ? -1 : 0;
}

static int
try(const char *what, const char *on)
{
	if (!strcmp(what, "read"))
		return open(on, O_RDONLY | O_CLOEXEC);
	if (!strcmp(what, "write"))
		return open(on, O_RDWR | O_CLOEXEC);
	if (!strcmp(what, "make"))
		return open(on, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (!strcmp(what, "list"))
		return open(on, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!strcmp(what, "remove"))
		return unlink(on);
	if (!strcmp(what, "exec"))
		return run(on);
	if (!strcmp(what, "connect"))
		return reach(on, connect);
	if (!strcmp(what, "bind"))
		return reach(on, bind);
	if (!strcmp(what, "abstract"))
		return abstract(on);
	if (!strcmp(what, "signal"))
		return kill((pid_t)strtol(on, NULL, 10), 0);
	if (!strcmp(what, "env")) {
		errno = ENOENT;
		return getenv(on) ? 0 : -1;
	}
	errno = EINVAL;
	return -1;
}

int
main(void)
{
	char line[512], what[16], on[480];
	FILE *f = fopen("/proc/self/fd/8/rootfs.ext4", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%15s %479s", what, on) != 2)
			continue;
		errno = 0;
		dprintf(STDERR_FILENO, "%s %s: %s\n", what, on,
		    try(what, on) < 0 ? strerror(errno) : "done");
	}
	return 9;
}
