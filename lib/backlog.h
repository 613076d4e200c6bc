/* backlog.h - what a slow reader has not taken yet: a ring that grows */
#ifndef BNG_BACKLOG_H
#define BNG_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros is an empty one, which holds no memory. */
struct backlog {
	uint8_t *bytes;
	size_t size, head, kept;
};

/*
 * Keep n bytes more; where they do not fit, it becomes `most` bytes long, which
 * hold all. False when there is no memory: all is as it was.
 */
bool backlog_keep(struct backlog *b, const uint8_t *p, size_t n, size_t most);

/* The oldest bytes that lie in one piece, *ret_n of them; NULL and 0 when it is
 * empty. */
const uint8_t *backlog_first(const struct backlog *b, size_t *ret_n);

/* The oldest n have been taken, which backlog_first has shown. */
void backlog_took(struct backlog *b, size_t n);

/* Forget all, and give the memory back. */
void backlog_drop(struct backlog *b);

#endif
