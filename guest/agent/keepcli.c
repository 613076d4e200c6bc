/* keepcli.c - the clients of a session's keeper; see keepcli.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "frame.h"
#include "json.h"
#include "keepcli.h"

enum {
	CLIENTS_MAX = 16,
	SEND_CHUNK = 32 * 1024,	/* of output in a frame */
	SAY_ROOM = 1024,	/* besides, for what we say ourselves */
	WHO_MAX = 100,
};

struct keepcli {
	struct keepcli *next;
	struct end end;
	enum { ASKING, ATTACHED, SENDING, WAITING, OVER } is;
	bool eof;		/* SENDING: then comes the end of the input */
	size_t have, done;	/* of the frame in `in`; given to the command */
	size_t from, len;	/* of out */
	uint8_t out[FRAME_HEAD + SEND_CHUNK + SAY_ROOM];
	uint8_t in[FRAME_HEAD + FRAME_MAX + 1];
};

int
keepcli_listen(const char *home, const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s/sock", home,
	    name) >= (int)sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(fd, CLIENTS_MAX))
		return -1;
	return steal_fd(&fd);
}

bool
keepcli_accept(struct keeper *k)
{
	struct keepcli *c;
	unsigned int n = 0;
	int fd;

	for (c = k->clients; c; c = c->next)
		n++;
	if (n >= CLIENTS_MAX || !end_is(&k->listener, END_IN))
		return false;
	fd = accept4(k->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
		return true;
	if (fd < 0) {
		k->listener.ready = 0;
		return false;
	}
	c = calloc(1, sizeof(*c));
	if (!c || !end_open(&c->end, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP)) {
		free(c);
		close(fd);
		return true;
	}
	c->next = k->clients;
	k->clients = c;
	return true;
}

/*
 * What we say
 */

static printf_fn(2, 3) void
say(struct keepcli *c, const char *fmt, ...)
{
	uint8_t *p = c->out + c->from + c->len;
	size_t room = sizeof(c->out) - c->from - c->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf((char *)p + FRAME_HEAD,
	    room > FRAME_HEAD ? room - FRAME_HEAD : 0, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + FRAME_HEAD >= room)
		return; /* there is room for each that is said */
	frame_put_head(p, CH_CONTROL, (uint32_t)n);
	c->len += FRAME_HEAD + (size_t)n;
}

static void
say_done(struct keepcli *c)
{
	say(c, "{\"exit\":0}");
	c->is = OVER;
}

static printf_fn(2, 3) void
fail(struct keepcli *c, const char *fmt, ...)
{
	char text[256], inside[600];
	size_t len = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_escape(inside, sizeof(inside), &len, text);
	say(c, "{\"v\":%d,\"type\":\"error\",\"error\":\"%s\"}",
	    AGENT_VERSION, inside);
	c->is = OVER;
}

/*
 * Who is attached
 */

static void
note_attached(struct keeper *k, const char *who)
{
	char inside[6 * WHO_MAX + 8], text[sizeof(inside) + 100];
	size_t len = 0;
	int n;

	json_escape(inside, sizeof(inside), &len, who);
	n = snprintf(text, sizeof(text), "{\"who\":\"%s\",\"since\":%lld}",
	    inside, (long long)time(NULL));
	file_note(k->dir, "attached", text, (size_t)n, 0600);
}

static void
say_busy(struct keeper *k, struct keepcli *c)
{
	autofree char *text = NULL;
	char who[WHO_MAX + 1];

	if (file_slurp(k->dir, "attached", 4096, &text, NULL) ||
	    json_str(json_get(text, "who"), who, sizeof(who)) <= 0)
		snprintf(who, sizeof(who), "somebody");
	fail(c, "session '%s' is attached already, by %s", k->name, who);
}

/* Where this client goes on; how many bytes before that are lost to it. */
static uint64_t
begin_at(struct keeper *k, int i, const char *asked)
{
	uint64_t total = k->ring[i].total;
	uint64_t oldest = total > RING_KEPT ? total - RING_KEPT : 0;
	uint64_t at = (uint64_t)json_int(asked, 0, INT64_MAX,
	    (int64_t)k->at[i]);

	k->at[i] = at < oldest ? oldest : at > total ? total : at;
	return at < oldest ? oldest - at : 0;
}

static void
resize(struct keeper *k, const char *request)
{
	const char *rows = json_get(request, "rows");

	if (rows)
		job_resize(k->job, (unsigned short)json_int(rows, 1, 65535, 24),
		    (unsigned short)json_int(json_get(request, "cols"), 1,
		    65535, 80));
}

static void
attach(struct keeper *k, struct keepcli *c, const char *request)
{
	char who[WHO_MAX + 1];
	uint64_t lost[2];

	if (!k->input) {
		fail(c, "session '%s' is detached: its input is not a pipe",
		    k->name);
		return;
	}
	if (k->attached) {
		say_busy(k, c);
		return;
	}
	if (json_str(json_get(request, "who"), who, sizeof(who)) <= 0)
		snprintf(who, sizeof(who), "somebody");
	k->attached = c;
	c->is = ATTACHED;
	note_attached(k, who);
	lost[0] = begin_at(k, 0, json_get(request, "stdout"));
	lost[1] = begin_at(k, 1, json_get(request, "stderr"));
	say(c, "{\"v\":%d,\"type\":\"attached\",\"tty\":%s,"
	    "\"stdout\":%llu,\"stderr\":%llu,\"lost\":%llu}", AGENT_VERSION,
	    k->tty ? "true" : "false", (unsigned long long)k->at[0],
	    (unsigned long long)k->at[1],
	    (unsigned long long)(lost[0] + lost[1]));
	resize(k, request);
	/* What fills the screen draws it for who has not seen it yet. */
	if (k->tty)
		job_signal(k->job, SIGWINCH);
}

/*
 * What they want
 */

static void
begin(struct keeper *k, struct keepcli *c, const char *request)
{
	char op[24] = "";
	int sig;

	json_str(json_get(request, "op"), op, sizeof(op));
	if (!strcmp(op, "session.attach")) {
		attach(k, c, request);
	} else if (!strcmp(op, "session.send")) {
		c->is = SENDING;
		c->eof = json_true(json_get(request, "eof"));
		if (!k->input)
			fail(c, "session '%s' is detached: its input is not a "
			    "pipe", k->name);
		else
			say(c, "{\"v\":%d}", AGENT_VERSION);
	} else if (!strcmp(op, "session.stop")) {
		say(c, "{\"v\":%d}", AGENT_VERSION);
		c->is = WAITING;
		keeper_stop(k, json_int(json_get(request, "seconds"), 0, 3600,
		    10));
	} else if (!strcmp(op, "session.kill")) {
		say(c, "{\"v\":%d}", AGENT_VERSION);
		c->is = WAITING;
		sig = (int)json_int(json_get(request, "signal"), 1, 64,
		    SIGKILL);
		if (sig == SIGKILL) {
			job_kill(k->job);
		} else {
			job_signal(k->job, sig);
			say_done(c);
		}
	} else {
		fail(c, "malformed request");
	}
}

static void
control(struct keeper *k, struct keepcli *c, const char *text, size_t n)
{
	int sig;

	if (!json_ok(text, n)) {
		fail(c, "malformed request");
	} else if (c->is == ASKING) {
		begin(k, c, text);
	} else if (c->is == ATTACHED) {
		resize(k, text);
		sig = (int)json_int(json_get(text, "signal"), 1, 64, 0);
		if (sig)
			job_signal(k->job, sig);
	}
}

/* A frame of input. False when the command has not taken all of it yet. */
static bool
input(struct keeper *k, struct keepcli *c, const uint8_t *p, size_t n)
{
	struct end *in = &k->job->in;

	if (k->writer && k->writer != c)
		return false;
	k->writer = c;
	while (c->done < n && end_is(in, END_OUT)) {
		ssize_t w = write(in->fd, p + c->done, n - c->done);

		if (w >= 0)
			c->done += (size_t)w;
		else if (errno == EAGAIN)
			in->ready &= (uint32_t)~END_OUT;
		else if (errno != EINTR)
			end_close(in);
	}
	if (in->fd >= 0 && c->done < n)
		return false;
	if (c->is == SENDING && c->done < n)
		fail(c, "session '%s' does not read its input any more",
		    k->name);
	else if (!n && (c->is == ATTACHED || c->eof))
		job_input_end(k->job);
	if (!n && c->is == SENDING)
		say_done(c);
	k->writer = NULL;
	c->done = 0;
	return true;
}

/* A whole frame is there. False when it has to wait. */
static bool
handle(struct keeper *k, struct keepcli *c)
{
	uint8_t *p = c->in + FRAME_HEAD;
	size_t n = c->have - FRAME_HEAD;

	if (c->in[0] == CH_STDIN && (c->is == ATTACHED || c->is == SENDING))
		return input(k, c, p, n);
	p[n] = '\0';
	if (c->in[0] == CH_CONTROL)
		control(k, c, (const char *)p, n);
	else
		fail(c, "unexpected frame");
	return true;
}

/* How many bytes the frame in `in` still lacks; 0: it is whole, -1: broken. */
static long
lacks(const struct keepcli *c)
{
	struct frame_in head = { .have = 0 };

	if (c->have < FRAME_HEAD)
		return (long)(FRAME_HEAD - c->have);
	if (frame_head(&head, c->in, FRAME_HEAD) < 0)
		return -1;
	return (long)head.left - (long)(c->have - FRAME_HEAD);
}

/* Whether something was done; *ret_gone when the client has closed. */
static bool
receive(struct keeper *k, struct keepcli *c, bool *ret_gone)
{
	long want;
	ssize_t n;

	if (c->is == OVER)
		c->have = 0; /* what it still says is not read */
	want = c->is == OVER ? FRAME_MAX : lacks(c);
	if (want < 0) {
		fail(c, "malformed frame");
		return true;
	}
	if (!want) {
		/* Nobody waits for what the command does not take. */
		if (!handle(k, c)) {
			*ret_gone = end_is(&c->end, END_IN & ~EPOLLIN);
			return *ret_gone;
		}
		c->have = 0;
		return true;
	}
	if (!end_is(&c->end, END_IN))
		return false;
	n = read(c->end.fd, c->in + c->have, (size_t)want);
	if (n > 0) {
		c->have += (size_t)n;
		return true;
	}
	if (n < 0 && errno == EAGAIN) {
		c->end.ready &= (uint32_t)~END_IN;
		return false;
	}
	*ret_gone = n == 0 || errno != EINTR;
	return true;
}

/*
 * What they get
 */

/* The next frame for who is attached, when there is one. */
static void
fill(struct keeper *k, struct keepcli *c)
{
	uint8_t *p = c->out + FRAME_HEAD;
	int status;

	for (int i = 0; i < 2; i++) {
		ssize_t n = k->ring[i].fd < 0 ? 0 :
		    ring_get(&k->ring[i], &k->at[i], p, SEND_CHUNK);

		if (n <= 0)
			continue;
		frame_put_head(c->out, i ? CH_STDERR : CH_STDOUT, (uint32_t)n);
		c->len = FRAME_HEAD + (size_t)n;
		return;
	}
	if (!k->over)
		return;
	status = k->job->status;
	say(c, "{\"type\":\"exit\",\"exit_code\":%d,\"exit\":%d}", status,
	    status);
	c->is = OVER;
}

static bool
transmit(struct keeper *k, struct keepcli *c, bool *ret_gone)
{
	ssize_t n;

	if (!c->len) {
		c->from = 0;
		if (c->is == ATTACHED)
			fill(k, c);
		else if (c->is == WAITING && k->over)
			say_done(c);
	}
	if (!c->len && c->is == OVER)
		*ret_gone = true;
	if (!c->len || !end_is(&c->end, END_OUT))
		return *ret_gone;
	n = send(c->end.fd, c->out + c->from, c->len, MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN) {
		c->end.ready &= (uint32_t)~END_OUT;
		return false;
	}
	if (n < 0) {
		*ret_gone = errno != EINTR;
		return true;
	}
	c->from += (size_t)n;
	c->len -= (size_t)n;
	return true;
}

static void
forget(struct keeper *k, struct keepcli *c)
{
	if (k->attached == c) {
		k->attached = NULL;
		unlinkat(k->dir, "attached", 0);
	}
	if (k->writer == c)
		k->writer = NULL;
	end_close(&c->end);
	free(c);
}

bool
keepcli_serve(struct keeper *k)
{
	struct keepcli **at = &k->clients, *c;
	bool did = false;

	while ((c = *at)) {
		bool gone = false;

		did |= receive(k, c, &gone);
		if (!gone)
			did |= transmit(k, c, &gone);
		if (!gone) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		forget(k, c);
	}
	return did;
}
