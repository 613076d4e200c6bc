/* mux.h - many streams over one virtio-serial port
 *
 * QEMU gives a guest no vsock without a kernel module on the host, so its
 * connections to the agent share one virtio-serial port. The supervisor (host)
 * and the agent (guest) speak this link layer on it. It does no I/O and
 * allocates nothing: bytes go in, events come out.
 *
 *   header  1 byte type, 1 byte zero, 2 bytes stream, 4 bytes length, all
 *           big endian
 *   PAD     type 0, a single byte, no header: ignored
 *   HELLO   magic "bngmux01", 16 bytes nonce: forget every stream
 *   OPEN    4 bytes port: the host opens this stream towards it
 *   DATA    bytes
 *   CREDIT  4 bytes: so many more bytes of DATA may be sent; 0, from the
 *           agent: it would send more at once than it may
 *   CLOSE   empty: nothing more in either direction
 *
 * 1. Only the host opens. A stream number is free again when CLOSE has been
 *    both sent and received.
 * 2. Each direction of a stream starts with MUX_WINDOW bytes of credit; DATA
 *    beyond it breaks the protocol. The host widens that of a stream whose
 *    agent asks for it to MUX_WIDE, and when it asks again to MUX_WIDEST,
 *    unless too many are wide; an agent of before asks once or not at all. A
 *    receiver thus never buffers more than that a stream, and a stalled stream
 *    never blocks another.
 * 3. A new agent sends mux_sync with a nonce of zeros, whose PAD flushes
 *    whatever half frame the peer was reading: MUX_FRAME bytes, as long as the
 *    host's frames are at most. An agent, whose DATA may be MUX_MOST, puts as
 *    much more in front. The host answers HELLO with a fresh nonce, the agent
 *    returns that HELLO; from there on both are in step. The host may start
 *    the same exchange (after a restore) with a mux_sync of its own. Until the
 *    nonce has come back the host ignores everything but HELLO.
 */
#ifndef BNG_MUX_H
#define BNG_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MUX_HEAD = 8,
	MUX_FRAME = 32768,	/* header and payload; one virtio write */
	MUX_DATA = MUX_FRAME - MUX_HEAD,
	MUX_MOST = 524288 + 16,	/* payload that an agent may send at once */
	MUX_WINDOW = 131072,
	MUX_WIDE = 524288,
	MUX_WIDEST = 1048576,
	MUX_NONCE = 16,
	MUX_HELLO = MUX_HEAD + 8 + MUX_NONCE,
	MUX_SYNC = MUX_FRAME + MUX_HELLO,
};

enum mux_type { MUX_T_PAD, MUX_T_HELLO, MUX_T_OPEN, MUX_T_DATA, MUX_T_CREDIT,
	MUX_T_CLOSE };

/* What mux_feed calls; each returns 0, or -errno to stop the feeding. */
struct mux_events {
	int (*hello)(void *ctx, const uint8_t nonce[MUX_NONCE]);
	int (*open)(void *ctx, uint16_t stream, uint32_t port);
	int (*data)(void *ctx, uint16_t stream, const uint8_t *p, size_t n);
	int (*credit)(void *ctx, uint16_t stream, uint32_t n);
	int (*close)(void *ctx, uint16_t stream);
};

/* The receiving half of a link; all zeros is a fresh one. */
struct mux_in {
	uint8_t head[MUX_HELLO];
	size_t have;		/* bytes of head that are there */
	uint32_t left;		/* bytes of DATA still to come */
	uint16_t stream;	/* whose they are */
};

/*
 * Take len bytes from the link; DATA is passed on as it comes, in pieces.
 * 0, -EPROTO for what the protocol forbids, or what an event returned.
 */
int mux_feed(struct mux_in *in, const void *buf, size_t len,
    const struct mux_events *ev, void *ctx);

/*
 * For who is not in step yet (in zeroed): skip all up to the next HELLO.
 * Returns how many bytes it took; *ret_found says that the nonce is there,
 * from where on mux_feed goes on with the rest.
 */
size_t mux_seek(struct mux_in *in, const void *buf, size_t len,
    uint8_t ret_nonce[MUX_NONCE], bool *ret_found);

/* Frames to send; each returns how many bytes it wrote to out. */
size_t mux_put_head(uint8_t *out, enum mux_type type, uint16_t stream,
    uint32_t len);
size_t mux_put_u32(uint8_t *out, enum mux_type type, uint16_t stream,
    uint32_t value);	/* OPEN, CREDIT */
size_t mux_put_hello(uint8_t *out, const uint8_t nonce[MUX_NONCE]);
size_t mux_put_sync(uint8_t *out, const uint8_t nonce[MUX_NONCE]);

/* One stream's credit, both ways. */
struct mux_window {
	uint32_t send;		/* bytes that may still be sent */
	uint32_t recv;		/* bytes that the peer may still send */
	uint32_t send_max, recv_max;	/* what they are at first */
};

void mux_window_init(struct mux_window *w);

/* n bytes arrived. 0, or -EPROTO when the peer had no credit for them. */
int mux_window_got(struct mux_window *w, size_t n);

/* The peer grants n more. 0, or -EPROTO when that exceeds the window. */
int mux_window_grant(struct mux_window *w, uint32_t n);

/* The agent is about to ask for more: that may be granted from now on. */
void mux_window_ask(struct mux_window *w);

/* The agent has asked once: how much more credit to send now, perhaps 0. */
uint32_t mux_window_widen(struct mux_window *w);

/*
 * `buffered` received bytes are still unconsumed here. How much credit to
 * send now: 0 until at least half of the window can be given back at once.
 */
uint32_t mux_window_due(struct mux_window *w, size_t buffered);

#endif
