/* tree.h - the names of an image that is being filled, layer by layer
 *
 * Layers come topmost first, so what is there already is what is seen, and
 * what a lower one brings in its place is hidden. Each layer has a number: 1 is
 * the topmost. Within one layer a later member takes the place of an earlier.
 */
#ifndef BNG_TREE_H
#define BNG_TREE_H

#include "disk.h"
#include "nodes.h"

enum {
	MAX_LAYERS = 4096,
	TREE_LINKS = 40,	/* symbolic links on one path, as in Linux */
};

struct tree {
	struct image *im;
	struct nodes nodes;
	struct node *root;
	unsigned layer;		/* the one that members come from */
	size_t ndead, dead_size;
	ext2_ino_t *dead;	/* inodes without a name, freed at the end */
	size_t nturns;
	struct turn {
		struct node *node;
		ext2_ino_t ino;	/* of the symbolic link */
		char *target;
	} *turns;
};

/* Whether it has something: a file, or a link that waits for one. */
static inline bool
node_is_taken(const struct node *n)
{
	return n->ino || n->waits;
}

void tree_init(struct tree *t, struct image *im);
void tree_release(struct tree *t);

/*
 * The node for a member of the current layer, symbolic links of this layer on
 * the way followed inside the image, its directories made; what of this layer
 * was there, and cannot stay beside it, is dropped. NULL: an upper layer
 * hides it.
 */
struct node *tree_place(struct tree *t, const char *path, bool is_dir);

/*
 * The member, a symbolic link, lies where an upper layer has put files into a
 * directory that no layer described: they belong where the link leads. Whether
 * that is so; then ino, the link's, has one name more.
 */
bool tree_turns(struct tree *t, const char *path);
void tree_turn(struct tree *t, const char *path, ext2_ino_t ino,
    const char *target);

/* The node that is there for this layer to see, or NULL. */
struct node *tree_find(struct tree *t, const char *path);

/* Whiteouts: lower layers' path, and lower layers' content of path. */
void tree_shut(struct tree *t, const char *path);
void tree_opaque(struct tree *t, const char *path);

/* Give the node a symbolic link's text, or NULL. */
void tree_set_target(struct tree *t, struct node *n, const char *target);
const char *tree_target(const struct tree *t, const struct node *n);

/* Take away what the node leads to, and everything below it. */
void tree_drop(struct tree *t, struct node *node);

/* One name less for an inode. */
void tree_unlink(struct tree *t, ext2_ino_t ino, bool is_dir);

/* Write every directory and free what was dropped. */
void tree_finish(struct tree *t);

/* What tree_turn noted is done; all layers are there (turns.c). */
void tree_turn_all(struct tree *t);

#endif
