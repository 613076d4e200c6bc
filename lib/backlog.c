/* backlog.c - what a slow reader has not taken yet; see backlog.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "backlog.h"
#include "bng.h"

const uint8_t *
backlog_first(const struct backlog *b, size_t *ret_n)
{
	size_t end = b->size - b->head;

	*ret_n = end < b->kept ? end : b->kept;
	return *ret_n ? b->bytes + b->head : NULL;
}

static bool
grow(struct backlog *b, size_t size)
{
	uint8_t *bytes = malloc(size);
	size_t n;
	const uint8_t *p = backlog_first(b, &n);

	if (!bytes)
		return false;
	if (p) {
		memcpy(bytes, p, n);
		memcpy(bytes + n, b->bytes, b->kept - n);
	}
	free(b->bytes);
	b->bytes = bytes;
	b->size = size;
	b->head = 0;
	return true;
}

bool
backlog_keep(struct backlog *b, const uint8_t *p, size_t n, size_t most)
{
	size_t tail, first;

	if (b->kept + n > b->size && !grow(b, most))
		return false;
	tail = (b->head + b->kept) % b->size;
	first = b->size - tail < n ? b->size - tail : n;
	memcpy(b->bytes + tail, p, first);
	memcpy(b->bytes, p + first, n - first);
	b->kept += n;
	return true;
}

void
backlog_took(struct backlog *b, size_t n)
{
	b->head = (b->head + n) % b->size;
	b->kept -= n;
}

void
backlog_drop(struct backlog *b)
{
	free(b->bytes);
	*b = (struct backlog){ 0 };
}
