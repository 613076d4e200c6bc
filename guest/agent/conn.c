/* conn.c - one connection: one request and its answer; see conn.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "json.h"
#include "ops.h"
#include "output.h"

static struct conn *conns;
static unsigned int n_conns;
static size_t n_control;	/* bytes that all their control frames take */

struct conn *
conn_open(struct wire *w, bool muxed, uint16_t stream)
{
	struct conn *c = n_conns < CONNS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->wire = w;
	c->muxed = muxed;
	c->stream = stream;
	c->in.request = true;
	mux_window_init(&c->window);
	c->next = conns;
	conns = c;
	n_conns++;
	return c;
}

struct conn *
conn_find(uint16_t stream)
{
	struct conn *c = conns;

	/* One that both sides have closed is only waiting to be freed. */
	while (c && (c->stream != stream || (c->closed && c->deaf)))
		c = c->next;
	return c;
}

static void
control_free(struct conn *c)
{
	free(steal(&c->control));
	n_control -= c->control_size;
	c->control_len = c->control_size = 0;
}

static void
conn_free(struct conn *c)
{
	if (c->job)
		job_abandon(c->job);
	control_free(c);
	free(c->late);
	free(c);
	n_conns--;
}

static void
say(struct conn *c, const char *fmt, va_list ap)
{
	uint8_t *p = c->say + c->say_len;
	size_t room = SAY_MAX - c->say_len;
	int n;

	if (room <= FRAME_HEAD)
		return;
	n = vsnprintf((char *)p + FRAME_HEAD, room - FRAME_HEAD, fmt, ap);
	if (n < 0 || (size_t)n >= room - FRAME_HEAD)
		return; /* a request has two answers at most: never full */
	frame_put_head(p, CH_CONTROL, (uint32_t)n);
	c->say_len += FRAME_HEAD + (size_t)n;
}

void
conn_say(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
}

void
conn_end(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	c->last = true;
}

void
conn_fail(struct conn *c, const char *fmt, ...)
{
	char text[256], inside[400];
	size_t len = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_escape(inside, sizeof(inside), &len, text);
	conn_end(c, "{\"v\":%d,\"error\":\"%s\",\"type\":\"error\"}",
	    AGENT_VERSION, inside);
	c->failed = true;
}

/*
 * Receiving
 */

/* A whole control frame. */
static void
control(struct conn *c)
{
	const char *v, *text = c->control;

	c->control[c->control_len] = '\0';
	if (!json_ok(text, c->control_len)) {
		conn_fail(c, "malformed request");
	} else if (!c->begun) {
		c->begun = true;
		c->in.request = false;
		op_start(c, text);
	} else if (c->job) {
		v = json_get(text, "signal");
		if (v)
			job_signal(c->job, (int)json_int(v, 1, 64, 0));
		v = json_get(text, "rows");
		if (v)
			job_resize(c->job,
			    (unsigned short)json_int(v, 0, 65535, 24),
			    (unsigned short)json_int(json_get(text, "cols"), 0,
			    65535, 80));
	}
	control_free(c);
}

static bool
control_alloc(struct conn *c)
{
	size_t size = (size_t)c->in.left + 1;

	if (n_control + size > CONTROL_MAX)
		return false;
	c->control = malloc(size);
	if (!c->control)
		return false;
	c->control_size = size;
	n_control += size;
	return true;
}

/* A piece of a control frame; n of in->left bytes are there. */
static size_t
take_control(struct conn *c, const uint8_t *p, size_t n)
{
	if (!c->control && !control_alloc(c)) {
		conn_fail(c, "out of memory");
		return n;
	}
	memcpy(c->control + c->control_len, p, n);
	c->control_len += n;
	if (n == c->in.left)
		control(c);
	return n;
}

/* Give the job n bytes. How much of it was taken. */
static size_t
give(struct job *j, const uint8_t *p, size_t n)
{
	size_t done = 0;

	if (!j || j->in.fd < 0)
		return n; /* nobody wants it */
	while (done < n && end_is(&j->in, END_OUT)) {
		ssize_t r = write(j->in.fd, p + done, n - done);

		if (r >= 0) {
			done += (size_t)r;
		} else if (errno == EAGAIN) {
			j->in.ready &= (uint32_t)~END_OUT;
		} else if (errno != EINTR) {
			end_close(&j->in);
			return n;
		}
	}
	return done;
}

/* A piece of the job's input. How much of it was taken. */
static size_t
take_input(struct conn *c, const uint8_t *p, size_t n)
{
	if (c->job && !c->in.left)
		job_input_end(c->job);
	return give(c->job, p, n);
}

/* Take what can be taken of n bytes; how many that were. */
static size_t
take(struct conn *c, const uint8_t *p, size_t n)
{
	size_t used = 0, part, took;

	while (!c->last) {
		if (c->raw)
			return used + give(c->job, p + used, n - used);
		if (!frame_begun(&c->in)) {
			ssize_t r = frame_head(&c->in, p + used, n - used);

			if (r < 0) {
				conn_fail(c, "malformed frame");
				break;
			}
			used += (size_t)r;
			if (!frame_begun(&c->in))
				return used;
		}
		part = min_size(n - used, c->in.left);
		if ((!part && c->in.left) ||
		    (c->connecting && c->in.channel == CH_STDIN))
			return used;
		if (c->in.channel == CH_CONTROL) {
			took = take_control(c, p + used, part);
		} else if (c->in.channel == CH_STDIN && c->begun) {
			took = take_input(c, p + used, part);
		} else {
			conn_fail(c, "unexpected frame");
			break;
		}
		used += took;
		frame_took(&c->in, took);
		if (took < part)
			return used;
	}
	return n;
}

void
conn_data(struct conn *c, const uint8_t *p, size_t n)
{
	size_t used = c->late_len ? 0 : take(c, p, n);

	if (used == n)
		return;
	if (!c->late)
		c->late = malloc(MUX_WINDOW);
	if (!c->late) {
		conn_fail(c, "out of memory");
		return;
	}
	if (c->late_from + c->late_len + (n - used) > MUX_WINDOW) {
		memmove(c->late, c->late + c->late_from, c->late_len);
		c->late_from = 0;
	}
	/* The window keeps the sum below MUX_WINDOW. */
	memcpy(c->late + c->late_from + c->late_len, p + used, n - used);
	c->late_len += n - used;
}

void
conn_hangup(struct conn *c)
{
	c->deaf = c->last = true;
	c->say_len = c->said = 0;
	c->late_len = 0;
	if (c->job)
		job_abandon(steal(&c->job));
}

void
conn_drop(struct conn *c)
{
	struct conn **at = &conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	conn_free(c);
}

void
conns_drop(void)
{
	while (conns) {
		struct conn *c = conns;

		conns = c->next;
		conn_free(c);
	}
}

/*
 * Sending
 */

/* How many bytes this connection may send in a frame, to be put at *ret_p. */
static size_t
room_for(struct conn *c, uint8_t **ret_p)
{
	size_t room = min_size(wire_room(c->wire, ret_p), MUX_FRAME);

	if (!c->muxed)
		return room;
	if (room <= MUX_HEAD)
		return 0;
	*ret_p += MUX_HEAD;
	return min_size(room - MUX_HEAD, c->window.send);
}

void
conn_sent(struct conn *c, uint8_t *p, size_t n)
{
	if (c->muxed) {
		mux_put_head(p - MUX_HEAD, MUX_T_DATA, c->stream, (uint32_t)n);
		c->window.send -= (uint32_t)n;
		n += MUX_HEAD;
	}
	wire_put(c->wire, n);
}

/* What is to be said goes before any output. */
static bool
pump_say(struct conn *c)
{
	uint8_t *p;
	size_t n = room_for(c, &p);

	n = min_size(n, c->say_len - c->said);
	if (!n)
		return false;
	memcpy(p, c->say + c->said, n);
	conn_sent(c, p, n);
	c->said += n;
	if (c->said == c->say_len)
		c->said = c->say_len = 0;
	return true;
}

/* Move what the peer of a raw connection sent; its end is ours. */
static bool
pump_raw(struct conn *c)
{
	struct end *e = &c->job->out;
	uint8_t *p;
	size_t room = end_is(e, END_IN) ? room_for(c, &p) : 0;
	ssize_t n;

	if (!room)
		return false;
	n = read(e->fd, p, room);
	if (n < 0 && errno == EAGAIN) {
		e->ready = 0;
		return false;
	}
	if (n > 0) {
		conn_sent(c, p, (size_t)n);
	} else if (!n || errno != EINTR) {
		job_free(steal(&c->job));
		c->last = true;
	}
	return true;
}

static void
dial_connected(struct conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (!end_is(&c->job->in, END_OUT | EPOLLHUP))
		return;
	c->connecting = false;
	getsockopt(c->job->in.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (!err) {
		conn_say(c, "{\"v\":%d}", AGENT_VERSION);
		if (frame_begun(&c->in) && !c->in.left)
			take(c, c->say, 0); /* its input has ended already */
		return;
	}
	conn_fail(c, "cannot connect: %s", strerror(err));
	job_free(steal(&c->job));
}

/* Whether the job is over and all it wrote has been read. */
static bool
job_over(struct job *j)
{
	if (!j->pid)
		return j->in.fd < 0 && j->out.fd < 0;
	return j->ended && !end_is(&j->out, END_IN) &&
	    !end_is(&j->err, END_IN);
}

static bool
pump_job(struct conn *c)
{
	struct job *j = c->job;
	bool did;

	if (c->raw)
		return pump_raw(c);
	if (c->connecting) {
		dial_connected(c);
		return !c->connecting;
	}
	did = output_pump(c, &j->out, CH_STDOUT);
	did |= output_pump(c, &j->err, CH_STDERR);
	did |= job_check(j);
	if (did || !job_over(j))
		return did;
	if (!j->status && c->on_success)
		c->on_success();
	conn_end(c, "{\"exit\":%d}", j->status);
	job_free(steal(&c->job));
	return true;
}

static bool
pump_close(struct conn *c)
{
	uint8_t *p;

	if (c->muxed) {
		if (wire_room(c->wire, &p) < MUX_HEAD)
			return false;
		wire_put(c->wire, mux_put_head(p, MUX_T_CLOSE, c->stream, 0));
	}
	if (c->job)
		job_abandon(steal(&c->job));
	free(steal(&c->late));
	c->late_len = 0;
	c->closed = true;
	return true;
}

/* Hand on what came late, and let the client send as much again. */
static bool
pump_input(struct conn *c)
{
	uint8_t *p;
	uint32_t due;
	bool ask;
	size_t used = 0;

	if (c->late_len && (c->last || !c->job ||
	    c->job->in.fd < 0 || end_is(&c->job->in, END_OUT))) {
		used = take(c, c->late + c->late_from, c->late_len);
		c->late_from += used;
		c->late_len -= used;
		if (!c->late_len)
			c->late_from = 0;
	}
	if (!c->muxed || c->closed || wire_room(c->wire, &p) < MUX_HEAD + 4)
		return used;
	due = mux_window_due(&c->window, c->late_len);
	/* Who has sent so much will send more: it would wait for credit. */
	ask = !due && c->window.send < MUX_WINDOW / 2 &&
	    c->window.send_max < MUX_WIDEST;
	if (ask)
		mux_window_ask(&c->window);
	if (due || ask)
		wire_put(c->wire, mux_put_u32(p, MUX_T_CREDIT, c->stream, due));
	return used;
}

static bool
pump(struct conn *c)
{
	bool did = pump_input(c);

	if (c->closed)
		return false;
	if (c->say_len)
		did |= pump_say(c);
	if (c->say_len)
		return did;
	if (c->job && !c->last)
		did |= pump_job(c);
	else if (c->last)
		did |= pump_close(c);
	return did;
}

bool
conns_pump(void)
{
	struct conn **at = &conns, *c;
	bool did = false;

	while ((c = *at)) {
		did |= pump(c);
		if (c->closed && c->deaf) {
			*at = c->next;
			conn_free(c);
		} else {
			at = &c->next;
		}
	}
	return did;
}
