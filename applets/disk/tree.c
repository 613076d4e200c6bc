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
#include <sys/mman.h>

#include "tree.h"

enum {
	MAX_BYTES = 1 << 30,	/* of names: some twenty million */
	MAX_LINKS = 40,		/* symbolic links on one path, as in Linux */
	UNIT = 4,		/* of refs */
};

static inline struct node *
at(const struct tree *t, uint32_t ref)
{
	return ref ? (struct node *)(void *)(t->arena + (size_t)ref * UNIT) :
	    NULL;
}

static inline uint32_t
ref_of(const struct tree *t, const void *p)
{
	return (uint32_t)((size_t)((const uint8_t *)p - t->arena) / UNIT);
}

/* Zeroed memory that stays. */
static void *
take(struct tree *t, size_t n)
{
	void *p = t->arena + t->bytes;

	t->bytes += (n + UNIT - 1) / UNIT * UNIT;
	if (t->bytes > MAX_BYTES)
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
slot(const struct tree *t, const struct node *n)
{
	return &t->table[hash_name(n->parent, n->name, n->len) & (t->size - 1)];
}

static void
grow_table(struct tree *t)
{
	uint32_t *old = t->table;
	size_t n = t->size;

	t->size = n ? 2 * n : 1024;
	t->table = xcalloc(t->size, sizeof(*t->table));
	for (size_t i = 0; i < n; i++)
		for (uint32_t ref = old[i], chain; ref; ref = chain) {
			uint32_t *to = slot(t, at(t, ref));

			chain = at(t, ref)->chain;
			at(t, ref)->chain = *to;
			*to = ref;
		}
	free(old);
}

static struct node *
lookup(const struct tree *t, const struct node *dir, const char *name,
    size_t len)
{
	uint32_t up = ref_of(t, dir);
	uint32_t ref = t->table[hash_name(up, name, len) & (t->size - 1)];
	struct node *n;

	while ((n = at(t, ref)) && (n->parent != up || n->len != len ||
	    memcmp(n->name, name, len)))
		ref = n->chain;
	return n;
}

static struct node *
add(struct tree *t, struct node *dir, const char *name, size_t len)
{
	struct node *n;
	uint32_t *to;

	if (len > EXT2_NAME_LEN)
		die_member("a name has more than 255 bytes");
	/* A chain of two on average: a million names are worth the memory. */
	if (t->used >= 2 * t->size)
		grow_table(t);
	n = take(t, sizeof(*n) + len + 1);
	memcpy(n->name, name, len);
	n->len = (uint8_t)len;
	n->type = EXT2_FT_DIR;
	n->parent = ref_of(t, dir ? dir : n);
	to = slot(t, n);
	n->chain = *to;
	*to = ref_of(t, n);
	t->used++;
	if (dir) {
		n->next = dir->first;
		dir->first = ref_of(t, n);
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

	*t = (struct tree){ .im = im, .layer = 1, .bytes = UNIT };
	t->arena = mmap(NULL, MAX_BYTES + 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->arena == MAP_FAILED)
		die_sys("cannot keep names in memory");
	grow_table(t);
	t->root = add(t, NULL, "", 0);
	make_dir(t, t->root, EXT2_ROOT_INO, 0755);
	n = add(t, t->root, "lost+found", strlen("lost+found"));
	make_dir(t, n, LOST_FOUND, 0700);
	/* Where a layer below names them, that counts. */
	t->root->layer = n->layer = 0;
}

void
tree_release(struct tree *t)
{
	munmap(t->arena, MAX_BYTES + 4096);
	free(t->table);
	free(t->dead);
	free(t->turns);
	*t = (struct tree){ 0 };
}

static bool
is_taken(const struct node *n)
{
	return n->ino || n->waits;
}

/* Whether upper layers let the current one be seen at n, and below it. */
static bool
is_hidden(const struct tree *t, const struct node *n)
{
	return (n->shut && n->shut < t->layer) ||
	    (is_taken(n) && n->type != EXT2_FT_DIR && n->layer < t->layer);
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

			if (++links > MAX_LINKS)
				die_member("too many symbolic links on its "
				    "path");
			p = follow(t, n, path, &dir);
			free(spliced);
			path = spliced = p;
			n = dir;
			continue;
		}
		if (is_taken(n) && n->type != EXT2_FT_DIR && how == WHITEOUT)
			return NULL;
		if (is_taken(n) && n->type != EXT2_FT_DIR)
			die_member("'%s' on its path is not a directory",
			    n->name);
		if (hides_content(t, n))
			return NULL;
		dir = n;
		if (len <= 2 && !memcmp(path, "..", len)) {
			n = len == 2 ? at(t, dir->parent) : dir;
			path += len;
			continue;
		}
		n = lookup(t, dir, path, len);
		if (!n && how != LOOK)
			n = add(t, dir, path, len);
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
	if (is_taken(n) && n->type == EXT2_FT_DIR && !is_dir) {
		/* Of an upper layer, it hides this, and this what is below. */
		if (!n->opaque)
			n->opaque = (uint16_t)t->layer;
		if (n->layer < t->layer)
			return NULL;
	}
	if (is_taken(n) && (n->type != EXT2_FT_DIR || !is_dir)) {
		tree_drop(t, n);
		if (!n->opaque)
			n->opaque = (uint16_t)t->layer;
	}
	for (struct node *up = at(t, n->parent); !up->ino;
	    up = at(t, up->parent))
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
		    lookup(t, dir, path, len) :
		    len == 2 ? at(t, dir->parent) : dir;

		path += len;
		if (n && n->ino && n->type == EXT2_FT_SYMLINK &&
		    ++links <= MAX_LINKS) {
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
	/* The root's parent is itself; that none has none is for analyzers. */
	while (n && n != top && n != t->root)
		n = at(t, n->parent);
	return n == top;
}

/* The name moves to another directory; its old place in the hash stays dead. */
static void
move(struct tree *t, struct node *n, struct node *to)
{
	uint32_t *place = slot(t, n), me = ref_of(t, n);

	while (*place != me)
		place = &at(t, *place)->chain;
	*place = n->chain;
	n->parent = ref_of(t, to);
	place = slot(t, n);
	n->chain = *place;
	*place = me;
	n->next = to->first;
	to->first = me;
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
		struct node *c = at(t, from->first);
		struct node *d = lookup(t, to, c->name, c->len);

		from->first = c->next;
		if (!d) {
			move(t, c, to);
			continue;
		}
		if (c->shut && is_taken(d) && d->layer > c->shut)
			tree_drop(t, d);
		if (!is_taken(c) && c->type != EXT2_FT_DIR)
			continue;
		if (!is_taken(c) || (is_taken(d) &&
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
		if (is_taken(d) && d->layer <= c->layer) {
			c->next = 0;
			tree_drop(t, c);
			continue;
		}
		if (is_taken(d))
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
static void
turn_all(struct tree *t)
{
	for (size_t i = 0; i < t->nturns; i++) {
		struct turn *turn = &t->turns[i];
		struct node *n = turn->node, *to = n->parent && n->ino ?
		    final_dir(t, at(t, n->parent), turn->target) : NULL;

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
	char *p;

	n->first = 0;
	if (!target)
		return;
	p = take(t, strlen(target) + 1);
	memcpy(p, target, strlen(target) + 1);
	n->first = ref_of(t, p);
}

const char *
tree_target(const struct tree *t, const struct node *n)
{
	return (const char *)t->arena + (size_t)n->first * UNIT;
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
			n = at(t, n->first);
		up = at(t, n->parent);
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
	struct node *c;
	size_t n = 0;

	for (c = at(t, dir->first); c; c = at(t, c->next))
		n += c->ino != 0;
	v = xcalloc(n, sizeof(*v));
	n = 0;
	for (c = at(t, dir->first); c; c = at(t, c->next))
		if (c->ino)
			v[n++] = (struct dirent_new){ .ino = c->ino,
			    .type = c->type, .len = c->len, .name = c->name };
	/* The list is newest first; people expect the order of arrival. */
	for (size_t i = 0; i < n / 2; i++) {
		struct dirent_new swap = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = swap;
	}
	dir_write(t->im, dir->ino, at(t, dir->parent)->ino, v, n);
}

void
tree_finish(struct tree *t)
{
	turn_all(t);
	/* Every live directory once, in the order of a walk by the parents. */
	for (struct node *n = t->root;;) {
		if (n->type == EXT2_FT_DIR && n->ino) {
			finish_dir(t, n);
			if (n->first) {
				n = at(t, n->first);
				continue;
			}
		}
		while (n != t->root && !n->next)
			n = at(t, n->parent);
		if (n == t->root)
			break;
		n = at(t, n->next);
	}
	image_settle(t->im);
	for (size_t i = 0; i < t->ndead; i++)
		free_inode(t->im, t->dead[i]);
}
