/* agent.c - a request to the agent in a machine; see agent.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <cjson/cJSON.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>

#include "agent.h"
#include "bng.h"
#include "dirs.h"

enum {
	RECV_SIZE = 256 * 1024,
	IMPATIENT = 2,		/* seconds until a second signal is for us */
};

/*
 * Connecting
 */

/*
 * The answer to CONNECT. It comes in one piece and nothing follows before we
 * have asked for something.
 */
static int
read_line(int fd, char *line, size_t size)
{
	size_t have = 0;

	while (have < size - 1) {
		ssize_t n = recv(fd, line + have, size - 1 - have, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		have += (size_t)n;
		line[have] = '\0';
		if (line[have - 1] == '\n')
			return 0;
	}
	return -EPROTO;
}

int
agent_connect(int dirfd, enum agent_port port, char why[TALK_WHY])
{
	char line[64];
	int n, r;
	autoclose int fd = sock_connect_at(dirfd, "agent.sock");

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return -ENOENT;
	if (fd < 0)
		return fd;
	n = snprintf(line, sizeof(line), "CONNECT %d\n", port);
	r = send(fd, line, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -ECONNRESET;
	if (!r)
		r = read_line(fd, line, sizeof(line));
	if (r == -ECONNRESET || r == -EPIPE) {
		if (file_line(dirfd, "error", why, TALK_WHY) <= 0)
			snprintf(why, TALK_WHY, "it ended");
		return -ECONNRESET;
	}
	if (!r && strncmp(line, "OK ", 3))
		r = -EPROTO;
	return r ? r : steal_fd(&fd);
}

/*
 * Signals: the handler only notes; a pipe wakes the poll
 */

static volatile sig_atomic_t caught[NSIG];
static int wake[2] = { -1, -1 };

static void
on_signal(int sig)
{
	int err = errno;

	caught[sig] = 1;
	if (write(wake[1], "", 1) < 0)
		errno = 0; /* full: it wakes anyway */
	errno = err;
}

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

static void
catch_signals(const struct talk *t)
{
	struct sigaction sa = { .sa_handler = on_signal };

	signal(SIGPIPE, SIG_IGN);
	if (wake[0] < 0 && pipe2(wake, O_CLOEXEC | O_NONBLOCK))
		die_sys("cannot make a pipe");
	for (size_t i = 0; t->signals && i < ARRAY_SIZE(passed_on); i++) {
		struct sigaction old;

		/*
		 * nohup means it. A shell without job control lets all its
		 * background jobs ignore INT and QUIT: that says nothing.
		 */
		if (passed_on[i] != SIGHUP ||
		    (!sigaction(SIGHUP, NULL, &old) &&
		    old.sa_handler != SIG_IGN))
			sigaction(passed_on[i], &sa, NULL);
	}
	if (t->tty)
		sigaction(SIGWINCH, &sa, NULL);
}

/* The terminal that we made raw, as it was. */
static struct termios cooked;
static int cooked_fd = -1;

static void
restore_terminal(void)
{
	if (cooked_fd >= 0)
		tcsetattr(cooked_fd, TCSADRAIN, &cooked);
	cooked_fd = -1;
}

static void
make_raw(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &cooked))
		return;
	raw = cooked;
	cfmakeraw(&raw);
	if (!tcsetattr(fd, TCSADRAIN, &raw)) {
		cooked_fd = fd;
		atexit(restore_terminal);
	}
}

/* End as if the signal had not been caught. */
noreturn_fn static void
die_of(int sig)
{
	restore_terminal();
	signal(sig, SIG_DFL);
	raise(sig);
	exit(128 + sig);
}

/*
 * Sending: at most one frame of input and what little control there is
 */

static uint8_t *
send_room(struct talk *t, size_t need)
{
	enum { SIZE = 2 * (FRAME_MAX + FRAME_HEAD) };

	if (!t->send)
		t->send = xmalloc(SIZE);
	if (t->send_from) {
		memmove(t->send, t->send + t->send_from, t->send_len);
		t->send_from = 0;
	}
	return t->send_len + need <= SIZE ? t->send + t->send_len : NULL;
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
			/* What it still had to say can be read. */
			t->send_len = 0;
			t->input_over = true;
			return;
		}
		t->send_from += (size_t)n;
		t->send_len -= (size_t)n;
	}
}

static void
pump_stdin(struct talk *t)
{
	uint8_t *p = send_room(t, FRAME_HEAD + FRAME_MAX);
	ssize_t n;

	if (!p)
		return;
	n = read(t->in, p + FRAME_HEAD, FRAME_MAX);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		n = 0;
		t->input_over = true;
	}
	frame_put_head(p, CH_STDIN, (uint32_t)n);
	t->send_len += FRAME_HEAD + (size_t)n;
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

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* A signal is the command's; who insists after a while means us. */
static void
pass_on(struct talk *t, int sig)
{
	static time_t first;
	char text[32];

	if (first && now() - first >= IMPATIENT)
		die_of(sig);
	if (!first)
		first = now();
	snprintf(text, sizeof(text), "{\"signal\":%d}", sig);
	put_control(t, text);
}

static void
handle_signals(struct talk *t)
{
	char bytes[64];

	while (read(wake[0], bytes, sizeof(bytes)) > 0)
		;
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
		if (!caught[passed_on[i]])
			continue;
		caught[passed_on[i]] = 0;
		pass_on(t, passed_on[i]);
	}
	if (caught[SIGWINCH]) {
		caught[SIGWINCH] = 0;
		put_size(t);
	}
}

/*
 * Receiving
 */

static int
fail(struct talk *t, const char *why)
{
	snprintf(t->why, sizeof(t->why), "%s", why);
	msg_clean(t->why);
	return TALK_FAILED;
}

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
			die_sys("cannot write the output");
		}
	}
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
	}
	t->answered = true;
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
		struct pollfd p[3] = {
			{ .fd = t->sock, .events = POLLIN },
			{ .fd = wake[0], .events = POLLIN },
			{ .fd = -1, .events = POLLIN },
		};

		flush_send(t);
		if (t->send_len)
			p[0].events |= POLLOUT;
		else if (!t->input_over)
			p[2].fd = t->in;
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return fail(t, strerror(errno));
		if (p[1].revents)
			handle_signals(t);
		if (p[2].revents)
			pump_stdin(t);
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
			r = receive(t);
	}
	return r;
}

int
talk_run(struct talk *t, const char *request)
{
	int r;

	t->input_over = t->in < 0;
	catch_signals(t);
	if (t->tty)
		make_raw(t->in);
	put_control(t, request);
	r = relay(t);
	restore_terminal();
	free(steal(&t->send));
	return r > 0 ? t->status : r;
}
