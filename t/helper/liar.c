/* liar - an agent that answers every request with what a file holds
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: liar -s FD	(as agentd runs it: AGENT=.../liar)
 *
 * The content of the file named by LIAR is its stdout, that of LIAR_ERR, if
 * set, its stderr; the status is LIAR_STATUS or 0. With LIAR_ENDLESS the
 * stdout is repeated for ever.
 */
#include <signal.h>

#include "bng.h"
#include "frame.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

static int fd;

static void
frame(enum frame_channel channel, const void *p, size_t n)
{
	uint8_t head[FRAME_HEAD];

	frame_put_head(head, channel, (uint32_t)n);
	if (write_all(fd, head, sizeof(head)) || write_all(fd, p, n))
		exit(0);
}

static void
send_file(enum frame_channel channel, const char *path)
{
	static char buf[FRAME_MAX];
	autoclose int in = path ? xopen(path, O_RDONLY, 0) : -1;
	ssize_t n;

	while (path && (n = read_full(in, buf, sizeof(buf))) > 0)
		frame(channel, buf, (size_t)n);
}

int
main(int argc, char *argv[])
{
	static const char hello[] = "{\"v\":1}";
	const char *status = getenv("LIAR_STATUS");
	char last[64], c;

	if (argc != 3)
		return 100;
	signal(SIGPIPE, SIG_IGN);
	fd = (int)strtol(argv[2], NULL, 10);
	/* Not before the client has seen that it is connected. */
	if (read(fd, &c, 1) != 1)
		return 0;
	frame(CH_CONTROL, hello, sizeof(hello) - 1);
	do
		send_file(CH_STDOUT, getenv("LIAR"));
	while (getenv("LIAR_ENDLESS"));
	send_file(CH_STDERR, getenv("LIAR_ERR"));
	snprintf(last, sizeof(last), "{\"exit\":%s}", status ? status : "0");
	frame(CH_CONTROL, last, strlen(last));
	while (read(fd, &c, 1) > 0)
		;
	return 0;
}
