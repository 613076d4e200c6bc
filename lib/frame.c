/* frame.c - the framing of the agent's protocol; see frame.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <string.h>

#include "be.h"
#include "frame.h"

static uint32_t
most(const struct frame_in *in)
{
	if (in->request && in->channel == CH_CONTROL)
		return REQUEST_MAX;
	if (in->answer && (in->channel == CH_STDOUT ||
	    in->channel == CH_STDERR))
		return FRAME_WIDE;
	return FRAME_MAX;
}

ssize_t
frame_head(struct frame_in *in, const uint8_t *p, size_t n)
{
	size_t want = (size_t)(FRAME_HEAD - in->have);

	if (n > want)
		n = want;
	memcpy(in->head + in->have, p, n);
	in->have = (uint8_t)(in->have + n);
	if (!frame_begun(in))
		return (ssize_t)n;
	in->left = get_be32(in->head + 1);
	in->channel = in->head[0];
	if (in->channel < CH_STDIN || in->channel > CH_CONTROL ||
	    in->left > most(in))
		return -EPROTO;
	return (ssize_t)n;
}

bool
frame_took(struct frame_in *in, size_t n)
{
	in->left -= (uint32_t)n;
	if (in->left)
		return false;
	in->have = 0;
	return true;
}

void
frame_put_head(uint8_t out[FRAME_HEAD], enum frame_channel channel,
    uint32_t len)
{
	out[0] = (uint8_t)channel;
	put_be32(out + 1, len);
}
