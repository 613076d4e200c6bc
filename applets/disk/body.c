/* body.c - a file's bytes into blocks, and the extent tree that finds them
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/filesystems/ext4/ifork.html#extent-tree
 *
 * A file's blocks are known before its tree is written, so the tree is built
 * from the leaves up, full nodes only.
 */
#include <endian.h>

#include "disk.h"

enum {
	IN_INODE = 4,		/* entries that fit into i_block */
	IN_BLOCK = (BLOCK - 12 - 4) / 12,	/* header and checksum */
};

bool
all_zero(const void *p, size_t n)
{
	const char *c = p;

	return !n || (!*c && !memcmp(c, c + 1, n - 1));
}

void
extents_add(struct extents *x, uint32_t at, blk64_t block)
{
	struct extent *last = x->n ? &x->v[x->n - 1] : NULL;

	if (last && last->at + last->len == at &&
	    last->block + last->len == block && last->len < EXT_INIT_MAX_LEN) {
		last->len++;
		return;
	}
	if (x->n == x->size) {
		x->size = x->size ? 2 * x->size : 16;
		x->v = xrealloc(x->v, x->size * sizeof(*x->v));
	}
	x->v[x->n++] = (struct extent){ .at = at, .len = 1, .block = block };
}

void
extents_free(struct extents *x)
{
	free(x->v);
	*x = (struct extents){ 0 };
}

/* One node: a leaf when depth is 0, else its entries are nodes below it. */
static void
put_node(void *buf, const struct extent *v, size_t n, size_t max, int depth)
{
	struct ext3_extent_header *h = buf;
	struct ext3_extent *leaf = (struct ext3_extent *)(h + 1);
	struct ext3_extent_idx *idx = (struct ext3_extent_idx *)(h + 1);

	*h = (struct ext3_extent_header){
		.eh_magic = htole16(EXT3_EXT_MAGIC),
		.eh_entries = htole16((uint16_t)n),
		.eh_max = htole16((uint16_t)max),
		.eh_depth = htole16((uint16_t)depth),
	};
	for (size_t i = 0; i < n; i++)
		if (depth)
			idx[i] = (struct ext3_extent_idx){
				.ei_block = htole32(v[i].at),
				.ei_leaf = htole32((uint32_t)v[i].block),
				.ei_leaf_hi = htole16(
				    (uint16_t)(v[i].block >> 32)),
			};
		else
			leaf[i] = (struct ext3_extent){
				.ee_block = htole32(v[i].at),
				.ee_len = htole16((uint16_t)v[i].len),
				.ee_start = htole32((uint32_t)v[i].block),
				.ee_start_hi = htole16(
				    (uint16_t)(v[i].block >> 32)),
			};
}

/* Write v as nodes of their own; v becomes the list of them. */
static void
put_level(struct image *im, ext2_ino_t ino, struct extents *v, int depth)
{
	size_t nodes = 0;

	for (size_t i = 0; i < v->n; nodes++) {
		uint8_t buf[BLOCK] __attribute__((aligned(8))) = { 0 };
		size_t n = v->n - i < IN_BLOCK ? v->n - i : IN_BLOCK;
		uint32_t at = v->v[i].at;
		blk64_t block = image_block(im);
		errcode_t err;

		put_node(buf, v->v + i, n, IN_BLOCK, depth);
		err = ext2fs_extent_block_csum_set(im->fs, ino, (void *)buf);
		if (err)
			die_ext(err, "cannot write '%s'", im->out.path);
		image_write(im, block, buf);
		i += n;
		v->v[nodes] = (struct extent){ .at = at, .block = block };
	}
	v->n = nodes;
}

void
extents_store(struct image *im, ext2_ino_t ino,
    struct ext2_inode_large *inode, const struct extents *x)
{
	blk64_t blocks = 0;
	struct extents v = { .n = x->n };
	int depth = 0;

	v.v = xmalloc(x->n * sizeof(*v.v));
	for (size_t i = 0; i < x->n; i++) {
		v.v[i] = x->v[i];
		blocks += x->v[i].len;
	}
	while (v.n > IN_INODE) {
		put_level(im, ino, &v, depth++);
		blocks += v.n;
	}
	put_node(inode->i_block, v.v, v.n, IN_INODE, depth);
	free(v.v);
	inode->i_flags |= EXT4_EXTENTS_FL;
	ext2fs_iblk_set(im->fs, (struct ext2_inode *)inode, blocks);
}

void
body_init(struct body *b, struct image *im)
{
	b->im = im;
	b->x = (struct extents){ 0 };
	b->pos = b->at = 0;
	b->part_used = false;
}

static void
put_block(struct body *b, uint64_t at, const void *data)
{
	blk64_t block;

	if (all_zero(data, BLOCK))
		return;
	/* The last block number is not a legal one. */
	if (at >= UINT32_MAX)
		die_member("files end at 16 TiB");
	block = image_block(b->im);
	image_write(b->im, block, data);
	extents_add(&b->x, (uint32_t)at, block);
}

static void
put_part(struct body *b)
{
	if (b->part_used)
		put_block(b, b->at, b->part);
	b->part_used = false;
}

void
body_write(struct body *b, uint64_t off, const void *data, size_t n)
{
	const uint8_t *p = data;

	if (off < b->pos)
		die_member("its sparse map runs backwards");
	while (n) {
		uint64_t at = off / BLOCK;
		size_t skip = off % BLOCK;
		size_t take = n < BLOCK - skip ? n : BLOCK - skip;

		if (b->part_used && b->at != at)
			put_part(b);
		if (take == BLOCK) {
			put_block(b, at, p);
		} else {
			if (!b->part_used)
				memset(b->part, 0, BLOCK);
			memcpy(b->part + skip, p, take);
			b->part_used = true;
			b->at = at;
		}
		off += take;
		p += take;
		n -= take;
	}
	b->pos = off;
}

void
body_end(struct body *b, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	put_part(b);
	extents_store(b->im, ino, inode, &b->x);
	extents_free(&b->x);
}
