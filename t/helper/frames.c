/* frames - speak to agent.sock what a real client never would
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: frames [-n COUNT] DIR|SOCKET <BYTES
 *        frames - <FRAMES
 *
 * After CONNECT (not to a SOCKET), sends stdin as it is and keeps the
 * connection. Prints each frame that comes back as "CHANNEL PAYLOAD", until
 * the other side closes, or COUNT have come. "-": those on stdin.
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bng.h"
#include "dirs.h"
#include "frame.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

static long left = -1;		/* frames to be shown */

static void
show(const uint8_t *p, size_t n)
{
	static struct frame_in in = { .answer = true };

	while (n && left) {
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
		if (frame_took(&in, (size_t)h)) {
			putchar('\n');
			left--;
		}
		p += h;
		n -= (size_t)h;
	}
}

/* A short path, as tests have. */
static int
connect_path(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	return fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) ?
	    -errno : fd;
}

static int
dial(const char *path)
{
	struct stat st;
	int dir, sock;
	char ok[5];

	if (stat(path, &st))
		die_sys("cannot find '%s'", path);
	if (S_ISSOCK(st.st_mode)) {
		sock = connect_path(path);
	} else {
		dir = xopen(path, O_RDONLY | O_DIRECTORY, 0);
		sock = sock_connect_at(dir, "agent.sock");
	}
	if (sock < 0)
		die("cannot connect: %s", strerror(-sock));
	if (S_ISSOCK(st.st_mode))
		return sock;
	xwrite(sock, "CONNECT 1\n", 10, "the socket");
	if (read_full(sock, ok, 5) != 5)
		die("no answer");
	return sock;
}

int
main(int argc, char *argv[])
{
	static uint8_t buf[65536];
	int sock = STDIN_FILENO;
	ssize_t n;

	msg_name = "frames";
	if (argc > 3 && !strcmp(argv[1], "-n")) {
		left = (long)xnum(argv[2], 1, 1000, "count");
		argc -= 2;
		argv += 2;
	}
	if (argc != 2)
		return 100;
	if (strcmp(argv[1], "-")) {
		sock = dial(argv[1]);
		while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
			if (send(sock, buf, (size_t)n, MSG_NOSIGNAL) != n)
				break;
	}
	while (left && (n = read(sock, buf, sizeof(buf))) > 0)
		show(buf, (size_t)n);
	return fflush(stdout) ? 1 : 0;
}
