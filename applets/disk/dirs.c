/* dirs.c - a directory's blocks, written once, from all of its names
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/filesystems/ext4/directory.html
 *
 * What fits into one block is a plain list. Anything more is a hash tree, so
 * that neither we nor the guest's kernel ever scan a long directory: block 0
 * is its root; then come the leaves, in the order of their hashes; then, if
 * the root cannot hold an entry for each leaf, a level of index blocks.
 */
#include <endian.h>

#include "disk.h"

enum {
	TAIL = 12,		/* the checksum, dressed as an unused entry */
	ROOM = BLOCK - TAIL,
	ROOT_AT = 32,		/* where the index starts in the root */
	NODE_AT = 8,		/* and in the blocks below it */
	IN_ROOT = (BLOCK - ROOT_AT - 8) / 8,
	IN_NODE = (BLOCK - NODE_AT - 8) / 8,
};

struct dir {
	struct image *im;
	ext2_ino_t ino;
	struct extents x;
	uint32_t blocks;
};

/* What the index says of one block. */
struct index {
	uint32_t hash, block;
};

static void *
put_entry(void *at, ext2_ino_t ino, int type, const char *name, size_t len,
    size_t size)
{
	struct ext2_dir_entry_2 *e = at;

	e->inode = htole32(ino);
	e->rec_len = htole16((uint16_t)size);
	e->name_len = (uint8_t)len;
	e->file_type = (uint8_t)type;
	memcpy(e->name, name, len);
	return (uint8_t *)at + size;
}

static blk64_t
add_block(struct dir *d)
{
	blk64_t block = image_block(d->im);

	extents_add(&d->x, d->blocks++, block);
	return block;
}

static void
write_block(struct dir *d, blk64_t block, void *buf)
{
	errcode_t err = ext2fs_dir_block_csum_set(d->im->fs, d->ino, buf);

	if (err)
		die_ext(err, "cannot write '%s'", d->im->out.path);
	image_write(d->im, block, buf);
}

static size_t
entry_size(const struct dirent_new *e)
{
	return (8u + e->len + 3) & ~3u;
}

/* As many names as fit from at on, the last entry stretched to the tail. */
static size_t
put_names(struct dir *d, uint8_t *buf, size_t at, const struct dirent_new *v,
    size_t n)
{
	size_t i, size;

	for (i = 0; i < n && at + entry_size(&v[i]) <= ROOM; i++) {
		size = entry_size(&v[i]);
		if (i + 1 == n || at + size + entry_size(&v[i + 1]) > ROOM)
			size = ROOM - at;
		put_entry(buf + at, v[i].ino, v[i].type, v[i].name, v[i].len,
		    size);
		at += size;
	}
	if (!n)
		put_entry(buf + at, 0, 0, "", 0, ROOM - at);
	ext2fs_initialize_dirent_tail(d->im->fs, EXT2_DIRENT_TAIL(buf, BLOCK));
	return i;
}

/* The list: one block, and for lost+found the room that e2fsck wants. */
static void
write_list(struct dir *d, ext2_ino_t parent, const struct dirent_new *v,
    size_t n, uint32_t blocks)
{
	uint8_t buf[BLOCK] __attribute__((aligned(8))) = { 0 };
	uint8_t *p = put_entry(buf, d->ino, EXT2_FT_DIR, ".", 1, 12);

	if (n) {
		put_entry(p, parent, EXT2_FT_DIR, "..", 2, 12);
		put_names(d, buf, 24, v, n);
	} else {
		put_entry(p, parent, EXT2_FT_DIR, "..", 2, ROOM - 12);
		ext2fs_initialize_dirent_tail(d->im->fs,
		    EXT2_DIRENT_TAIL(buf, BLOCK));
	}
	write_block(d, add_block(d), buf);
	while (d->blocks < blocks) {
		memset(buf, 0, sizeof(buf));
		put_names(d, buf, 0, NULL, 0);
		write_block(d, add_block(d), buf);
	}
}

static int
by_hash(const void *a, const void *b)
{
	const struct dirent_new *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->minor != y->minor)
		return x->minor < y->minor ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
sort_names(struct image *im, struct dirent_new *v, size_t n)
{
	struct ext2_super_block *sb = im->fs->super;

	for (size_t i = 0; i < n; i++)
		ext2fs_dirhash2(sb->s_def_hash_version, v[i].name, v[i].len,
		    NULL, 0, sb->s_hash_seed, &v[i].hash, &v[i].minor);
	qsort(v, n, sizeof(*v), by_hash);
}

/* The leaves; returns what the index must say of them. */
static struct index *
write_leaves(struct dir *d, const struct dirent_new *v, size_t n,
    size_t *ret_n)
{
	struct index *index = NULL;
	size_t leaves = 0, size = 0;

	for (size_t i = 0; i < n;) {
		uint8_t buf[BLOCK] __attribute__((aligned(8))) = { 0 };
		uint32_t hash = v[i].hash & ~1u;

		if (leaves == size) {
			size = size ? 2 * size : 64;
			index = xrealloc(index, size * sizeof(*index));
		}
		/* The low bit: this hash begins in the leaf before. */
		if (i && (v[i - 1].hash & ~1u) == hash)
			hash |= 1;
		index[leaves++] = (struct index){ hash, d->blocks };
		i += put_names(d, buf, 0, v + i, n - i);
		write_block(d, add_block(d), buf);
	}
	*ret_n = leaves;
	return index;
}

static void
put_index(uint8_t *at, const struct index *v, size_t n, size_t max)
{
	struct ext2_dx_entry *e = (struct ext2_dx_entry *)at;
	struct ext2_dx_countlimit *c = (struct ext2_dx_countlimit *)at;

	for (size_t i = 0; i < n; i++) {
		e[i].hash = htole32(v[i].hash);
		e[i].block = htole32(v[i].block);
	}
	/* The first block's hash is implied; this lies in its place. */
	c->limit = htole16((uint16_t)max);
	c->count = htole16((uint16_t)n);
}

/* The level between root and leaves; v becomes the list of its blocks. */
static size_t
write_nodes(struct dir *d, struct index *v, size_t n)
{
	size_t nodes = 0;

	for (size_t i = 0; i < n; nodes++) {
		uint8_t buf[BLOCK] __attribute__((aligned(8))) = { 0 };
		size_t some = n - i < IN_NODE ? n - i : IN_NODE;
		struct index me = { v[i].hash, d->blocks };

		put_entry(buf, 0, 0, "", 0, BLOCK);
		put_index(buf + NODE_AT, v + i, some, IN_NODE);
		write_block(d, add_block(d), buf);
		v[nodes] = me;
		i += some;
	}
	return nodes;
}

static void
write_tree(struct dir *d, ext2_ino_t parent, struct dirent_new *v, size_t n)
{
	uint8_t buf[BLOCK] __attribute__((aligned(8))) = { 0 };
	uint8_t *p = put_entry(buf, d->ino, EXT2_FT_DIR, ".", 1, 12);
	struct ext2_dx_root_info *info = (void *)(buf + 24);
	blk64_t root = add_block(d);
	autofree struct index *index = NULL;
	size_t entries;

	sort_names(d->im, v, n);
	index = write_leaves(d, v, n, &entries);
	if (entries > IN_ROOT) {
		info->indirect_levels = 1;
		entries = write_nodes(d, index, entries);
	}
	if (entries > IN_ROOT)
		die("cannot write '%s': a directory of %zu names is too large",
		    d->im->out.path, n);
	put_entry(p, parent, EXT2_FT_DIR, "..", 2, BLOCK - 12);
	info->hash_version = d->im->fs->super->s_def_hash_version;
	info->info_length = sizeof(*info);
	put_index(buf + ROOT_AT, index, entries, IN_ROOT);
	write_block(d, root, buf);
}

static bool
fits_one_block(const struct dirent_new *v, size_t n)
{
	size_t sum = 24;

	for (size_t i = 0; i < n && sum <= ROOM; i++)
		sum += entry_size(&v[i]);
	return sum <= ROOM;
}

void
dir_write(struct image *im, ext2_ino_t ino, ext2_ino_t parent,
    struct dirent_new *v, size_t n)
{
	struct dir d = { .im = im, .ino = ino };
	struct ext2_inode_large inode;
	uint32_t links = 2;
	blk64_t before;

	inode_read(im, ino, &inode);
	before = ext2fs_inode_i_blocks(im->fs, (struct ext2_inode *)&inode);
	for (size_t i = 0; i < n; i++)
		links += v[i].type == EXT2_FT_DIR;
	if (fits_one_block(v, n)) {
		write_list(&d, parent, v, n,
		    ino == LOST_FOUND ? LOST_FOUND_BLOCKS : 1);
	} else {
		write_tree(&d, parent, v, n);
		inode.i_flags |= EXT2_INDEX_FL;
	}
	extents_store(im, ino, &inode, &d.x);
	/* A block of attributes is there already. */
	ext2fs_iblk_add_blocks(im->fs, (struct ext2_inode *)&inode,
	    before / (BLOCK / 512));
	extents_free(&d.x);
	/* More subdirectories than a link count can say: 1 means many. */
	inode.i_links_count = links >= EXT2_LINK_MAX ? 1 : (uint16_t)links;
	ext2fs_inode_size_set(im->fs, (struct ext2_inode *)&inode,
	    (ext2_off64_t)d.blocks * BLOCK);
	inode_write(im, ino, &inode);
}
