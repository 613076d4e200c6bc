/* talk.c - a request, and its streams back and forth; see agent.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <cjson/cJSON.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "agent.h"
#include "bng.h"
#include "caught.h"
#include "clock.h"
#include "rawtty.h"

enum {
	RECV_SIZE = 256 * 1024,
	IMPATIENT_MS = 2000,	/* until a second signal is for us */
};

/*
 * Sending: the request, then at most one frame of input and what little
 * control there is
 */

static uint8_t *
send_room(struct talk *t, size_t need)
{
	if (!t->send)
		t->send = xmalloc(t->send_size);
	if (t->send_from) {
		memmove(t->send, t->send + t->send_from, t->send_len);
		t->send_from = 0;
	}
	if (t->send_len + need > t->send_size)
		return NULL;
	return t->send + t->send_len;
}

static void
put_control(struct talk *t, const char *text)
{
	size_t n = strlen(text);
	uint8_t *p = send_room(t, FRAME_HEAD + n);

	if (!p)
		return; /* a signal too many for a client that stalls */
	frame_put_head(p, CH_CONTROL, (uint32_t)n);
	memcpy(p + FRAME_HEAD, text, n);
	t->send_len += FRAME_HEAD + n;
}

static void
flush_send(struct talk *t)
{
	while (t->send_len) {
		ssize_t n = send(t->sock, t->send + t->send_from, t->send_len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			/* Who hung up may have left something to read. */
			if (errno != EPIPE && errno != ECONNRESET)
				shutdown(t->sock, SHUT_RDWR);
			t->send_len = 0;
			t->input_over = true;
			return;
		}
		t->send_from += (size_t)n;
		t->send_len -= (size_t)n;
	}
}

static void
put_input(struct talk *t, uint8_t *p, size_t n)
{
	frame_put_head(p, CH_STDIN, (uint32_t)n);
	t->send_len += FRAME_HEAD + n;
}

/*
 * What a person or a program types for a session. The end of it is not the
 * session's: who attached may just have died. 0, or TALK_LEFT.
 */
static int
session_stdin(struct talk *t, uint8_t *p, ssize_t n)
{
	uint8_t *key = t->tty && n > 0 ?
	    memchr(p + FRAME_HEAD, TALK_KEY, (size_t)n) : NULL;

	if (key)
		n = key - p - FRAME_HEAD;
	if (n > 0)
		put_input(t, p, (size_t)n);
	t->input_over = n <= 0;
	if (key || (n <= 0 && isatty(t->in))) {
		flush_send(t);
		return TALK_LEFT;
	}
	return 0;
}

static int
pump_stdin(struct talk *t)
{
	uint8_t *p = send_room(t, FRAME_HEAD + FRAME_MAX);
	ssize_t n;

	if (!p)
		return 0;
	n = read(t->in, p + FRAME_HEAD, FRAME_MAX);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	/* A terminal that hangs up, and a directory, have no more for us. */
	if (n < 0 && errno != EISDIR && !isatty(t->in))
		die_sys("cannot read the input");
	if (t->session)
		return session_stdin(t, p, n);
	t->input_over = n <= 0;
	put_input(t, p, n > 0 ? (size_t)n : 0);
	return 0;
}

static void
put_size(struct talk *t)
{
	struct winsize ws;
	char text[64];

	if (ioctl(t->in, TIOCGWINSZ, &ws))
		return;
	snprintf(text, sizeof(text), "{\"rows\":%d,\"cols\":%d}", ws.ws_row,
	    ws.ws_col);
	put_control(t, text);
}

/*
 * Signals are the command's. When nothing comes of one, the guest is asked
 * for a sign of life: without one, the signal is for us.
 */

static void
catch_signals(const struct talk *t)
{
	static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction old;

	signal(SIGPIPE, SIG_IGN);
	/*
	 * nohup means it. A shell without job control lets all its background
	 * jobs ignore INT and QUIT: that says nothing.
	 */
	for (size_t i = 0; t->signals && i < ARRAY_SIZE(passed_on); i++)
		if (passed_on[i] != SIGHUP ||
		    (!sigaction(SIGHUP, NULL, &old) &&
		    old.sa_handler != SIG_IGN))
			caught_add(passed_on[i]);
	if (t->tty)
		caught_add(SIGWINCH);
}

noreturn_fn static void
die_of(int sig)
{
	rawtty_off();
	caught_die(sig);
}

/* Who insists after a while means us. */
static void
pass_on(struct talk *t, int sig)
{
	int64_t since = clock_ms(CLOCK_MONOTONIC);
	char text[32];

	if (t->doubt.silent ||
	    (t->signalled && since - t->signalled >= IMPATIENT_MS))
		die_of(sig);
	if (!t->signalled)
		t->signalled = since;
	t->signal = sig;
	doubt_renew(&t->doubt);
	snprintf(text, sizeof(text), "{\"signal\":%d}", sig);
	put_control(t, text);
}

static void
handle_signals(struct talk *t)
{
	int sig;

	while ((sig = caught_next()))
		if (sig == SIGWINCH)
			put_size(t);
		else if (t->session)
			die_of(sig);
		else
			pass_on(t, sig);
}

static int
fail(struct talk *t, const char *why)
{
	snprintf(t->why, sizeof(t->why), "%s", why);
	msg_clean(t->why);
	return TALK_FAILED;
}

/*
 * Without a sign of life a signal is for us; and the wait is not for ever. A
 * guest that lives takes its time over a signal, as it may.
 */
static int
doubtful(struct talk *t)
{
	char why[TALK_WHY];

	if (t->doubt.probe >= 0 && t->signal)
		die_of(t->signal);
	if (doubt_due(&t->doubt))
		return 0;
	snprintf(why, sizeof(why), "machine '%s' has not answered for %d s",
	    t->vm, doubt_most());
	return fail(t, why);
}

/* The request was taken. What is still in doubt is whether a signal was. */
static void
answered(struct talk *t)
{
	t->answered = true;
	t->doubt.silent = false;
	if (!t->signal)
		doubt_over(&t->doubt);
	if (t->tty && !t->session)
		rawtty_on(t->in);
}

/*
 * Receiving
 */

static void
gather(struct talk *t, int which, const uint8_t *p, size_t n)
{
	if (t->text_len[which] + n > TALK_TEXT_MAX)
		n = TALK_TEXT_MAX - t->text_len[which];
	t->text[which] = xrealloc(t->text[which], t->text_len[which] + n + 1);
	memcpy(t->text[which] + t->text_len[which], p, n);
	t->text_len[which] += n;
	t->text[which][t->text_len[which]] = '\0';
}

/* A reader that stalls stalls the command; our signals still pass. */
static void
write_out(struct talk *t, int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t r = write(fd, p, n);

		if (r >= 0) {
			p += r;
			n -= (size_t)r;
		} else if (errno == EINTR) {
			handle_signals(t);
			flush_send(t);
		} else if (errno == EAGAIN) {
			struct pollfd pf = { .fd = fd, .events = POLLOUT };

			poll(&pf, 1, -1);
		} else if (errno == EPIPE) {
			die_of(SIGPIPE);
		} else {
			die_stdout();
		}
	}
}

/*
 * The session takes us. On a terminal it gets every key, and our size, and
 * our terminal is put right whatever ends us.
 */
static void
attached(struct talk *t, const cJSON *o)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	const cJSON *lost = cJSON_GetObjectItem(o, "lost");

	if (cJSON_IsNumber(lost) && lost->valuedouble > 0)
		warn("%.0f bytes that were written meanwhile are lost",
		    lost->valuedouble);
	t->tty = cJSON_IsTrue(cJSON_GetObjectItem(o, "tty")) && isatty(t->in);
	if (!t->tty)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		caught_add(ends[i]);
	caught_add(SIGWINCH);
	rawtty_on(t->in);
	put_size(t);
}

/* A whole control frame: 1 when it was the last. */
static int
take_control(struct talk *t)
{
	cJSON *o = cJSON_ParseWithLength(t->control, t->control_len);
	const cJSON *v, *error, *end;
	int r = 0;

	v = cJSON_GetObjectItem(o, "v");
	error = cJSON_GetObjectItem(o, "error");
	end = cJSON_GetObjectItem(o, "exit");
	if (!o || (!t->answered && !v)) {
		r = fail(t, "the agent's answer is malformed");
	} else if (cJSON_IsString(error)) {
		r = fail(t, error->valuestring);
	} else if (cJSON_IsNumber(end) && end->valueint >= 0 &&
	    end->valueint <= 255) {
		t->status = end->valueint;
		r = 1;
	} else if (cJSON_GetObjectItem(o, "pong")) {
		r = 1;
	} else if (t->session && !t->answered) {
		attached(t, o);
	}
	if (!t->answered)
		answered(t);
	cJSON_Delete(o);
	free(steal(&t->control));
	t->control_len = 0;
	return r;
}

static int
take_payload(struct talk *t, const uint8_t *p, size_t n)
{
	int which = t->frame.channel == CH_STDERR;
	int fd = which ? t->err : t->out;

	if (t->frame.channel == CH_CONTROL) {
		if (!t->control)
			t->control = xmalloc((size_t)t->frame.left + 1);
		memcpy(t->control + t->control_len, p, n);
		t->control_len += n;
		return n == t->frame.left ? take_control(t) : 0;
	}
	if (t->frame.channel == CH_STDIN)
		return fail(t, "the agent broke the protocol");
	if (fd < 0)
		gather(t, which, p, n);
	else
		write_out(t, fd, p, n);
	/* An empty frame is the end of a dialled connection's output. */
	if (!t->frame.left && fd >= 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, fd);
		close(null);
	}
	return 0;
}

/* 0 to go on, 1 at the last answer, negative: failed. */
static int
take(struct talk *t, const uint8_t *p, size_t n)
{
	size_t part;
	int r;

	for (;;) {
		if (!frame_begun(&t->frame)) {
			ssize_t h = frame_head(&t->frame, p, n);

			if (h < 0)
				return fail(t, "the agent broke the protocol");
			p += h;
			n -= (size_t)h;
			if (!frame_begun(&t->frame))
				return 0;
		}
		part = n < t->frame.left ? n : t->frame.left;
		if (!part && t->frame.left)
			return 0;
		r = take_payload(t, p, part);
		if (r)
			return r;
		frame_took(&t->frame, part);
		p += part;
		n -= part;
	}
}

static int
receive(struct talk *t)
{
	static uint8_t *buf;
	ssize_t n;

	if (!buf)
		buf = xmalloc(RECV_SIZE);
	n = recv(t->sock, buf, RECV_SIZE, MSG_DONTWAIT);
	if (n > 0)
		return take(t, buf, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	snprintf(t->why, sizeof(t->why), "the machine ended");
	return TALK_LOST;
}

static int
relay(struct talk *t)
{
	int r = 0;

	while (!r) {
		struct pollfd p[5] = {
			{ .fd = t->sock, .events = POLLIN },
			{ .fd = caught_fd(), .events = POLLIN },
			{ .fd = t->doubt.probe, .events = POLLIN },
			{ .fd = -1, .events = POLLIN },
			{ .fd = t->reader ? t->out : -1 },
		};
		int n;

		flush_send(t);
		if (t->send_len)
			p[0].events |= POLLOUT;
		else if (!t->input_over && (t->answered || !t->patient))
			p[3].fd = t->in;
		n = poll(p, 5, doubt_ms(&t->doubt));
		if (n < 0 && errno != EINTR)
			return fail(t, strerror(errno));
		if (n == 0)
			r = doubtful(t);
		if (p[1].revents)
			handle_signals(t);
		if (p[2].revents)
			doubt_probed(&t->doubt);
		if (p[3].revents)
			r = pump_stdin(t);
		if (p[4].revents)
			r = TALK_LEFT;
		if (!r && p[0].revents & (POLLIN | POLLHUP | POLLERR))
			r = receive(t);
	}
	return r;
}

int
talk_run(struct talk *t, const char *request)
{
	enum { STREAMS = 2 * (FRAME_MAX + FRAME_HEAD) };
	size_t size = request ? strlen(request) + FRAME_HEAD : 0;
	int r;

	t->send_size = size > STREAMS ? size : STREAMS;
	t->input_over = t->in < 0;
	t->frame.answer = true;
	catch_signals(t);
	if (t->tty)
		rawtty_await(t->in);
	doubt_begin(&t->doubt, t->vm, t->dir);
	if (request)
		put_control(t, request);
	r = relay(t);
	rawtty_off();
	doubt_over(&t->doubt);
	free(steal(&t->send));
	return r > 0 ? t->status : r;
}
