/* frame - fuzz the framing: the same frames, however the bytes are cut
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "../../lib/frame.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sum over the frames when at most `cut` bytes come at once. */
static uint64_t
walk(const uint8_t *p, size_t size, size_t cut, bool request)
{
	/* The host reads no requests, and the agent no answers. */
	struct frame_in in = { .request = request, .answer = !request };
	uint64_t sum = 0;

	while (size) {
		size_t n = size < cut ? size : cut;

		size -= n;
		while (n || (frame_begun(&in) && !in.left)) {
			size_t part;
			ssize_t r = 0;

			if (!frame_begun(&in))
				r = frame_head(&in, p, n);
			if (r < 0)
				return sum ^ 1;
			p += r;
			n -= (size_t)r;
			if (!frame_begun(&in))
				continue;
			if (in.left > (request ? in.channel == CH_CONTROL ?
			    REQUEST_MAX : FRAME_MAX :
			    in.channel == CH_STDOUT ||
			    in.channel == CH_STDERR ? FRAME_WIDE : FRAME_MAX))
				abort();
			part = n < in.left ? n : in.left;
			for (size_t i = 0; i < part; i++)
				sum = sum * 31 + p[i] + in.channel;
			if (!n && in.left)
				break;
			if (frame_took(&in, part))
				sum = sum * 31 + 7;
			p += part;
			n -= part;
		}
	}
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int request = 0; request < 2; request++)
		if (walk(data, size, size + 1, request) !=
		    walk(data, size, 1, request) ||
		    walk(data, size, 3, request) !=
		    walk(data, size, 7, request))
			abort();
	return 0;
}
