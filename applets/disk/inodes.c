/* inodes.c - the inodes of a new image, in long writes
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/filesystems/ext4/inodes.html
 *
 * Inodes come in the order of their numbers, so the part of a group's table
 * that they lie in is held until they leave it: one write for a thousand.
 * Which is also why libext2fs must keep no blocks: it and we would not see
 * what the other has written. An image that is changed is libext2fs's alone.
 */
#include "disk.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "inodes are written as they lie in memory"
#endif

enum {
	SIZE = sizeof(struct ext2_inode_large),
	DISK_SIZE = SIZE + INODE_TAIL,
	WINDOW = 1024,		/* inodes that are held */
};

struct itable {
	ext2_ino_t first;	/* that is held; 0: none */
	uint32_t n;
	bool dirty;
	size_t old;		/* bytes of buf that a settled part has left */
	uint8_t buf[WINDOW * DISK_SIZE];
};

void
itable_init(struct image *im)
{
	errcode_t err = io_channel_set_options(im->fs->io, "cache=off");

	if (err)
		die_ext(err, "cannot make '%s'", im->out.path);
	im->itable = xcalloc(1, sizeof(*im->itable));
}

/* Where an inode lies in the file. */
static uint64_t
place(struct image *im, ext2_ino_t ino)
{
	ext2_ino_t per = im->fs->super->s_inodes_per_group;

	return ext2fs_inode_table_loc(im->fs, (ino - 1) / per) * BLOCK +
	    (uint64_t)((ino - 1) % per) * DISK_SIZE;
}

static void
get(struct image *im, void *buf, size_t n, off_t at)
{
	if (pread(im->out.fd, buf, n, at) != (ssize_t)n)
		die_sys("cannot read '%s'", im->out.path);
}

/* The bytes of what is held that are in use; behind them all is zero. */
static size_t
used(struct image *im)
{
	const struct itable *t = im->itable;
	uint32_t n = im->last_ino < t->first ? 0 : im->last_ino + 1 - t->first;

	return (size_t)(n < t->n ? n : t->n) * DISK_SIZE;
}

static void
flush(struct image *im)
{
	struct itable *t = im->itable;

	if (t->dirty)
		output_put(&im->out, t->buf, used(im), place(im, t->first));
	t->dirty = false;
}

void
itable_settle(struct image *im)
{
	if (!im->itable)
		return;
	flush(im);
	if (im->itable->n)
		im->itable->old = used(im);
	im->itable->n = im->itable->first = 0;
	ext2fs_flush_icache(im->fs);
}

/* Where it is held, or NULL; what lies above is taken in. */
static uint8_t *
held(struct image *im, ext2_ino_t ino)
{
	struct itable *t = im->itable;
	ext2_ino_t per = im->fs->super->s_inodes_per_group, left;
	size_t n, old;

	if (ino >= t->first + t->n || !t->n) {
		flush(im);
		old = t->n ? used(im) : t->old;
		t->first = ino;
		left = per - (ino - 1) % per;
		t->n = left < WINDOW ? left : WINDOW;
		n = used(im);
		get(im, t->buf, n, place(im, ino));
		if (old > n)
			memset(t->buf + n, 0, old - n);
	}
	return ino < t->first ? NULL :
	    t->buf + (size_t)(ino - t->first) * DISK_SIZE;
}

/* n bytes at off of an inode, and its checksum. */
static void
change(struct image *im, ext2_ino_t ino, size_t off, const void *p, size_t n)
{
	uint8_t one[DISK_SIZE] __attribute__((aligned(8)));
	uint8_t *to = held(im, ino);
	bool alone = !to;
	errcode_t err;

	if (alone) {
		to = one;
		get(im, one, DISK_SIZE, place(im, ino));
	}
	memcpy(to + off, p, n);
	err = ext2fs_inode_csum_set(im->fs, ino, (void *)to);
	if (err)
		die_ext(err, "cannot write '%s'", im->out.path);
	if (alone)
		output_put(&im->out, one, DISK_SIZE, place(im, ino));
	else
		im->itable->dirty = true;
}

void
inode_write(struct image *im, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	errcode_t err;

	if (im->itable) {
		change(im, ino, 0, inode, SIZE);
		return;
	}
	err = ext2fs_write_inode_full(im->fs, ino,
	    (struct ext2_inode *)inode, sizeof(*inode));
	if (err)
		die_ext(err, "cannot write '%s'", im->out.path);
}

void
inode_tail(struct image *im, ext2_ino_t ino, const uint8_t tail[INODE_TAIL])
{
	change(im, ino, SIZE, tail, INODE_TAIL);
}

void
inode_read(struct image *im, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	struct itable *t = im->itable;
	errcode_t err;

	if (!t) {
		err = ext2fs_read_inode_full(im->fs, ino,
		    (struct ext2_inode *)inode, sizeof(*inode));
		if (err)
			die_ext(err, "cannot read '%s'", im->out.path);
	} else if (ino >= t->first && ino < t->first + t->n) {
		memcpy(inode, t->buf + (size_t)(ino - t->first) * DISK_SIZE,
		    SIZE);
	} else {
		get(im, inode, SIZE, place(im, ino));
	}
}
