/* badhttpd - an HTTP server that misbehaves as its URLs say
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: badhttpd FILE LOG
 *
 * Serves FILE on a port of 127.0.0.1 that it prints, a process a connection,
 * and writes a line "PATH RANGE IF-RANGE" to LOG for each request. It ends
 * with its parent. Paths:
 *
 *   /good/X        as it should be: ranges, If-Range, a strong tag
 *   /cut/N         likewise, but only N bytes a connection
 *   /weak/N        the same with a weak tag and no date
 *   /changed/N     the same with another tag each time
 *   /norange/N     N bytes a connection, ranges ignored
 *   /stall/N       N bytes, then nothing, for ever; of a range, nothing
 *   /416           any range is refused; the whole is served
 *   /416end        the same, naming the true size
 *   /wrongrange    a range other than the one asked for
 *   /trailer       in chunks, with a header behind them
 *   /nolength      no length: the end of the connection is the end
 *   /empty         nothing at all
 *   /endless       a body without end
 *   /headers       headers without end
 *   /status/N      that status
 *   /to/URL        a redirect there
 *   /loop          a redirect to itself
 */
#include "http.h"

static const struct applet badhttpd = { "badhttpd",
	"usage: badhttpd FILE LOG\n\n", NULL, PLAIN };
const struct applet *self = &badhttpd;

static const char *file;
static size_t size;
static int logfd;

/* Serve a good answer, but at most `most` bytes of its body. */
static void
serve(const struct query *q, const char *tag, size_t most, bool ranges)
{
	unsigned long long from = 0;
	size_t len;

	if (ranges && sscanf(q->range, "bytes=%llu-", &from) == 1 &&
	    from < size && (!q->if_range[0] || !strcmp(q->if_range, tag)))
		send_text(q, "HTTP/1.1 206 Partial Content\r\n"
		    "Content-Range: bytes %llu-%zu/%zu\r\n", from, size - 1,
		    size);
	else {
		from = 0;
		send_text(q, "HTTP/1.1 200 OK\r\n");
	}
	len = size - from;
	send_text(q, "Content-Length: %zu\r\n%s%s%s\r\n", len,
	    *tag ? "ETag: " : "", tag, *tag ? "\r\n" : "");
	(void)!write_all(q->fd, file + from, len < most ? len : most);
}

static void
answer(struct query *q)
{
	const char *arg = strchr(q->path + 1, '/');
	size_t n = arg ? strtoul(arg + 1, NULL, 10) : 0;
	char tag[32] = "\"v1\"";

	dprintf(logfd, "%s %s %s\n", q->path, q->range[0] ? q->range : "-",
	    q->if_range[0] ? q->if_range : "-");
#define PATH(s) (!strncmp(q->path, s, strlen(s)))
	if (PATH("/good")) {
		serve(q, tag, SIZE_MAX, true);
	} else if (PATH("/cut/")) {
		serve(q, tag, n, true);
	} else if (PATH("/weak/")) {
		serve(q, "W/\"v1\"", n, true);
	} else if (PATH("/changed/")) {
		snprintf(tag, sizeof(tag), "\"%ld\"", (long)getpid());
		serve(q, tag, n, true);
	} else if (PATH("/norange/")) {
		serve(q, tag, n, false);
	} else if (PATH("/stall/")) {
		serve(q, tag, q->range[0] ? 0 : n, true);
		for (;;)
			pause();
	} else if (PATH("/416") && q->range[0]) {
		send_text(q, "HTTP/1.1 416 No\r\nContent-Length: 0\r\n");
		if (PATH("/416end"))
			send_text(q, "Content-Range: bytes */%zu\r\n", size);
		send_text(q, "\r\n");
	} else if (PATH("/416")) {
		serve(q, tag, SIZE_MAX, false);
	} else if (PATH("/wrongrange") && q->range[0]) {
		send_text(q, "HTTP/1.1 206 Partial Content\r\nContent-Length:"
		    " 10\r\nContent-Range: bytes 0-9/%zu\r\n\r\n0123456789",
		    size);
	} else if (PATH("/wrongrange")) {
		serve(q, tag, size / 2, true);
	} else if (PATH("/nolength")) {
		send_text(q, "HTTP/1.1 200 OK\r\n\r\n");
		(void)!write_all(q->fd, file, size);
	} else if (PATH("/trailer")) {
		send_text(q, "HTTP/1.1 200 OK\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", size);
		(void)!write_all(q->fd, file, size);
		send_text(q, "\r\n0\r\nX-Behind: it\r\n\r\n");
	} else if (PATH("/empty")) {
		send_text(q, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	} else if (PATH("/endless")) {
		endless(q, "\r\nbytes and bytes and bytes");
	} else if (PATH("/headers")) {
		endless(q, "X-Header: another one, and there are more\r\n");
	} else if (PATH("/status/")) {
		send_text(q, "HTTP/1.1 %zu No\r\nContent-Length: 3\r\n\r\nno\n",
		    n);
	} else if (PATH("/to/")) {
		send_text(q, "HTTP/1.1 302 Found\r\nContent-Length: 4\r\n"
		    "Location: %s\r\n\r\nhere", arg + 1);
	} else if (PATH("/loop")) {
		send_text(q, "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n"
		    "Location: /loop\r\n\r\n");
	} else {
		send_text(q, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
	}
}

int
main(int argc, char *argv[])
{
	struct stat st;
	int fd;

	if (argc != 3)
		die("a file and a log are wanted");
	fd = xopen(argv[1], O_RDONLY, 0);
	logfd = xopen(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fstat(fd, &st))
		die_sys("cannot stat '%s'", argv[1]);
	size = (size_t)st.st_size;
	file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		die_sys("cannot map '%s'", argv[1]);
	serve_http(answer);
}
