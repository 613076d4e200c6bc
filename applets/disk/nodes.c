/* nodes.c - millions of names in little memory; see nodes.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/mman.h>

#include "nodes.h"

enum { MAX_BYTES = 1 << 30 };	/* of names: some twenty million */

/* Zeroed memory that stays. */
static void *
take(struct nodes *s, size_t n)
{
	void *p = s->arena + s->bytes;

	s->bytes += (n + NODE_UNIT - 1) / NODE_UNIT * NODE_UNIT;
	if (s->bytes > MAX_BYTES)
		die_member("the names fill %d MiB of memory",
		    MAX_BYTES >> 20);
	return p;
}

static uint32_t
hash_name(uint32_t dir, const char *name, size_t len)
{
	uint64_t h = (0xcbf29ce484222325 ^ dir) * 0x100000001b3;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 0x100000001b3;
	return (uint32_t)(h ^ h >> 32);
}

static uint32_t *
slot(const struct nodes *s, const struct node *n)
{
	return &s->table[hash_name(n->parent, n->name, n->len) & (s->size - 1)];
}

static void
grow_table(struct nodes *s)
{
	uint32_t *old = s->table;
	size_t n = s->size;

	s->size = n ? 2 * n : 1024;
	s->table = xcalloc(s->size, sizeof(*s->table));
	for (size_t i = 0; i < n; i++)
		for (uint32_t ref = old[i], chain; ref; ref = chain) {
			uint32_t *to = slot(s, node_at(s, ref));

			chain = node_at(s, ref)->chain;
			node_at(s, ref)->chain = *to;
			*to = ref;
		}
	free(old);
}

struct node *
node_find(const struct nodes *s, const struct node *dir, const char *name,
    size_t len)
{
	uint32_t up = node_ref(s, dir);
	uint32_t ref = s->table[hash_name(up, name, len) & (s->size - 1)];
	struct node *n;

	while ((n = node_at(s, ref)) && (n->parent != up || n->len != len ||
	    memcmp(n->name, name, len)))
		ref = n->chain;
	return n;
}

struct node *
node_add(struct nodes *s, struct node *dir, const char *name, size_t len)
{
	struct node *n;
	uint32_t *to;

	if (len > EXT2_NAME_LEN)
		die_member("a name has more than 255 bytes");
	/* A chain of two on average: a million names are worth the memory. */
	if (s->used >= 2 * s->size)
		grow_table(s);
	n = take(s, sizeof(*n) + len + 1);
	memcpy(n->name, name, len);
	n->len = (uint8_t)len;
	n->type = EXT2_FT_DIR;
	n->parent = node_ref(s, dir ? dir : n);
	to = slot(s, n);
	n->chain = *to;
	*to = node_ref(s, n);
	s->used++;
	if (dir) {
		n->next = dir->first;
		dir->first = node_ref(s, n);
	}
	return n;
}

void
node_move(struct nodes *s, struct node *n, struct node *to)
{
	uint32_t *place = slot(s, n), me = node_ref(s, n);

	while (*place != me)
		place = &node_at(s, *place)->chain;
	*place = n->chain;
	n->parent = node_ref(s, to);
	place = slot(s, n);
	n->chain = *place;
	*place = me;
	n->next = to->first;
	to->first = me;
}

uint32_t
nodes_keep(struct nodes *s, const char *text)
{
	size_t n = strlen(text) + 1;
	char *p = take(s, n);

	memcpy(p, text, n);
	return node_ref(s, p);
}

void
nodes_init(struct nodes *s)
{
	*s = (struct nodes){ .bytes = NODE_UNIT };
	s->arena = mmap(NULL, MAX_BYTES + 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->arena == MAP_FAILED)
		die_sys("cannot keep names in memory");
	grow_table(s);
}

void
nodes_release(struct nodes *s)
{
	munmap(s->arena, MAX_BYTES + 4096);
	free(s->table);
	*s = (struct nodes){ 0 };
}
