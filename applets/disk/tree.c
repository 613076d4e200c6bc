/* tree.c - the names of an image that is being filled; see tree.h
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. Every name is a node, found by (directory, name) in one hash table. A
 *    removed name stays as a directory whose ino is 0, and may come back. So
 *    does what only whiteouts have named.
 * 2. Inodes are written when they come, but for directories' blocks and link
 *    counts: tree_finish writes those, each directory once.
 * 3. An inode that lost its last name is freed at the end, so that no block
 *    is handed out twice (image.c, 2).
 * 4. A directory has children of the layer that made it and of lower ones.
 *    So what the current layer made holds nothing of an upper one, and may be
 *    dropped by it.
 */
#include "tree.h"

/* A directory that no member described (yet). */
static void
make_dir(struct tree *t, struct node *n, ext2_ino_t ino, unsigned mode)
{
	struct ext2_inode_large inode = { 0 };

	n->type = EXT2_FT_DIR;
	n->ino = ino;
	n->layer = (uint16_t)t->layer;
	inode.i_mode = (uint16_t)(LINUX_S_IFDIR | mode);
	inode.i_links_count = 2;
	inode.i_extra_isize = t->im->fs->super->s_want_extra_isize;
	inode.i_atime = inode.i_ctime = inode.i_mtime = inode.i_crtime =
	    (uint32_t)t->im->fs->now;
	inode_write(t->im, ino, &inode);
}

void
tree_init(struct tree *t, struct image *im)
{
	struct node *n;

	*t = (struct tree){ .im = im, .layer = 1 };
	nodes_init(&t->nodes);
	t->root = node_add(&t->nodes, NULL, "", 0);
	make_dir(t, t->root, EXT2_ROOT_INO, 0755);
	n = node_add(&t->nodes, t->root, "lost+found", strlen("lost+found"));
	make_dir(t, n, LOST_FOUND, 0700);
	/* Where a layer below names them, that counts. */
	t->root->layer = n->layer = 0;
}

void
tree_release(struct tree *t)
{
	nodes_release(&t->nodes);
	free(t->dead);
	free(t->turns);
	*t = (struct tree){ 0 };
}

/* Whether upper layers let the current one be seen at n, and below it. */
static bool
is_hidden(const struct tree *t, const struct node *n)
{
	return (n->shut && n->shut < t->layer) ||
	    (node_is_taken(n) && n->type != EXT2_FT_DIR && n->layer < t->layer);
}

static bool
hides_content(const struct tree *t, const struct node *n)
{
	return n->opaque && n->opaque < t->layer;
}

/* The directory that a symbolic link stands for, then the rest of the path. */
static char *
follow(struct tree *t, const struct node *link, const char *rest,
    struct node **dir)
{
	const char *target = tree_target(t, link);

	if (*target == '/')
		*dir = t->root;
	if (strlen(target) + strlen(rest) > 65536)
		die_member("too long with its symbolic links");
	return xasprintf("%s/%s", target, rest);
}

enum how { LOOK, WHITEOUT, MEMBER };

/*
 * Walk to the last component's node; NULL when upper layers hide it. Names
 * that are missing become nodes, but nothing more; to who only looks they are
 * NULL too. There is nothing to be whited out below what is no directory.
 */
static struct node *
walk(struct tree *t, const char *path, enum how how)
{
	struct node *dir = t->root, *n = dir;
	autofree char *spliced = NULL;
	int links = 0;

	for (;;) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (is_hidden(t, n))
			return NULL;
		if (!len)
			return n;
		if (n->type == EXT2_FT_SYMLINK && n->ino) {
			char *p;

			if (++links > TREE_LINKS)
				die_member("too many symbolic links on its "
				    "path");
			p = follow(t, n, path, &dir);
			free(spliced);
			path = spliced = p;
			n = dir;
			continue;
		}
		if (node_is_taken(n) && n->type != EXT2_FT_DIR &&
		    how == WHITEOUT)
			return NULL;
		if (node_is_taken(n) && n->type != EXT2_FT_DIR)
			die_member("'%s' on its path is not a directory",
			    n->name);
		if (hides_content(t, n))
			return NULL;
		dir = n;
		if (len <= 2 && !memcmp(path, "..", len)) {
			n = len == 2 ? node_up(&t->nodes, dir) : dir;
			path += len;
			continue;
		}
		n = node_find(&t->nodes, dir, path, len);
		if (!n && how != LOOK)
			n = node_add(&t->nodes, dir, path, len);
		if (!n)
			return NULL;
		path += len;
	}
}

struct node *
tree_place(struct tree *t, const char *path, bool is_dir)
{
	struct node *n = walk(t, path, MEMBER);

	if (!n)
		return NULL;
	if (!is_dir && (n == t->root || n->ino == LOST_FOUND))
		die_member("only a directory can have that place");
	if (node_is_taken(n) && n->type == EXT2_FT_DIR && !is_dir) {
		/* Of an upper layer, it hides this, and this what is below. */
		if (!n->opaque)
			n->opaque = (uint16_t)t->layer;
		if (n->layer < t->layer)
			return NULL;
	}
	if (node_is_taken(n) && (n->type != EXT2_FT_DIR || !is_dir)) {
		tree_drop(t, n);
		if (!n->opaque)
			n->opaque = (uint16_t)t->layer;
	}
	for (struct node *up = node_up(&t->nodes, n); !up->ino;
	    up = node_up(&t->nodes, up))
		make_dir(t, up, image_ino(t->im, true), 0755);
	return n;
}

bool
tree_turns(struct tree *t, const char *path)
{
	struct node *n = walk(t, path, LOOK);

	return n && n != t->root && n->ino && n->ino != LOST_FOUND &&
	    n->type == EXT2_FT_DIR && !n->named && n->layer < t->layer &&
	    (!n->opaque || n->opaque == t->layer);
}

void
tree_turn(struct tree *t, const char *path, ext2_ino_t ino,
    const char *target)
{
	struct node *n = walk(t, path, LOOK);

	if (!(t->nturns & (t->nturns + 1)))
		t->turns = xrealloc(t->turns,
		    (2 * t->nturns + 1) * sizeof(*t->turns));
	t->turns[t->nturns++] = (struct turn){ n, ino, xstrdup(target) };
	n->opaque = (uint16_t)t->layer;
}

struct node *
tree_find(struct tree *t, const char *path)
{
	struct node *n = walk(t, path, LOOK);

	return n && n->ino ? n : NULL;
}

void
tree_shut(struct tree *t, const char *path)
{
	struct node *n = walk(t, path, WHITEOUT);

	if (n && !n->shut)
		n->shut = (uint16_t)t->layer;
}

void
tree_opaque(struct tree *t, const char *path)
{
	struct node *n = walk(t, path, WHITEOUT);

	if (n && !n->opaque)
		n->opaque = (uint16_t)t->layer;
}

void
tree_set_target(struct tree *t, struct node *n, const char *target)
{
	n->first = target ? nodes_keep(&t->nodes, target) : 0;
}

const char *
tree_target(const struct tree *t, const struct node *n)
{
	return nodes_text(&t->nodes, n->first);
}

void
tree_unlink(struct tree *t, ext2_ino_t ino, bool is_dir)
{
	struct ext2_inode_large inode;

	inode_read(t->im, ino, &inode);
	inode.i_links_count = is_dir ? 0 :
	    (uint16_t)(inode.i_links_count - 1);
	inode_write(t->im, ino, &inode);
	if (inode.i_links_count)
		return;
	if (t->ndead == t->dead_size) {
		t->dead_size = t->dead_size ? 2 * t->dead_size : 64;
		t->dead = xrealloc(t->dead, t->dead_size * sizeof(*t->dead));
	}
	t->dead[t->ndead++] = ino;
}

/* Depth may be a peer's choice, so this goes by the parents, not the stack. */
void
tree_drop(struct tree *t, struct node *top)
{
	struct node *n = top, *up;

	for (;;) {
		while (n->type == EXT2_FT_DIR && n->first)
			n = node_at(&t->nodes, n->first);
		up = node_up(&t->nodes, n);
		if (n->ino)
			tree_unlink(t, n->ino, n->type == EXT2_FT_DIR);
		n->ino = n->first = 0;
		n->named = 0;
		n->waits = false;
		n->type = EXT2_FT_DIR;
		if (n == top)
			return;
		/*
		 * Out of the directory's list for good, so it may not be found
		 * again either.
		 */
		up->first = n->next;
		n->parent = 0;
		n = up;
	}
}

static void
free_inode(struct image *im, ext2_ino_t ino)
{
	struct ext2_inode_large inode;
	bool is_dir;
	errcode_t err;

	inode_read(im, ino, &inode);
	is_dir = LINUX_S_ISDIR(inode.i_mode);
	/* It has kept a block of inodes that have changed since. */
	ext2fs_flush_icache(im->fs);
	err = ext2fs_free_ext_attr(im->fs, ino, &inode);
	if (!err && inode.i_flags & EXT4_EXTENTS_FL)
		err = ext2fs_punch(im->fs, ino, NULL, NULL, 0, ~0ULL);
	if (err)
		die_ext(err, "cannot write '%s'", im->out.path);
	inode = (struct ext2_inode_large){ 0 };
	inode_write(im, ino, &inode);
	ext2fs_inode_alloc_stats2(im->fs, ino, -1, is_dir);
}

static void
finish_dir(struct tree *t, struct node *dir)
{
	autofree struct dirent_new *v = NULL;
	const struct nodes *all = &t->nodes;
	struct node *c;
	size_t n = 0;

	for (c = node_at(all, dir->first); c; c = node_at(all, c->next))
		n += c->ino != 0;
	v = xcalloc(n, sizeof(*v));
	n = 0;
	for (c = node_at(all, dir->first); c; c = node_at(all, c->next))
		if (c->ino)
			v[n++] = (struct dirent_new){ .ino = c->ino,
			    .type = c->type, .len = c->len, .name = c->name };
	/* The list is newest first; people expect the order of arrival. */
	for (size_t i = 0; i < n / 2; i++) {
		struct dirent_new swap = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = swap;
	}
	dir_write(t->im, dir->ino, node_up(all, dir)->ino, v, n);
}

void
tree_finish(struct tree *t)
{
	tree_turn_all(t);
	/* Every live directory once, in the order of a walk by the parents. */
	for (struct node *n = t->root;;) {
		if (n->type == EXT2_FT_DIR && n->ino) {
			finish_dir(t, n);
			if (n->first) {
				n = node_at(&t->nodes, n->first);
				continue;
			}
		}
		while (n != t->root && !n->next)
			n = node_up(&t->nodes, n);
		if (n == t->root)
			break;
		n = node_at(&t->nodes, n->next);
	}
	image_settle(t->im);
	for (size_t i = 0; i < t->ndead; i++)
		free_inode(t->im, t->dead[i]);
}
