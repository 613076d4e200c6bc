/* mux - fuzz the link layer: the same events, however the bytes are cut
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "../../lib/mux.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number that depends on every event and every byte of it, in order. */
static void
note(void *ctx, uint64_t v)
{
	uint64_t *sum = ctx;

	*sum = *sum * 31 + v;
}

static int
on_hello(void *ctx, const uint8_t nonce[MUX_NONCE])
{
	note(ctx, 1);
	for (int i = 0; i < MUX_NONCE; i++)
		note(ctx, nonce[i]);
	return 0;
}

static int
on_open(void *ctx, uint16_t stream, uint32_t port)
{
	note(ctx, 2);
	note(ctx, stream);
	note(ctx, port);
	return 0;
}

static int
on_data(void *ctx, uint16_t stream, const uint8_t *p, size_t n)
{
	if (!n || n > MUX_MOST)
		abort();
	for (size_t i = 0; i < n; i++)
		note(ctx, (uint64_t)stream << 8 | p[i]);
	return 0;
}

static int
on_credit(void *ctx, uint16_t stream, uint32_t n)
{
	note(ctx, 4);
	note(ctx, stream);
	note(ctx, n);
	return 0;
}

static int
on_close(void *ctx, uint16_t stream)
{
	note(ctx, 5);
	note(ctx, stream);
	return 0;
}

/* The link as the host reads it: first looking for a HELLO, then frames. */
static uint64_t
walk(const uint8_t *p, size_t size, size_t cut, bool seek)
{
	static const struct mux_events events = { on_hello, on_open, on_data,
		on_credit, on_close };
	struct mux_in in = { .have = 0 };
	uint8_t nonce[MUX_NONCE];
	uint64_t sum = 0;

	while (size) {
		size_t n = size < cut ? size : cut;

		size -= n;
		while (n && seek) {
			bool found = false;
			size_t took = mux_seek(&in, p, n, nonce, &found);

			if (took > n)
				abort();
			p += took;
			n -= took;
			seek = !found;
		}
		if (n && mux_feed(&in, p, n, &events, &sum))
			return sum ^ 1;
		p += n;
	}
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int seek = 0; seek < 2; seek++)
		if (walk(data, size, size + 1, seek) !=
		    walk(data, size, 1, seek) ||
		    walk(data, size, 3, seek) != walk(data, size, 7, seek))
			abort();
	return 0;
}
