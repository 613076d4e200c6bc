/* nodes.h - millions of names in little memory: an arena and a hash table
 *
 * A ref is a node's place in the arena, 0 for none; what is in there stays
 * where it is until nodes_release. Names are of directories, and unique there.
 */
#ifndef BNG_NODES_H
#define BNG_NODES_H

#include "disk.h"

enum { NODE_UNIT = 4 };		/* of refs */

/* A name. Small, for there may be millions. */
struct node {
	uint32_t parent;	/* the root's is itself; 0: dropped */
	uint32_t next;		/* in its directory */
	uint32_t chain;		/* in the hash table */
	/*
	 * Of a directory: its names, newest first; of a symbolic link: its
	 * text; of a link that waits for its file: which one (links.c).
	 */
	uint32_t first;
	ext2_ino_t ino;		/* 0: nothing has the name (yet) */
	uint16_t layer;		/* that made it */
	uint16_t named;		/* of a directory: that described it, or 0 */
	uint16_t shut;		/* first layer with a whiteout of it, or 0 */
	uint16_t opaque;	/* first that hides lower ones' names in it */
	uint8_t type;		/* EXT2_FT_*; a directory without ino too */
	uint8_t waits;
	uint8_t len;
	char name[];		/* with a NUL */
};

struct nodes {
	uint8_t *arena;
	size_t bytes;		/* used of it; bounded */
	uint32_t *table;
	size_t size, used;	/* of table */
};

void nodes_init(struct nodes *s);
void nodes_release(struct nodes *s);

static inline struct node *
node_at(const struct nodes *s, uint32_t ref)
{
	return ref ? (struct node *)(void *)(s->arena +
	    (size_t)ref * NODE_UNIT) : NULL;
}

static inline uint32_t
node_ref(const struct nodes *s, const void *p)
{
	return (uint32_t)((size_t)((const uint8_t *)p - s->arena) / NODE_UNIT);
}

/* The directory that has the name; n has not been dropped. */
static inline struct node *
node_up(const struct nodes *s, const struct node *n)
{
	return (struct node *)(void *)(s->arena +
	    (size_t)n->parent * NODE_UNIT);
}

/* dir's node of that name, or NULL. */
struct node *node_find(const struct nodes *s, const struct node *dir,
    const char *name, size_t len);

/*
 * A new one, first of dir, which has none of that name: a directory without
 * ino. Without dir it is its own parent. Dies when the name is too long, or
 * the memory is full.
 */
struct node *node_add(struct nodes *s, struct node *dir, const char *name,
    size_t len);

/* It is to's from now on, who has none of that name; dir's list is not told. */
void node_move(struct nodes *s, struct node *n, struct node *to);

/* A text's ref, and the text of one. */
uint32_t nodes_keep(struct nodes *s, const char *text);
static inline const char *
nodes_text(const struct nodes *s, uint32_t ref)
{
	return (const char *)s->arena + (size_t)ref * NODE_UNIT;
}

#endif
