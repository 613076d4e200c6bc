/* frames - speak to agent.sock what a real client never would
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: frames DIR <BYTES
 *
 * After CONNECT, sends stdin as it is and keeps the connection. Prints each
 * frame that comes back as "CHANNEL PAYLOAD", until the other side closes.
 */
#include <poll.h>
#include <sys/socket.h>

#include "bng.h"
#include "dirs.h"
#include "frame.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

static void
show(const uint8_t *p, size_t n)
{
	static struct frame_in in;

	while (n) {
		ssize_t h = 0;

		if (!frame_begun(&in)) {
			h = frame_head(&in, p, n);
			if (h < 0)
				die("a malformed frame came back");
			if (frame_begun(&in))
				printf("%d ", in.channel);
		}
		p += h;
		n -= (size_t)h;
		if (!frame_begun(&in))
			continue;
		h = n < in.left ? (ssize_t)n : (ssize_t)in.left;
		fwrite(p, 1, (size_t)h, stdout);
		if (frame_took(&in, (size_t)h))
			putchar('\n');
		p += h;
		n -= (size_t)h;
	}
}

int
main(int argc, char *argv[])
{
	static uint8_t buf[65536];
	int dir, sock;
	ssize_t n;

	msg_name = "frames";
	if (argc != 2)
		return 100;
	dir = xopen(argv[1], O_RDONLY | O_DIRECTORY, 0);
	sock = sock_connect_at(dir, "agent.sock");
	if (sock < 0)
		die("cannot connect: %s", strerror(-sock));
	xwrite(sock, "CONNECT 1\n", 10, "the socket");
	if (read_full(sock, buf, 5) != 5)
		die("no answer");
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		if (send(sock, buf, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	while ((n = read(sock, buf, sizeof(buf))) > 0)
		show(buf, (size_t)n);
	return fflush(stdout) ? 1 : 0;
}
