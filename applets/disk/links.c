/* links.c - hard links that wait for their files
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. A link is to the file that its layer sees under that name: the layer's
 *    own, or the topmost of the layers below it. What upper layers have there
 *    is not meant.
 * 2. So a link waits, by the path of its file, until a layer brings that;
 *    the file may be hidden by then, and have no other name.
 * 3. A hidden member of this layer is a ghost: it is not in the image, but a
 *    link of the same layer may still name it (spool.c has its bytes).
 */
#include "import.h"

enum {
	MAX_LATE = 1 << 20,	/* links that wait within a layer */
	MAX_LOW = 1 << 16,	/* and for a lower one */
	MAX_GHOSTS = 1 << 22,
	MAX_ALIASES = 40,
};

static unsigned
slot(const char *key)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * 0x100000001b3;
	return (unsigned)(h ^ h >> 32) % LINK_SLOTS;
}

void
links_key(const char *path, char key[TAR_NAME])
{
	size_t n = 0;

	while (*(path += strspn(path, "/"))) {
		size_t len = strcspn(path, "/");

		if (len != 1 || *path != '.') {
			if (n)
				key[n++] = '/';
			memcpy(key + n, path, len);
			n += len;
		}
		path += len;
	}
	key[n] = '\0';
}

static bool
still_waits(const struct want *w)
{
	return w->node->waits && w->node->first == w->id;
}

static void
wait_for(struct import *in, struct node *node, const char *target)
{
	struct links *l = &in->links;
	char key[TAR_NAME];
	struct want *w;

	if (l->nwants == MAX_LATE)
		die_member("too many hard links wait for files");
	links_key(target, key);
	w = xcalloc(1, sizeof(*w) + strlen(key) + 1);
	memcpy(w->path, key, strlen(key) + 1);
	w->node = node;
	w->layer = in->layer;
	w->id = ++l->ids;
	w->chain = l->wants[slot(key)];
	l->wants[slot(key)] = w;
	w->next = l->all;
	l->all = w;
	l->nwants++;
	node->waits = true;
	node->type = EXT2_FT_UNKNOWN;
	node->first = w->id;
	node->layer = (uint16_t)in->tree.layer;
}

/* One name more for the inode. */
static void
hold(struct import *in, ext2_ino_t ino)
{
	struct ext2_inode_large inode;

	inode_read(in->im, ino, &inode);
	if (inode.i_links_count >= EXT2_LINK_MAX)
		die_member("a file has too many hard links");
	inode.i_links_count++;
	inode_write(in->im, ino, &inode);
}

static void
point(struct import *in, struct node *node, ext2_ino_t ino, uint8_t type,
    const char *target)
{
	node->waits = false;
	node->ino = ino;
	node->type = type;
	tree_set_target(&in->tree, node,
	    type == EXT2_FT_SYMLINK ? target : NULL);
}

static void
give(struct import *in, struct node *node, ext2_ino_t ino, uint8_t type,
    const char *target)
{
	hold(in, ino);
	point(in, node, ino, type, target);
}

bool
links_wanted(struct import *in, const char *path)
{
	char key[TAR_NAME];

	if (!in->links.nwants)
		return false;
	links_key(path, key);
	for (struct want *w = in->links.wants[slot(key)]; w; w = w->chain)
		if (!strcmp(w->path, key) && still_waits(w))
			return true;
	return false;
}

void
links_met(struct import *in, const char *path, ext2_ino_t ino, uint8_t type,
    const char *target)
{
	char key[TAR_NAME];

	if (!in->links.nwants)
		return;
	links_key(path, key);
	for (struct want *w = in->links.wants[slot(key)]; w; w = w->chain)
		if (!strcmp(w->path, key) && still_waits(w))
			give(in, w->node, ino, type, target);
}

void
links_retarget(struct import *in, const char *path, const char *target)
{
	char key[TAR_NAME];

	links_key(path, key);
	for (struct want *w = in->links.wants[slot(key)]; w; w = w->chain)
		if (!strcmp(w->path, key) && still_waits(w))
			wait_for(in, w->node, target);
}

struct ghost *
ghost_add(struct import *in, const char *path, const char *alias)
{
	struct links *l = &in->links;
	char key[TAR_NAME];
	struct ghost *g;

	if (l->nghosts++ == MAX_GHOSTS)
		die_member("too many members are hidden by upper layers");
	links_key(path, key);
	g = xcalloc(1, sizeof(*g) + strlen(key) + 1);
	memcpy(g->path, key, strlen(key) + 1);
	g->alias = alias ? xstrdup(alias) : NULL;
	g->chain = l->ghosts[slot(key)];
	l->ghosts[slot(key)] = g;
	return g;
}

/* The hidden member that a path leads to, or NULL; a later one counts. */
static struct ghost *
find_ghost(struct import *in, const char *path, int depth)
{
	char key[TAR_NAME];
	struct ghost *g;

	if (!in->links.nghosts || depth > MAX_ALIASES)
		return NULL;
	links_key(path, key);
	for (g = in->links.ghosts[slot(key)]; g; g = g->chain)
		if (!strcmp(g->path, key))
			break;
	return g && g->alias ? find_ghost(in, g->alias, depth + 1) : g;
}

/* The file that this layer has made under that name, or NULL. */
static struct node *
own_file(struct import *in, const char *target)
{
	struct node *to = tree_find(&in->tree, target);

	if (to && to->type == EXT2_FT_DIR && to->layer >= in->tree.layer)
		die_member("a hard link to the directory '%s'", target);
	return to && to->type != EXT2_FT_DIR &&
	    to->layer == in->tree.layer ? to : NULL;
}

/* To a file that is there: it may lie in what the link takes the place of. */
static bool
link_own(struct import *in, struct node *to)
{
	struct tree *t = &in->tree;
	ext2_ino_t ino = to->ino;
	uint8_t type = to->type;
	autofree char *target = xstrdup(type == EXT2_FT_SYMLINK ?
	    tree_target(t, to) : "");
	struct node *node;

	if (to == tree_find(t, in->e->path))
		return true;
	hold(in, ino);
	node = tree_place(t, in->e->path, false);
	if (node) {
		point(in, node, ino, type, target);
		node->layer = (uint16_t)t->layer;
		links_met(in, in->e->path, ino, type, target);
	} else {
		tree_unlink(t, ino, false);
	}
	return node;
}

bool
links_add(struct import *in)
{
	struct node *to = own_file(in, in->e->link), *node;
	struct ghost *g;

	if (to)
		return link_own(in, to);
	node = tree_place(&in->tree, in->e->path, false);
	if (!node)
		return false;
	g = find_ghost(in, in->e->link, 0);
	if (!g) {
		wait_for(in, node, in->e->link);
		return true;
	}
	spool_make(in, g);
	node->layer = (uint16_t)in->tree.layer;
	give(in, node, g->ino, g->type, g->text);
	links_met(in, in->e->path, g->ino, g->type, g->text);
	return true;
}

/* Those that this layer's symbolic links lead to their files. */
static void
try_tree(struct import *in, struct want *w, bool last)
{
	struct node *to = tree_find(&in->tree, w->path);

	if (to && to->type != EXT2_FT_DIR &&
	    (last || to->layer == in->tree.layer))
		give(in, w->node, to->ino, to->type,
		    tree_target(&in->tree, to));
	else if (last && w->node->parent) {
		member_is(w->node->name);
		layer_is(w->layer);
		die_member("it is a hard link to '%s', which is not there",
		    w->path);
	}
}

void
links_layer_end(struct import *in, bool last)
{
	struct links *l = &in->links;
	struct want **all = &l->all, *w;

	memset(l->wants, 0, sizeof(l->wants));
	while ((w = *all)) {
		if (still_waits(w))
			try_tree(in, w, last);
		if (still_waits(w)) {
			w->chain = l->wants[slot(w->path)];
			l->wants[slot(w->path)] = w;
			all = &w->next;
			continue;
		}
		*all = w->next;
		free(w);
		l->nwants--;
	}
	if (l->nwants > MAX_LOW)
		die_member("too many hard links wait for lower layers");
	for (size_t i = 0; i < LINK_SLOTS; i++)
		while (l->ghosts[i]) {
			struct ghost *g = l->ghosts[i];

			l->ghosts[i] = g->chain;
			free(g->alias);
			free(g->text);
			free(g);
		}
	l->nghosts = 0;
}
