/* talk - fuzz what the host reads from a guest's agent, however it is cut
 *
 * SPDX-License-Identifier: MIT
 *
 * What is asserted: what is gathered keeps its bound, and why it failed is
 * nothing that a terminal would act on.
 */
#include "../../lib/talk.c"
#include "../../lib/doubt.c"
#include "../../lib/frame.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;

static void
feed(const uint8_t *data, size_t size, size_t cut)
{
	struct talk t = { .sock = -1, .dir = -1, .in = -1, .out = -1,
		.err = -1, .doubt = { .probe = -1 } };
	int r = 0;

	while (size && !r) {
		size_t n = size < cut ? size : cut;

		r = take(&t, data, n);
		data += n;
		size -= n;
	}
	for (int i = 0; i < 2; i++) {
		if (t.text_len[i] > TALK_TEXT_MAX)
			abort();
		free(t.text[i]);
	}
	if (r < 0 && !t.why[0])
		abort();
	for (const char *p = t.why; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
	free(t.control);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	feed(data, size, size ? size : 1);
	feed(data, size, 1);
	feed(data, size, 7);
	return 0;
}
