/* frame.h - the framing between bng-agent and the agent in a machine
 *
 * One connection carries one request as frames of 1 byte channel, 4 bytes
 * big-endian length and a payload; doc/agent-protocol.md says what they mean.
 * No I/O and no allocation here.
 */
#ifndef BNG_FRAME_H
#define BNG_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	FRAME_HEAD = 5,
	FRAME_MAX = 65536,	/* bytes of payload */
	FRAME_WIDE = 524288,	/* of an agent's stdout or stderr */
	/*
	 * Of a request: what a kernel takes as arguments and environment, 2 MiB
	 * with the usual stack, when each byte is one that JSON escapes.
	 */
	REQUEST_MAX = 4 << 20,
	AGENT_VERSION = 1,
};

enum frame_channel { CH_STDIN = 1, CH_STDOUT, CH_STDERR, CH_CONTROL };

/* The receiving half of a connection; all zeros is a fresh one. */
struct frame_in {
	uint8_t head[FRAME_HEAD];
	uint8_t have;		/* bytes of head that are there */
	uint8_t channel;	/* once have == FRAME_HEAD */
	bool request;		/* the next control frame may be REQUEST_MAX */
	bool answer;		/* what an agent sends: output may be wide */
	uint32_t left;		/* bytes of payload still to come */
};

/* Whether the header is whole, so that payload comes next. */
static inline bool
frame_begun(const struct frame_in *in)
{
	return in->have == FRAME_HEAD;
}

/*
 * Take what is missing of a header from n bytes. How many were taken, or
 * -EPROTO for an unknown channel or a length over FRAME_MAX; over REQUEST_MAX
 * where a request is due, over FRAME_WIDE for the output in an answer.
 */
ssize_t frame_head(struct frame_in *in, const uint8_t *p, size_t n);

/*
 * n bytes of payload, at most in->left, were consumed (0 for an empty frame).
 * True when that was the end of the frame.
 */
bool frame_took(struct frame_in *in, size_t n);

void frame_put_head(uint8_t out[FRAME_HEAD], enum frame_channel channel,
    uint32_t len);

#endif
