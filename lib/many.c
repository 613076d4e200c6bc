/* many.c - ask agents many things at once; see many.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <cjson/cJSON.h>
#include <poll.h>
#include <sys/socket.h>

#include "agent.h"
#include "bng.h"
#include "clock.h"
#include "dirs.h"
#include "many.h"

static void
hang_up(struct many *m)
{
	close(m->fd);
	m->fd = -1;
	free(steal(&m->control));
}

static size_t
add_frame(uint8_t *p, enum frame_channel channel, const char *text)
{
	size_t n = strlen(text);

	frame_put_head(p, channel, (uint32_t)n);
	memcpy(p + FRAME_HEAD, text, n);
	return FRAME_HEAD + n;
}

/* All that we have to say fits into an empty socket. */
static bool
begin(struct many *m)
{
	static const char hello[] = "CONNECT 2\n";
	uint8_t buf[8192];
	size_t n = sizeof(hello) - 1;

	m->frame.answer = true;
	m->fd = sock_connect_at(m->dir, "agent.sock");
	if (m->fd < 0)
		return false;
	if (n + 2 * FRAME_HEAD + strlen(m->request) +
	    (m->input ? strlen(m->input) : 0) > sizeof(buf))
		return false;
	memcpy(buf, hello, n);
	n += add_frame(buf + n, CH_CONTROL, m->request);
	if (m->input)
		n += add_frame(buf + n, CH_STDIN, m->input);
	return send(m->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)n;
}

static void
take_text(struct many *m, const uint8_t *p, size_t n)
{
	if (n > MANY_TEXT - m->len)
		n = MANY_TEXT - m->len;
	m->text = xrealloc(m->text, m->len + n + 1);
	memcpy(m->text + m->len, p, n);
	m->len += n;
	m->text[m->len] = '\0';
	if (m->enough && m->len >= m->enough)
		m->done = true;
}

/* A whole control frame. False: nothing more will come. */
static bool
take_control(struct many *m)
{
	cJSON *o = cJSON_ParseWithLength(m->control, m->control_len);
	const cJSON *end = cJSON_GetObjectItem(o, "exit");
	bool more = o && !cJSON_GetObjectItem(o, "error") && !end;

	if (cJSON_IsNumber(end) && end->valueint == 0)
		m->done = true;
	cJSON_Delete(o);
	m->control_len = 0;
	return more;
}

static bool
take_payload(struct many *m, const uint8_t *p, size_t n)
{
	if (m->frame.channel == CH_STDOUT)
		take_text(m, p, n);
	if (m->frame.channel != CH_CONTROL)
		return true;
	if (!m->control)
		m->control = xmalloc(FRAME_MAX);
	memcpy(m->control + m->control_len, p, n);
	m->control_len += n;
	return n < m->frame.left || take_control(m);
}

/* False: it is over. */
static bool
take(struct many *m, const uint8_t *p, size_t n)
{
	while (n && !m->done) {
		size_t part;
		ssize_t h = 0;

		if (!frame_begun(&m->frame))
			h = frame_head(&m->frame, p, n);
		if (h < 0)
			return false;
		p += h;
		n -= (size_t)h;
		if (!frame_begun(&m->frame))
			break;
		part = n < m->frame.left ? n : m->frame.left;
		if (!part && m->frame.left)
			break;
		if (!take_payload(m, p, part))
			return false;
		frame_took(&m->frame, part);
		p += part;
		n -= part;
	}
	return !m->done;
}

/* The line OK comes before the agent's first byte. */
static bool
hear(struct many *m)
{
	static uint8_t buf[65536];
	ssize_t n = recv(m->fd, buf, sizeof(buf), MSG_DONTWAIT);
	const uint8_t *p = buf;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	while (n && !m->greeted) {
		m->greeted = *p++ == '\n';
		n--;
	}
	return take(m, p, (size_t)n);
}

void
many_run(struct many *m, size_t n, int ms)
{
	int64_t end = clock_ms(CLOCK_MONOTONIC) + ms, left = ms;
	struct pollfd *p = xcalloc(n + 1, sizeof(*p));
	size_t open = 0;

	for (size_t i = 0; i < n; i++) {
		if (!begin(&m[i]) && m[i].fd >= 0)
			hang_up(&m[i]);
		open += m[i].fd >= 0;
	}
	while (open && left > 0) {
		for (size_t i = 0; i < n; i++)
			p[i] = (struct pollfd){ m[i].fd, POLLIN, 0 };
		if (poll(p, n, (int)left) < 0 && errno != EINTR)
			break;
		for (size_t i = 0; i < n; i++) {
			if (!p[i].revents || hear(&m[i]))
				continue;
			hang_up(&m[i]);
			open--;
		}
		left = end - clock_ms(CLOCK_MONOTONIC);
	}
	for (size_t i = 0; i < n; i++)
		if (m[i].fd >= 0)
			hang_up(&m[i]);
	free(p);
}

void
many_free(struct many *m)
{
	free(steal(&m->text));
	m->len = 0;
}
