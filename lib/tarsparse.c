/* tarsparse.c - where a sparse file in a tar stream has its content
 *
 * SPDX-License-Identifier: MIT
 *
 * https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html
 *
 * GNU's old headers, and versions 0.0, 0.1 and 1.0 of its pax records.
 */
#include <stdlib.h>
#include <string.h>

#include "tarsparse.h"

/* Where old headers have their pieces: pairs of 12 bytes, and then a flag. */
enum { OLD_AT = 386, OLD_N = 4, OLD_MORE = 482, OLD_SIZE = 483,
	EXT_N = 21, EXT_MORE = 504, PAIR = 24 };

/* In order, and within the file. */
static bool
add_piece(struct tar_in *t, struct tar_entry *e, uint64_t from, uint64_t len)
{
	const struct tar_piece *last = e->n_map ? &t->map[e->n_map - 1] : NULL;

	if ((last && from < last->from + last->len) || from > e->real_size ||
	    len > e->real_size - from || e->n_map == TAR_PIECES_READ)
		return false;
	if (e->n_map == t->map_size) {
		size_t size = t->map_size ? 2 * t->map_size : 512;
		struct tar_piece *p = realloc(t->map, size * sizeof(*p));

		if (!p)
			return false;
		t->map = p;
		t->map_size = size;
	}
	t->map[e->n_map++] = (struct tar_piece){ from, len };
	return true;
}

/* The pieces are as much content as the stream has of it. */
static int
finish(struct tar_in *t, struct tar_entry *e)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < e->n_map; i++)
		sum += t->map[i].len;
	/* Without any piece it is one hole, which still is a map. */
	if (!t->map && !(t->map = malloc(sizeof(*t->map))))
		return -1;
	if (!t->map_size)
		t->map_size = 1;
	e->map = t->map;
	e->size = sum;
	return sum == t->left ? 0 : -1;
}

/* n pairs of a header; an empty one is the end of them. */
static bool
old_pairs(struct tar_in *t, struct tar_entry *e, const uint8_t *p, int n)
{
	for (; n && p[12]; n--, p += PAIR) {
		uint64_t from, len;

		if (!tar_number(p, 12, &from) ||
		    !tar_number(p + 12, 12, &len) ||
		    !add_piece(t, e, from, len))
			return false;
	}
	return true;
}

int
tarsparse_gnu(struct tar_in *t, struct tar_entry *e, const uint8_t *head)
{
	uint8_t block[TAR_BLOCK];
	bool more = head[OLD_MORE];

	if (!tar_number(head + OLD_SIZE, 12, &e->real_size) ||
	    e->real_size > INT64_MAX ||
	    !old_pairs(t, e, head + OLD_AT, OLD_N))
		return -1;
	while (more) {
		if (tar_copy(t, block, sizeof(block)) ||
		    !old_pairs(t, e, block, EXT_N))
			return -1;
		more = block[EXT_MORE];
	}
	e->type = '0';
	return finish(t, e);
}

/* 1.0: numbers in blocks of the content, each on a line of its own. */
static bool
line_number(struct tar_in *t, uint8_t block[TAR_BLOCK], size_t *at,
    uint64_t *ret)
{
	uint64_t n = 0;

	for (int digits = 0; digits < 20; digits++) {
		uint8_t c;

		if (*at == TAR_BLOCK) {
			if (t->left < TAR_BLOCK ||
			    tar_copy(t, block, TAR_BLOCK))
				return false;
			t->left -= TAR_BLOCK;
			*at = 0;
		}
		c = block[(*at)++];
		if (c == '\n' && digits) {
			*ret = n;
			return n <= INT64_MAX;
		}
		if (c < '0' || c > '9' || n > INT64_MAX / 10)
			return false;
		n = n * 10 + c - '0';
	}
	return false;
}

static bool
map_in_content(struct tar_in *t, struct tar_entry *e)
{
	uint8_t block[TAR_BLOCK];
	uint64_t n, from, len;
	size_t at = TAR_BLOCK;

	if (!line_number(t, block, &at, &n) || n > TAR_PIECES_READ)
		return false;
	while (n--)
		if (!line_number(t, block, &at, &from) ||
		    !line_number(t, block, &at, &len) ||
		    !add_piece(t, e, from, len))
			return false;
	return true;
}

/* 0.1: "from,len,from,len" in one record; 0.0 is brought into that form. */
static bool
map_in_header(struct tar_in *t, struct tar_entry *e, const char *p)
{
	while (*p) {
		uint64_t v[2];

		for (int i = 0; i < 2; i++) {
			char *end;

			if (*p < '0' || *p > '9')
				return false;
			v[i] = strtoull(p, &end, 10);
			if (v[i] > INT64_MAX || (*end && *end != ','))
				return false;
			p = end + (*end == ',');
		}
		if (!add_piece(t, e, v[0], v[1]))
			return false;
	}
	return true;
}

int
tarsparse_pax(struct tar_in *t, struct tar_entry *e, const struct pax *x)
{
	bool fine = x->sparse_map ? map_in_header(t, e, x->sparse_map) :
	    x->sparse_v1 && map_in_content(t, e);

	return fine ? finish(t, e) : -1;
}
