/* echod - a TCP server for tests of what passes connections on
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: echod MODE
 *
 * Prints its port on the loopback, then serves one connection after the
 * other, each in a process of its own; it ends with its parent. MODE is
 *
 *   echo   what comes goes back; the end of it ends us
 *   count  reads to the end, then says how many bytes that were
 *   still  never reads a byte
 *   http   one answer to anything
 *   say    the content of $SAY at once, then the end
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "bng.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

static void
serve(int fd, const char *mode)
{
	static char buf[65536];
	long long sum = 0;
	ssize_t n;

	if (!strcmp(mode, "still"))
		pause();
	if (!strcmp(mode, "say")) {
		dprintf(fd, "%s", getenv("SAY"));
		return;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		sum += n;
		if (!strcmp(mode, "echo") && write_all(fd, buf, (size_t)n))
			return;
		if (strcmp(mode, "http"))
			continue;
		dprintf(fd, "HTTP/1.0 200 OK\r\n\r\nhello\n");
		return;
	}
	if (!strcmp(mode, "count"))
		dprintf(fd, "%lld\n", sum);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 2)
		return 100;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	if (bind(fd, (struct sockaddr *)&at, size) || listen(fd, 64) ||
	    getsockname(fd, (struct sockaddr *)&at, &size))
		die_sys("cannot listen");
	printf("%d\n", ntohs(at.sin_port));
	xflush();
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c >= 0 && !fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(c, argv[1]);
			return 0;
		}
		close(c);
	}
}
