/* conn.h - one connection: one request and its answer
 *
 * 1. It is open until both sides said so (CLOSE on a mux; the end of a plain
 *    socket). A client that is gone takes its job with it.
 * 2. Nothing is read from a job that could not be sent at once; nothing is
 *    granted to the client that its job has not taken.
 */
#ifndef AGENT_CONN_H
#define AGENT_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clean.h"
#include "frame.h"
#include "job.h"
#include "mux.h"
#include "wire.h"

enum {
	CONNS_MAX = 256,
	SAY_MAX = 1024,		/* control frames waiting to be sent */
	CONTROL_MAX = 8 * REQUEST_MAX,	/* of all that are being received */
};

struct conn {
	struct conn *next;
	struct wire *wire;
	bool muxed;		/* shares the wire with others */
	uint16_t stream;	/* its number there */
	struct mux_window window;

	bool deaf;		/* the client closed */
	bool last;		/* after what is in say comes CLOSE */
	bool failed;		/* by what the client sent, or by our lack */
	bool closed;		/* we sent CLOSE */

	struct frame_in in;
	bool begun;		/* the request was read */
	char *control;		/* a control frame being put together */
	size_t control_len, control_size;
	uint8_t *late;		/* received, but not taken by the job yet */
	size_t late_from, late_len;

	size_t said, say_len;
	uint8_t say[SAY_MAX];

	struct job *job;
	bool connecting;	/* dial: the socket is not connected yet */
	bool raw;		/* the peer of the socket speaks for itself */
	void (*on_success)(void);	/* called when the job ends with 0 */
};

/* NULL when there are too many. */
struct conn *conn_open(struct wire *w, bool muxed, uint16_t stream);

struct conn *conn_find(uint16_t stream);

/* Bytes from the client. */
void conn_data(struct conn *c, const uint8_t *p, size_t n);

/* n bytes of what it is sent were put on the wire: at p, which wire_room gave,
 * with room for a MUX_HEAD in front where it is muxed. */
void conn_sent(struct conn *c, uint8_t *p, size_t n);

/* The client closed. */
void conn_hangup(struct conn *c);

/* This one is over, whatever its client thinks; c is freed. */
void conn_drop(struct conn *c);

/* Every client is gone; what they were told last is not needed. */
void conns_drop(void);

/* Do whatever can be done now; true when there is more to do at once. */
bool conns_pump(void);

/* Put one control frame, a JSON object, behind what is to be said. */
printf_fn(2, 3) void conn_say(struct conn *c, const char *fmt, ...);

/* The same, being the last that is said. */
printf_fn(2, 3) void conn_end(struct conn *c, const char *fmt, ...);

/* {"error": ...} and nothing more. */
printf_fn(2, 3) void conn_fail(struct conn *c, const char *fmt, ...);

#endif
