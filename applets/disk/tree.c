/* tree.c - the names of an image that is being filled
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. Every name is a node, found by (directory, name) in one hash table. A
 *    removed name stays as a node whose ino is 0, and may come back.
 * 2. Inodes are written when they come, but for directories' blocks and link
 *    counts: tree_finish writes those, each directory once.
 * 3. An inode that lost its last name is freed at the end, so that no block
 *    is handed out twice (image.c, 2).
 */
#include "disk.h"

enum {
	MAX_BYTES = 1 << 30,	/* of names: some six million */
	MAX_LINKS = 40,		/* symbolic links on one path, as in Linux */
};

static uint32_t
hash_name(const struct node *parent, const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325 ^ (uintptr_t)parent >> 4;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 0x100000001b3;
	return (uint32_t)(h ^ h >> 32);
}

static void
grow_table(struct tree *t)
{
	size_t size = t->size ? 2 * t->size : 1024;
	struct node **table = xcalloc(size, sizeof(*table));

	for (size_t i = 0; i < t->size; i++)
		for (struct node *n = t->table[i], *chain; n; n = chain) {
			chain = n->chain;
			n->chain = table[n->hash & (size - 1)];
			table[n->hash & (size - 1)] = n;
		}
	free(t->table);
	t->table = table;
	t->size = size;
}

static void
count_bytes(struct tree *t, size_t n, const char *what)
{
	t->bytes += n;
	if (t->bytes > MAX_BYTES)
		die("cannot import '%s': the names fill %d MiB of memory",
		    what, MAX_BYTES >> 20);
}

static struct node *
lookup(const struct tree *t, const struct node *dir, const char *name,
    size_t len)
{
	uint32_t h = hash_name(dir, name, len);
	struct node *n = t->table[h & (t->size - 1)];

	while (n && (n->hash != h || n->parent != dir || n->len != len ||
	    memcmp(n->name, name, len)))
		n = n->chain;
	return n;
}

static struct node *
add(struct tree *t, struct node *dir, const char *name, size_t len,
    const char *what)
{
	struct node *n;

	if (len > EXT2_NAME_LEN)
		die("cannot import '%s': a name has more than 255 bytes", what);
	if (t->used >= t->size)
		grow_table(t);
	count_bytes(t, sizeof(*n) + len + 1 + sizeof(n), what);
	n = xcalloc(1, sizeof(*n) + len + 1);
	memcpy(n->name, name, len);
	n->len = (uint8_t)len;
	n->hash = hash_name(dir, name, len);
	n->parent = dir ? dir : n;
	n->chain = t->table[n->hash & (t->size - 1)];
	t->table[n->hash & (t->size - 1)] = n;
	t->used++;
	if (dir) {
		n->next = dir->first;
		dir->first = n;
	}
	return n;
}

/* A directory that no member described (yet). */
static void
make_dir(struct tree *t, struct node *n, ext2_ino_t ino, unsigned mode)
{
	struct ext2_inode_large inode = { 0 };

	n->type = EXT2_FT_DIR;
	n->ino = ino;
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

	*t = (struct tree){ .im = im };
	grow_table(t);
	t->root = add(t, NULL, "", 0, "/");
	make_dir(t, t->root, EXT2_ROOT_INO, 0755);
	n = add(t, t->root, "lost+found", strlen("lost+found"), "/");
	make_dir(t, n, LOST_FOUND, 0700);
}

/* The directory that a symbolic link stands for, then the rest of the path. */
static char *
follow(struct tree *t, const struct node *link, const char *rest,
    struct node **dir, const char *what)
{
	if (*link->target == '/')
		*dir = t->root;
	if (strlen(link->target) + strlen(rest) > 65536)
		die("cannot import '%s': too long with its symbolic links",
		    what);
	return xasprintf("%s/%s", link->target, rest);
}

/*
 * Walk to the last component's node. Without `make` a missing directory is
 * NULL, with it the directory is made, and so is the last name.
 */
static struct node *
walk(struct tree *t, const char *path, const char *what, bool make)
{
	struct node *dir = t->root, *n = dir;
	autofree char *spliced = NULL;
	int links = 0;

	for (;;) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (!len)
			return n;
		if (n->type != EXT2_FT_DIR)
			die("cannot import '%s': '%s' on its path is not a "
			    "directory", what, n->name);
		dir = n;
		if (len <= 2 && !memcmp(path, "..", len)) {
			n = len == 2 ? dir->parent : dir;
			path += len;
			continue;
		}
		n = lookup(t, dir, path, len);
		if (!n && make)
			n = add(t, dir, path, len, what);
		if (!n)
			return NULL;
		path += len;
		if (!path[strspn(path, "/")])
			return n;
		if (!n->ino && !make)
			return NULL;
		if (!n->ino)
			make_dir(t, n, image_ino(t->im, true), 0755);
		if (n->type == EXT2_FT_SYMLINK) {
			char *p;

			if (++links > MAX_LINKS)
				die("cannot import '%s': too many symbolic "
				    "links on its path", what);
			p = follow(t, n, path, &dir, what);
			free(spliced);
			path = spliced = p;
			n = dir;
		}
	}
}

struct node *
tree_make(struct tree *t, const char *path, const char *what)
{
	return walk(t, path, what, true);
}

struct node *
tree_find(struct tree *t, const char *path, const char *what)
{
	struct node *n = walk(t, path, what, false);

	return n && n->ino ? n : NULL;
}

void
tree_set_target(struct tree *t, struct node *n, char *target,
    const char *what)
{
	n->target = target;
	if (target)
		count_bytes(t, strlen(target), what);
}

/* One name less for an inode. */
static void
unlink_ino(struct tree *t, ext2_ino_t ino, bool is_dir)
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
		while (n->first)
			n = n->first;
		up = n->parent;
		if (n->ino)
			unlink_ino(t, n->ino, n->type == EXT2_FT_DIR);
		n->ino = 0;
		t->bytes -= n->target ? strlen(n->target) : 0;
		free(n->target);
		n->target = NULL;
		if (n == top)
			return;
		/*
		 * Out of the directory's list for good, so it may not be found
		 * again either.
		 */
		up->first = n->next;
		n->parent = NULL;
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
	size_t n = 0;

	for (struct node *c = dir->first; c; c = c->next)
		n += c->ino != 0;
	v = xcalloc(n, sizeof(*v));
	n = 0;
	for (struct node *c = dir->first; c; c = c->next)
		if (c->ino)
			v[n++] = (struct dirent_new){ .ino = c->ino,
			    .type = c->type, .len = c->len, .name = c->name };
	/* The list is newest first; people expect the order of arrival. */
	for (size_t i = 0; i < n / 2; i++) {
		struct dirent_new swap = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = swap;
	}
	dir_write(t->im, dir->ino, dir->parent->ino, v, n);
}

void
tree_finish(struct tree *t)
{
	/* Every live directory once, in the order of a walk by the parents. */
	for (struct node *n = t->root;;) {
		if (n->type == EXT2_FT_DIR && n->ino) {
			finish_dir(t, n);
			if (n->first) {
				n = n->first;
				continue;
			}
		}
		while (n != t->root && !n->next)
			n = n->parent;
		if (n == t->root)
			break;
		n = n->next;
	}
	image_settle(t->im);
	for (size_t i = 0; i < t->ndead; i++)
		free_inode(t->im, t->dead[i]);
}
