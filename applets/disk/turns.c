/* turns.c - directories that were implied, where a lower layer has a link
 *
 * SPDX-License-Identifier: MIT
 *
 * An upper layer put files into a directory that it did not describe, and a
 * lower one says that the directory's name is a symbolic link: the files belong
 * where that leads. That is known when all layers are there.
 */
#include "tree.h"

/* Where a path from dir leads, all layers being there: a directory or NULL. */
static struct node *
final_dir(struct tree *t, struct node *dir, const char *path)
{
	autofree char *spliced = NULL;
	int links = 0;

	if (*path == '/')
		dir = t->root;
	while (*(path += strspn(path, "/"))) {
		size_t len = strcspn(path, "/");
		struct node *n = len > 2 || memcmp(path, "..", len) ?
		    node_find(&t->nodes, dir, path, len) :
		    len == 2 ? node_up(&t->nodes, dir) : dir;

		path += len;
		if (n && n->ino && n->type == EXT2_FT_SYMLINK &&
		    ++links <= TREE_LINKS) {
			char *p = xasprintf("%s/%s", tree_target(t, n), path);

			free(spliced);
			path = spliced = p;
			dir = *p == '/' ? t->root : dir;
			continue;
		}
		if (!n || !n->ino || n->type != EXT2_FT_DIR)
			return NULL;
		dir = n;
	}
	return dir;
}

static bool
is_below(const struct tree *t, const struct node *n, const struct node *top)
{
	while (n != top && n != t->root)
		n = node_up(&t->nodes, n);
	return n == top;
}

/*
 * What is in from goes to to: of two the upper layer's stays, and whiteouts
 * take what lower layers have there.
 */
static void
merge(struct tree *t, struct node *from, struct node *to, int depth)
{
	if (depth > 1024)
		die_member("directories are too deep");
	while (from->first) {
		struct node *c = node_at(&t->nodes, from->first);
		struct node *d = node_find(&t->nodes, to, c->name, c->len);

		from->first = c->next;
		if (!d) {
			node_move(&t->nodes, c, to);
			continue;
		}
		if (c->shut && node_is_taken(d) && d->layer > c->shut)
			tree_drop(t, d);
		if (!node_is_taken(c) && c->type != EXT2_FT_DIR)
			continue;
		if (!node_is_taken(c) || (node_is_taken(d) &&
		    c->type == EXT2_FT_DIR && d->type == EXT2_FT_DIR)) {
			merge(t, c, d, depth + 1);
			/* The topmost layer that names it describes it. */
			if (c->named && (!d->named || c->named < d->named)) {
				ext2_ino_t ino = d->ino;

				d->ino = c->ino;
				d->named = c->named;
				c->ino = ino;
			}
			if (c->ino)
				tree_unlink(t, c->ino, true);
			c->ino = 0;
			continue;
		}
		if (node_is_taken(d) && d->layer <= c->layer) {
			c->next = 0;
			tree_drop(t, c);
			continue;
		}
		if (node_is_taken(d))
			tree_drop(t, d);
		d->ino = c->ino;
		d->type = c->type;
		d->layer = c->layer;
		d->named = c->named;
		if (c->type != EXT2_FT_DIR)
			d->first = c->first;
		else
			merge(t, c, d, depth + 1);
		c->ino = c->first = 0;
	}
}

/* Directories that were implied, where a lower layer has a symbolic link. */
void
tree_turn_all(struct tree *t)
{
	for (size_t i = 0; i < t->nturns; i++) {
		struct turn *turn = &t->turns[i];
		struct node *n = turn->node, *to = NULL;

		if (n->parent && n->ino)
			to = final_dir(t, node_up(&t->nodes, n), turn->target);
		if (!to || n->type != EXT2_FT_DIR || is_below(t, to, n)) {
			tree_unlink(t, turn->ino, false);
			free(turn->target);
			continue;
		}
		merge(t, n, to, 0);
		tree_unlink(t, n->ino, true);
		n->ino = turn->ino;
		n->type = EXT2_FT_SYMLINK;
		tree_set_target(t, n, turn->target);
		free(turn->target);
	}
	free(t->turns);
	t->turns = NULL;
	t->nturns = 0;
}

