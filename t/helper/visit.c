/* visit - a TCP client that ends its half when its input ends
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: visit PORT <INPUT >OUTPUT
 *        visit -n COUNT PORT	so many at once, one byte there and back each
 *
 * Sends stdin, shuts down that half, and prints what comes until the end.
 * Exit 1 when the connection was refused or reset.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "bng.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

static int
connected(const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)strtol(port, NULL, 10)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		exit(1);
	return fd;
}

static int
one(int fd)
{
	static char in[65536], out[65536];
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = 0, .events = POLLIN } };
	ssize_t n;

	for (;;) {
		poll(p, 2, -1);
		if (p[1].revents) {
			n = read(0, in, sizeof(in));
			if (n <= 0) {
				shutdown(fd, SHUT_WR);
				p[1].fd = -1;
			} else if (write_all(fd, in, (size_t)n)) {
				return 1;
			}
		}
		if (p[0].revents) {
			n = read(fd, out, sizeof(out));
			if (n <= 0)
				return n < 0;
			if (write_all(1, out, (size_t)n))
				return 1;
		}
	}
}

/* All are open before the first is used, and the last is used first. */
static int
many(int n, const char *port)
{
	int *fd = xcalloc((size_t)n, sizeof(*fd));
	char c;

	for (int i = 0; i < n; i++)
		fd[i] = connected(port);
	for (int i = n - 1; i >= 0; i--)
		if (write(fd[i], "x", 1) != 1 || read(fd[i], &c, 1) != 1)
			return 1;
	return 0;
}

int
main(int argc, char *argv[])
{
	if (argc == 4)
		return many((int)strtol(argv[2], NULL, 10), argv[3]);
	return argc == 2 ? one(connected(argv[1])) : 100;
}
