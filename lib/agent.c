/* agent.c - a connection to the agent in a machine; see agent.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/socket.h>
#include <sys/time.h>

#include "agent.h"
#include "bng.h"
#include "dirs.h"

/* The answer to CONNECT, and not a byte of the agent's that follow it. */
static int
read_line(int fd, char *line, size_t size)
{
	size_t have = 0;

	while (have < size - 1) {
		char *at = line + have, *nl;
		ssize_t n = recv(fd, at, size - 1 - have, MSG_PEEK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		nl = memchr(at, '\n', (size_t)n);
		n = recv(fd, at, nl ? (size_t)(nl + 1 - at) : (size_t)n, 0);
		have += n > 0 ? (size_t)n : 0;
		line[have] = '\0';
		if (nl)
			return 0;
	}
	return -EPROTO;
}

/* The line, and a request behind it. 0 or -errno. */
static int
send_first(int fd, enum agent_port port, const char *request)
{
	size_t len = request ? strlen(request) : 0, n;
	autofree uint8_t *text = malloc(64 + FRAME_HEAD + len);

	if (!text)
		return -ENOMEM;
	n = (size_t)snprintf((char *)text, 64, "CONNECT %d\n", port);
	if (request) {
		frame_put_head(text + n, CH_CONTROL, (uint32_t)len);
		memcpy(text + n + FRAME_HEAD, request, len);
		n += FRAME_HEAD + len;
	}
	return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 :
	    -ECONNRESET;
}

int
agent_connect(int dirfd, enum agent_port port, int seconds,
    const char *request, char why[TALK_WHY])
{
	struct timeval most = { .tv_sec = seconds };
	char line[64];
	int r;
	autoclose int fd = sock_connect_at(dirfd, "agent.sock");

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return -ENOENT;
	if (fd < 0)
		return fd;
	if (seconds)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	r = send_first(fd, port, request);
	if (!r)
		r = read_line(fd, line, sizeof(line));
	if (r == -ECONNRESET || r == -EPIPE) {
		if (file_line(dirfd, "error", why, TALK_WHY) <= 0)
			snprintf(why, TALK_WHY, "it ended");
		return -ECONNRESET;
	}
	if (r == -EAGAIN)
		return -ETIMEDOUT;
	if (!r && strncmp(line, "OK ", 3))
		r = -EPROTO;
	most.tv_sec = 0;
	if (seconds && !r)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	return r ? r : steal_fd(&fd);
}

int
agent_probe(int dirfd)
{
	static const char ping[] = "{\"v\":1,\"op\":\"ping\"}";
	enum { LEN = sizeof(ping) - 1 };
	static const char line[] = "CONNECT 2\n";
	uint8_t text[sizeof(line) - 1 + FRAME_HEAD + LEN];
	uint8_t *p = mempcpy(text, line, sizeof(line) - 1);
	autoclose int fd = sock_connect_at(dirfd, "agent.sock");

	if (fd < 0)
		return fd;
	frame_put_head(p, CH_CONTROL, LEN);
	memcpy(p + FRAME_HEAD, ping, LEN);
	if (send(fd, text, sizeof(text), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)sizeof(text))
		return -errno;
	return steal_fd(&fd);
}

/* The line OK is the host's word; what follows it is the guest's. */
int
agent_probed(int fd)
{
	char text[64];
	ssize_t n = recv(fd, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT);
	const char *nl = n > 0 ? memchr(text, '\n', (size_t)n) : NULL;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (!nl || nl + 1 < text + n)
		return 1;
	/* Take it, lest it wake us again. */
	return recv(fd, text, (size_t)n, MSG_DONTWAIT) != n;
}
