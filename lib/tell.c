/* tell.c - a request to the agent in a machine; see tell.h
 *
 * SPDX-License-Identifier: MIT
 *
 * The protocol: doc/agent-protocol.md
 */
#include <cjson/cJSON.h>
#include <sys/socket.h>

#include "bng.h"
#include "tell.h"

enum { GO_ON, OVER };

static int
end_with(struct tell *t, enum tell_end how, const char *why)
{
	tell_end(t);
	t->done(t, how, why);
	return OVER;
}

static int
end_malformed(struct tell *t)
{
	return end_with(t, TELL_REFUSED, "the agent broke the protocol");
}

/* As far as the socket takes it; who hung up has left an answer, or an end. */
static void
push(struct tell *t)
{
	while (t->sent < t->size) {
		ssize_t n = send(t->w.fd, t->request + t->sent,
		    t->size - t->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		t->sent = n < 0 ? t->size : t->sent + (size_t)n;
	}
	free(steal(&t->request));
}

/* That there is room to write is news only where something is left. */
static uint32_t
news(const struct tell *t)
{
	return t->request ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

/* Its last word was that it ended so. */
static int
ended(struct tell *t, double status)
{
	char why[TELL_WHY + 32];
	const char *line = t->said + strspn(t->said, "\n");

	if (status == 0)
		return end_with(t, TELL_DONE, "");
	if (*line)
		snprintf(why, sizeof(why), "%.*s", (int)strcspn(line, "\n"),
		    line);
	else
		snprintf(why, sizeof(why), "status %g", status);
	return end_with(t, TELL_REFUSED, why);
}

/* A whole control frame. */
static int
take_control(struct tell *t)
{
	cJSON *o = cJSON_ParseWithLength(t->control, t->control_len);
	const char *error = cJSON_GetStringValue(
	    cJSON_GetObjectItem(o, "error"));
	const cJSON *end = cJSON_GetObjectItem(o, "exit");
	char why[TELL_WHY];
	int r = GO_ON;

	t->control_len = 0;
	if (error) {
		snprintf(why, sizeof(why), "%s", *error ? error :
		    "it does not say why");
		r = end_with(t, TELL_REFUSED, why);
	} else if (!cJSON_IsObject(o)) {
		r = end_malformed(t);
	} else if (cJSON_IsNumber(end)) {
		r = ended(t, end->valuedouble);
	}
	cJSON_Delete(o);
	return r;
}

/* What fits of it; false: not all did. */
static bool
keep(char *to, size_t *len, size_t size, const uint8_t *p, size_t n)
{
	size_t fits = min_size(n, size - *len);

	memcpy(to + *len, p, fits);
	*len += fits;
	return fits == n;
}

/* n bytes of a payload. */
static int
take_payload(struct tell *t, const uint8_t *p, size_t n)
{
	uint8_t channel = t->frame.channel;
	bool whole = frame_took(&t->frame, n);

	if (channel == CH_STDIN)
		return end_malformed(t);
	/* A byte is left for the end of the text, zero from the beginning. */
	if (channel == CH_STDERR)
		keep(t->said, &t->said_len, sizeof(t->said) - 1, p, n);
	if (channel != CH_CONTROL)
		return GO_ON;
	if (!keep(t->control, &t->control_len, sizeof(t->control), p, n))
		return end_malformed(t);
	return whole ? take_control(t) : GO_ON;
}

static int
take(struct tell *t, const uint8_t *p, size_t n)
{
	int r = GO_ON;

	while (!r) {
		size_t part;

		if (!frame_begun(&t->frame)) {
			ssize_t h = frame_head(&t->frame, p, n);

			if (h < 0)
				return end_malformed(t);
			p += h;
			n -= (size_t)h;
			if (!frame_begun(&t->frame))
				break;
		}
		part = min_size(n, t->frame.left);
		if (!part && t->frame.left)
			break;
		r = take_payload(t, p, part);
		p += part;
		n -= part;
	}
	return r;
}

/* The line OK, of which no byte is the agent's; how many of n bytes it has. */
static size_t
skip_line(struct tell *t, const uint8_t *p, size_t n)
{
	const uint8_t *nl = t->let_in ? NULL : memchr(p, '\n', n);

	if (t->let_in)
		return 0;
	t->let_in = nl;
	return nl ? (size_t)(nl + 1 - p) : n;
}

static void
on_answer(struct watch *w, uint32_t events)
{
	struct tell *t = container_of(w, struct tell, w);
	uint8_t buf[4096];
	size_t line;
	ssize_t n;

	if ((events & EPOLLOUT) && t->request) {
		push(t);
		loop_mod(w, news(t));
	}
	n = recv(w->fd, buf, sizeof(buf), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_with(t, TELL_LOST, "the agent hung up");
		return;
	}
	line = skip_line(t, buf, (size_t)n);
	take(t, buf + line, (size_t)n - line);
}

int
tell_begin(struct tell *t, int fd, const char *request)
{
	size_t len = strlen(request);
	int r;

	*t = (struct tell){ .w = { .fd = fd, .ready = on_answer },
		.done = t->done, .frame.answer = true,
		.size = FRAME_HEAD + len };
	t->request = malloc(t->size);
	r = t->request ? 0 : -ENOMEM;
	if (!r) {
		frame_put_head(t->request, CH_CONTROL, (uint32_t)len);
		memcpy(t->request + FRAME_HEAD, request, len);
		push(t);
		r = loop_add(&t->w, news(t));
	}
	if (r) {
		close(steal_fd(&t->w.fd));
		free(steal(&t->request));
	}
	return r;
}

void
tell_end(struct tell *t)
{
	loop_del(&t->w);
	free(steal(&t->request));
}
