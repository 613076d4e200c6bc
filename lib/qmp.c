/* qmp.c - QEMU's monitor protocol; see qmp.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "bng.h"
#include "dirs.h"
#include "qmp.h"

int
qmp_send(const struct qmp *q, const char *command)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "{\"execute\":\"%s\"}\r\n",
	    command);

	if (n < 0 || (size_t)n >= sizeof(line))
		return -EINVAL;
	/* A few bytes into an empty socket: whole or an error. */
	return send(q->fd, line, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -EPIPE;
}

static void
lines(struct qmp *q, void (*message)(void *ctx, const cJSON *m), void *ctx)
{
	char *start = q->buf, *nl;

	while ((nl = memchr(start, '\n', q->have))) {
		cJSON *m = q->skip ? NULL :
		    cJSON_ParseWithLength(start, (size_t)(nl - start));

		q->skip = false;
		if (m)
			message(ctx, m);
		cJSON_Delete(m);
		q->have -= (size_t)(nl + 1 - start);
		start = nl + 1;
	}
	memmove(q->buf, start, q->have);
	if (q->have == sizeof(q->buf)) {
		q->have = 0;
		q->skip = true;
	}
}

int
qmp_read(struct qmp *q, void (*message)(void *ctx, const cJSON *m), void *ctx)
{
	ssize_t n = recv(q->fd, q->buf + q->have, sizeof(q->buf) - q->have,
	    MSG_DONTWAIT);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0)
		return -EPIPE;
	q->have += (size_t)n;
	lines(q, message, ctx);
	return 0;
}

const char *
qmp_text(const cJSON *m, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(m, key));

	return s ? s : "";
}

struct exchange {
	struct qmp q;
	int answers;		/* the first is that of qmp_capabilities */
	int error;
	cJSON *answer;
};

static void
on_message(void *ctx, const cJSON *m)
{
	struct exchange *x = ctx;
	const cJSON *got = cJSON_GetObjectItem(m, "return");

	if (cJSON_GetObjectItem(m, "error"))
		x->error = -EREMOTEIO;
	else if (!got)
		return;	/* the greeting, or an event */
	if (++x->answers == 2 && !x->error)
		x->answer = cJSON_Duplicate(got, true);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
converse(struct exchange *x, const char *command, int timeout_ms)
{
	struct pollfd p = { .fd = x->q.fd, .events = POLLIN };
	int64_t end = now_ms() + timeout_ms;
	int r = qmp_send(&x->q, "qmp_capabilities");

	if (!r)
		r = qmp_send(&x->q, command);
	while (!r && x->answers < 2 && !x->error) {
		int64_t left = end - now_ms();
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (n == 0)
			return -ETIMEDOUT;
		r = n < 0 ? -errno : qmp_read(&x->q, on_message, x);
		if (r == -EAGAIN || r == -EINTR)
			r = 0;
	}
	return r ? r : x->error;
}

int
qmp_command(int dirfd, const char *command, int timeout_ms, cJSON **ret_answer)
{
	struct exchange *x = xcalloc(1, sizeof(*x));
	int r;

	x->q.fd = sock_connect_at(dirfd, "qmp.sock");
	r = x->q.fd < 0 ? x->q.fd : converse(x, command, timeout_ms);
	if (x->q.fd >= 0)
		close(x->q.fd);
	if (!r && ret_answer)
		*ret_answer = x->answer;
	else
		cJSON_Delete(x->answer);
	free(x);
	return r;
}
