/* http.h - a small HTTP server for servers that misbehave
 *
 * A process for each connection, one request a connection. It listens on
 * 127.0.0.1 and ends with its parent.
 */
#ifndef HTTP_H
#define HTTP_H

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "bng.h"

struct query {
	char method[16], path[2048], range[64], if_range[64], auth[4096];
	char request[16384];
	int fd;
};

printf_fn(2, 3) static void
send_text(const struct query *q, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(q->fd, fmt, ap);
	va_end(ap);
}

static void
copy_header(const char *request, const char *name, char *out, size_t room)
{
	const char *p = strcasestr(request, name);

	out[0] = '\0';
	if (p)
		snprintf(out, room, "%.*s",
		    (int)strcspn(p + strlen(name), "\r\n"), p + strlen(name));
}

static bool
read_query(struct query *q)
{
	size_t have = 0;
	char *path;

	q->request[0] = '\0';
	while (!strstr(q->request, "\r\n\r\n")) {
		ssize_t n = read(q->fd, q->request + have,
		    sizeof(q->request) - 1 - have);

		if (n <= 0)
			return false;
		have += (size_t)n;
		q->request[have] = '\0';
		/* Somebody tries TLS: no is an answer, too. */
		if (!isupper((unsigned char)q->request[0]))
			return false;
	}
	path = q->request + strcspn(q->request, " ");
	snprintf(q->method, sizeof(q->method), "%.*s",
	    (int)(path - q->request), q->request);
	path += strspn(path, " ");
	/* As a proxy we get the whole URL. */
	if (!strncmp(path, "http://", 7))
		path += 7 + strcspn(path + 7, "/ ");
	snprintf(q->path, sizeof(q->path), "%.*s", (int)strcspn(path, " "),
	    path);
	copy_header(q->request, "\r\nRange: ", q->range, sizeof(q->range));
	copy_header(q->request, "\r\nIf-Range: ", q->if_range,
	    sizeof(q->if_range));
	copy_header(q->request, "\r\nAuthorization: ", q->auth,
	    sizeof(q->auth));
	return true;
}

/* A body, or headers, without end. */
noreturn_fn static void
endless(const struct query *q, const char *text)
{
	signal(SIGPIPE, SIG_DFL);
	send_text(q, "HTTP/1.1 200 OK\r\n");
	for (;;)
		send_text(q, "%s", text);
}

noreturn_fn static void
connection(int fd, void (*answer)(struct query *))
{
	struct query q = { .fd = fd };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (read_query(&q))
		answer(&q);
	exit(0);
}

static int
listen_somewhere(int *ret_port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (s < 0 || bind(s, (struct sockaddr *)&sin, sizeof(sin)) ||
	    listen(s, 64) || getsockname(s, (struct sockaddr *)&sin, &len))
		die_sys("cannot serve");
	*ret_port = ntohs(sin.sin_port);
	return s;
}

/* Print the port, and answer for ever. */
noreturn_fn static void
serve_http(void (*answer)(struct query *))
{
	int port, s, fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	s = listen_somewhere(&port);
	printf("%d\n", port);
	xflush();
	for (;;) {
		fd = accept4(s, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0 && !fork())
			connection(fd, answer);
		close(fd);
	}
}

#endif
