/* qmp.c - QEMU's monitor protocol; see qmp.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <sys/socket.h>

#include "bng.h"
#include "clock.h"
#include "dirs.h"
#include "qmp.h"

int
qmp_say(const struct qmp *q, const char *object, int pass)
{
	char eol[] = "\r\n";
	struct iovec text[2] = {
		{ (void *)object, strlen(object) }, { eol, strlen(eol) } };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET,
		SCM_RIGHTS } };
	struct msghdr m = { .msg_iov = text, .msg_iovlen = 2 };
	ssize_t len = (ssize_t)(text[0].iov_len + text[1].iov_len);

	if (pass >= 0) {
		memcpy(CMSG_DATA(&control.head), &pass, sizeof(pass));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.room);
	}
	/* A few bytes into an empty socket: whole or an error. */
	return sendmsg(q->fd, &m, MSG_NOSIGNAL) == len ? 0 : -EPIPE;
}

int
qmp_send(const struct qmp *q, const char *command)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "{\"execute\":\"%s\"}", command);

	return n < 0 || (size_t)n >= sizeof(line) ? -EINVAL :
	    qmp_say(q, line, -1);
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

static void
on_message(void *ctx, const cJSON *m)
{
	struct qmp_session *s = ctx;
	const cJSON *got = cJSON_GetObjectItem(m, "return");
	const cJSON *refused = cJSON_GetObjectItem(m, "error");
	const char *event = qmp_text(m, "event");

	if (event[0] && s->event)
		s->event(s->ctx, event, cJSON_GetObjectItem(m, "data"));
	if (!got && !refused)
		return;	/* the greeting, or an event */
	s->answers++;
	if (refused) {
		s->error = -EREMOTEIO;
		snprintf(s->why, sizeof(s->why), "%s",
		    qmp_text(refused, "desc"));
		msg_clean(s->why);
	}
	cJSON_Delete(s->answer);
	s->answer = cJSON_Duplicate(got, true);
}

int
qmp_turn(struct qmp_session *s, int timeout_ms)
{
	struct pollfd p = { .fd = s->q.fd, .events = POLLIN };
	int r, n = poll(&p, 1, timeout_ms);

	if (n == 0)
		return -ETIMEDOUT;
	r = n < 0 ? -errno : qmp_read(&s->q, on_message, s);
	return r == -EAGAIN || r == -EINTR ? 0 : r;
}

int
qmp_ask(struct qmp_session *s, const char *object, int pass, int timeout_ms)
{
	int64_t end = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	unsigned before = s->answers;
	int r = qmp_say(&s->q, object, pass);

	s->error = 0;
	while (!r && s->answers == before) {
		int64_t left = end - clock_ms(CLOCK_MONOTONIC);

		r = left > 0 ? qmp_turn(s, (int)left) : -ETIMEDOUT;
	}
	return r ? r : s->error;
}

int
qmp_open(struct qmp_session *s, int dirfd, int timeout_ms)
{
	int r;

	s->q.fd = sock_connect_within(dirfd, "qmp.sock", timeout_ms);
	if (s->q.fd < 0)
		return s->q.fd;
	r = qmp_ask(s, "{\"execute\":\"qmp_capabilities\"}", -1, timeout_ms);
	if (r)
		qmp_close(s);
	return r;
}

void
qmp_close(struct qmp_session *s)
{
	close(s->q.fd);
	s->q.fd = -1;
	cJSON_Delete(steal(&s->answer));
}

int
qmp_command(int dirfd, const char *command, int timeout_ms, cJSON **ret_answer)
{
	autofree char *object = xasprintf("{\"execute\":\"%s\"}", command);
	autofree struct qmp_session *s = xcalloc(1, sizeof(*s));
	int r = qmp_open(s, dirfd, timeout_ms);

	if (r)
		return r;
	r = qmp_ask(s, object, -1, timeout_ms);
	if (!r && ret_answer)
		*ret_answer = steal(&s->answer);
	qmp_close(s);
	return r;
}
