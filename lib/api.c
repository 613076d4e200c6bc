/* api.c - one request to an HTTP server behind a Unix socket; see api.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://www.rfc-editor.org/rfc/rfc9112
 */
#include <cjson/cJSON.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

#include "api.h"
#include "bng.h"
#include "clock.h"
#include "dirs.h"

int
api_ask(struct api *a, int dirfd, const char *name, const char *method,
    const char *path, const char *body)
{
	autofree char *text = xasprintf("%s %s HTTP/1.1\r\n"
	    "Host: localhost\r\nAccept: application/json\r\n", method, path);
	autofree char *all = body ? xasprintf("%sContent-Type: "
	    "application/json\r\nContent-Length: %zu\r\n\r\n%s", text,
	    strlen(body), body) : xasprintf("%s\r\n", text);
	size_t len = strlen(all);
	autoclose int fd = sock_connect_within(dirfd, name, 0);

	a->fd = -1;
	a->have = 0;
	if (fd < 0)
		return fd;
	/* A fresh socket takes far more than any request of ours. */
	if (send(fd, all, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -EPIPE;
	a->fd = steal_fd(&fd);
	return 0;
}

/* The value of a header field in a head that ends with an empty line. */
static const char *
field(const char *head, const char *name)
{
	size_t len = strlen(name);
	const char *line = head;

	while ((line = strstr(line, "\r\n")) && strncmp(line, "\r\n\r\n", 4)) {
		line += 2;
		if (!strncasecmp(line, name, len) && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

/* Is the answer whole? 0, -EAGAIN, or -EPROTO. */
static int
parse(struct api *a)
{
	static const char http[] = "HTTP/1.1 ";
	const char *end, *length;
	size_t size = 0;
	char *after;

	a->buf[a->have] = '\0';
	if (strncmp(a->buf, http, a->have < strlen(http) ? a->have :
	    strlen(http)))
		return -EPROTO;
	end = strstr(a->buf, "\r\n\r\n");
	if (!end)
		return strlen(a->buf) < a->have ? -EPROTO : -EAGAIN;
	a->status = (int)strtol(a->buf + strlen(http), &after, 10);
	if (after != a->buf + strlen(http) + 3 || a->status < 200)
		return -EPROTO;
	length = field(a->buf, "Content-Length");
	if (length) {
		unsigned long n = strtoul(length, &after, 10);

		if (after == length || n > API_MAX)
			return -EPROTO;
		size = n;
	}
	a->body = end + strlen("\r\n\r\n");
	return (size_t)(a->buf + a->have - a->body) < size ? -EAGAIN : 0;
}

int
api_read(struct api *a)
{
	ssize_t n;
	int r = -EAGAIN;

	while (r == -EAGAIN) {
		if (a->have == API_MAX)
			return -EPROTO;
		n = recv(a->fd, a->buf + a->have, API_MAX - a->have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		a->have += (size_t)n;
		r = parse(a);
	}
	return r;
}

void
api_text(const struct api *a, const char *key, char *buf, size_t size)
{
	cJSON *o = cJSON_Parse(a->body);
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(o, key));

	snprintf(buf, size, "%s", text ? text : "");
	cJSON_Delete(o);
}

int
api_wait(struct api *a, int timeout_ms)
{
	int64_t end = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	int r;

	while ((r = api_read(a)) == -EAGAIN) {
		int64_t left = end - clock_ms(CLOCK_MONOTONIC);

		if (left <= 0 || !poll(&p, 1, (int)left)) {
			r = -ETIMEDOUT;
			break;
		}
	}
	close(a->fd);
	a->fd = -1;
	return !r && a->status / 100 != 2 ? -EREMOTEIO : r;
}

int
api_call(struct api *a, int dirfd, const char *name, const char *method,
    const char *path, const char *body, int timeout_ms)
{
	int r = api_ask(a, dirfd, name, method, path, body);

	return r ? r : api_wait(a, timeout_ms);
}
