/* mux.c - many streams over one virtio-serial port; see mux.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <string.h>

#include "be.h"
#include "clean.h"
#include "mux.h"

static const char magic[8] = { 'b', 'n', 'g', 'm', 'u', 'x', '0', '1' };

/* Bytes that follow the header before the frame can be acted on. */
static int
body_size(uint8_t type, uint32_t len)
{
	static const uint8_t want[] = {
		[MUX_T_HELLO] = MUX_HELLO - MUX_HEAD,
		[MUX_T_OPEN] = 4,
		[MUX_T_CREDIT] = 4,
		[MUX_T_CLOSE] = 0,
	};

	if (type == MUX_T_DATA)
		return len >= 1 && len <= MUX_MOST ? 0 : -EPROTO;
	if (type == MUX_T_PAD || type >= sizeof(want) || len != want[type])
		return -EPROTO;
	return want[type];
}

/* A whole header, and its body unless it is DATA. */
static int
act(struct mux_in *in, const struct mux_events *ev, void *ctx)
{
	const uint8_t *body = in->head + MUX_HEAD;
	uint16_t stream = get_be16(in->head + 2);

	switch (in->head[0]) {
	case MUX_T_HELLO:
		if (memcmp(body, magic, sizeof(magic)))
			return -EPROTO;
		return ev->hello(ctx, body + sizeof(magic));
	case MUX_T_OPEN:
		return ev->open(ctx, stream, get_be32(body));
	case MUX_T_CREDIT:
		return ev->credit(ctx, stream, get_be32(body));
	case MUX_T_CLOSE:
		return ev->close(ctx, stream);
	default:
		in->stream = stream;
		in->left = get_be32(in->head + 4);
		return 0;
	}
}

int
mux_feed(struct mux_in *in, const void *buf, size_t len,
    const struct mux_events *ev, void *ctx)
{
	const uint8_t *p = buf;

	while (len) {
		size_t n, need = MUX_HEAD;
		int r;

		if (in->left) {
			n = min_size(len, in->left);
			in->left -= (uint32_t)n;
			r = ev->data(ctx, in->stream, p, n);
			p += n;
			len -= n;
			if (r)
				return r;
			continue;
		}
		if (!in->have && *p == MUX_T_PAD) {
			p++;
			len--;
			continue;
		}
		if (in->have >= MUX_HEAD)
			need += (size_t)body_size(in->head[0],
			    get_be32(in->head + 4));
		n = min_size(len, need - in->have);
		memcpy(in->head + in->have, p, n);
		in->have += n;
		p += n;
		len -= n;
		if (in->have < MUX_HEAD)
			continue;
		r = body_size(in->head[0], get_be32(in->head + 4));
		if (r < 0)
			return r;
		if (in->have < MUX_HEAD + (size_t)r)
			continue;
		in->have = 0;
		r = act(in, ev, ctx);
		if (r)
			return r;
	}
	return 0;
}

size_t
mux_seek(struct mux_in *in, const void *buf, size_t len,
    uint8_t ret_nonce[MUX_NONCE], bool *ret_found)
{
	const size_t fixed = MUX_HELLO - MUX_NONCE;
	uint8_t want[MUX_HELLO];
	const uint8_t *p = buf;

	mux_put_hello(want, (const uint8_t[MUX_NONCE]){ 0 });
	in->left = 0;
	for (size_t i = 0; i < len; i++) {
		/* want[0] occurs nowhere else in the fixed part. */
		if (in->have < fixed && p[i] != want[in->have])
			in->have = 0;
		if (in->have || p[i] == want[0])
			in->head[in->have++] = p[i];
		if (in->have < MUX_HELLO)
			continue;
		memcpy(ret_nonce, in->head + fixed, MUX_NONCE);
		in->have = 0;
		*ret_found = true;
		return i + 1;
	}
	*ret_found = false;
	return len;
}

size_t
mux_put_head(uint8_t *out, enum mux_type type, uint16_t stream, uint32_t len)
{
	out[0] = (uint8_t)type;
	out[1] = 0;
	put_be16(out + 2, stream);
	put_be32(out + 4, len);
	return MUX_HEAD;
}

size_t
mux_put_u32(uint8_t *out, enum mux_type type, uint16_t stream, uint32_t value)
{
	mux_put_head(out, type, stream, sizeof(value));
	put_be32(out + MUX_HEAD, value);
	return MUX_HEAD + sizeof(value);
}

size_t
mux_put_hello(uint8_t *out, const uint8_t nonce[MUX_NONCE])
{
	mux_put_head(out, MUX_T_HELLO, 0, MUX_HELLO - MUX_HEAD);
	memcpy(out + MUX_HEAD, magic, sizeof(magic));
	memcpy(out + MUX_HEAD + sizeof(magic), nonce, MUX_NONCE);
	return MUX_HELLO;
}

size_t
mux_put_sync(uint8_t *out, const uint8_t nonce[MUX_NONCE])
{
	memset(out, MUX_T_PAD, MUX_FRAME);
	return MUX_FRAME + mux_put_hello(out + MUX_FRAME, nonce);
}

void
mux_window_init(struct mux_window *w)
{
	w->send = w->recv = w->send_max = w->recv_max = MUX_WINDOW;
}

int
mux_window_got(struct mux_window *w, size_t n)
{
	if (n > w->recv)
		return -EPROTO;
	w->recv -= (uint32_t)n;
	return 0;
}

int
mux_window_grant(struct mux_window *w, uint32_t n)
{
	if (n > w->send_max - w->send)
		return -EPROTO;
	w->send += n;
	return 0;
}

static uint32_t
wider(uint32_t max)
{
	return max < MUX_WIDE ? MUX_WIDE : MUX_WIDEST;
}

void
mux_window_ask(struct mux_window *w)
{
	w->send_max = wider(w->send_max);
}

uint32_t
mux_window_widen(struct mux_window *w)
{
	uint32_t more = wider(w->recv_max) - w->recv_max;

	w->recv_max += more;
	w->recv += more;
	return more;
}

uint32_t
mux_window_due(struct mux_window *w, size_t buffered)
{
	uint32_t due = w->recv_max - w->recv - (uint32_t)buffered;

	if (due < w->recv_max / 2)
		return 0;
	w->recv += due;
	return due;
}
