/* image.c - a new ext4 file system in a sparse file
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. A sparse file reads as zeros, so inode tables and journal are never
 *    written, and every group says so (INODE_ZEROED): the guest's kernel has
 *    nothing left to initialise.
 * 2. Blocks are handed out in ascending order and never twice: a stale block in
 *    libext2fs's cache cannot overwrite what we wrote past it.
 */
#include <sys/random.h>
#include <time.h>

#include "disk.h"

enum {
	BUFFER = 1 << 20,
	SYNC_STEP = 16 << 20,	/* that much is sent to the disk early */
	CSUM_SEED = 0x62616e67,	/* any number, but always the same */
};

/* What mke2fs would choose for a disk of this size, but 4 KiB blocks always. */
static void
set_shape(struct ext2_super_block *sb, const struct format *f)
{
	uint64_t size = (uint64_t)f->size, blocks = size / BLOCK;
	uint64_t inodes = size / (size < 512 << 20 ? 4096 : 16384);
	uint64_t per_block = BLOCK / EXT2_MIN_DESC_SIZE_64BIT;
	uint64_t descs = blocks / 32768 / per_block + 1;

	sb->s_rev_level = EXT2_DYNAMIC_REV;
	sb->s_log_block_size = 2;
	sb->s_inode_size = 256;
	sb->s_desc_size = EXT2_MIN_DESC_SIZE_64BIT;
	sb->s_log_groups_per_flex = 4;
	sb->s_inodes_count = inodes > UINT32_MAX / 2 ? UINT32_MAX / 2 :
	    (uint32_t)inodes;
	ext2fs_blocks_count_set(sb, blocks);
	ext2fs_set_feature_filetype(sb);
	ext2fs_set_feature_sparse_super(sb);
	ext2fs_set_feature_large_file(sb);
	ext2fs_set_feature_huge_file(sb);
	ext2fs_set_feature_dir_nlink(sb);
	ext2fs_set_feature_extra_isize(sb);
	ext2fs_set_feature_dir_index(sb);
	ext2fs_set_feature_xattr(sb);
	ext2fs_set_feature_extents(sb);
	ext2fs_set_feature_flex_bg(sb);
	ext2fs_set_feature_64bit(sb);
	ext2fs_set_feature_metadata_csum(sb);
	if (blocks > UINT32_MAX / 2 || f->brief)
		return;
	/* Room to grow by half a TiB at least; each costs a written block. */
	ext2fs_set_feature_resize_inode(sb);
	sb->s_reserved_gdt_blocks = descs < 8 ? 64 :
	    descs < 64 ? (uint16_t)(8 * descs) : 512;
}

static void
set_identity(ext2_filsys fs, const struct format *f)
{
	static const uint8_t none[16];
	struct ext2_super_block *sb = fs->super;

	if (getrandom(sb->s_uuid, 16, 0) != 16)
		die_sys("cannot get random bytes");
	sb->s_uuid[6] = (sb->s_uuid[6] & 0x0f) | 0x40;
	sb->s_uuid[8] = (sb->s_uuid[8] & 0x3f) | 0x80;
	if (memcmp(f->uuid, none, 16))
		memcpy(sb->s_uuid, f->uuid, 16);
	/* Any 16 bytes would do; these make equal images of equal input. */
	memcpy(sb->s_hash_seed, sb->s_uuid, 16);
	if (f->late) {
		/* Checksums must not depend on what is not known yet. */
		memset(sb->s_uuid, 0, 16);
		ext2fs_set_feature_csum_seed(sb);
		sb->s_checksum_seed = CSUM_SEED;
	}
	if (f->label)
		memcpy(sb->s_volume_name, f->label, strlen(f->label));
	sb->s_checksum_type = EXT2_CRC32C_CHKSUM;
	ext2fs_init_csum_seed(fs);
	sb->s_def_hash_version = EXT2_HASH_HALF_MD4;
	sb->s_flags |= EXT2_FLAGS_SIGNED_HASH;
	sb->s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
	sb->s_min_extra_isize = sb->s_want_extra_isize =
	    sizeof(struct ext2_inode_large) - EXT2_GOOD_OLD_INODE_SIZE;
}

static void
set_time(ext2_filsys fs, const struct format *f)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	fs->now = epoch ? (time_t)xnum(epoch, 1, UINT32_MAX,
	    "SOURCE_DATE_EPOCH") : f->now ? (time_t)f->now : time(NULL);
	fs->super->s_mkfs_time = fs->super->s_lastcheck = (uint32_t)fs->now;
}

static void
reserve_inodes(struct image *im)
{
	for (ext2_ino_t i = 1; i <= LOST_FOUND; i++)
		ext2fs_inode_alloc_stats2(im->fs, i, 1,
		    i == EXT2_ROOT_INO || i == LOST_FOUND);
	ext2fs_mark_ib_dirty(im->fs);
	im->last_ino = LOST_FOUND;
}

static errcode_t
add_journal(ext2_filsys fs)
{
	int blocks = ext2fs_default_journal_size(
	    ext2fs_blocks_count(fs->super));

	if (blocks <= 0)
		return 0;
	return ext2fs_add_journal_inode2(fs, (blk_t)blocks, ~0ULL,
	    EXT2_MKJOURNAL_LAZYINIT | EXT2_MKJOURNAL_NO_MNT_CHECK);
}

/*
 * The blocks that no file can have, as a kernel counts them: to one that finds
 * another number here, all the copies of the superblock have to be read and
 * written, one after the other, before it has mounted.
 */
static uint32_t
overhead(ext2_filsys fs)
{
	uint32_t n = 0, super = 1 + fs->desc_blocks +
	    fs->super->s_reserved_gdt_blocks;
	int journal = ext2fs_default_journal_size(
	    ext2fs_blocks_count(fs->super));

	for (dgrp_t g = 0; g < fs->group_desc_count; g++)
		n += 2 + fs->inode_blocks_per_group +
		    (ext2fs_bg_has_super(fs, g) ? super : 0);
	return n + (journal > 0 ? (uint32_t)journal : 0);
}

void
image_new(struct image *im, const char *path, const struct format *f)
{
	struct ext2_super_block sb = { 0 };
	errcode_t err;

	*im = (struct image){ .buf = xmalloc(BUFFER) };
	output_open(&im->out, path, 0666);
	im->out.brief = f->brief;
	if (ftruncate(im->out.fd, f->size))
		die_sys("cannot make '%s'", path);
	set_shape(&sb, f);
	err = ext2fs_initialize(im->out.tmp, EXT2_FLAG_64BITS, &sb,
	    unix_io_manager, &im->fs);
	if (err)
		die_ext(err, "cannot format '%s'", path);
	set_identity(im->fs, f);
	set_time(im->fs, f);
	err = ext2fs_allocate_tables(im->fs);
	if (err)
		die_ext(err, "cannot format '%s'", path);
	for (dgrp_t g = 0; g < im->fs->group_desc_count; g++) {
		ext2fs_bg_flags_set(im->fs, g, EXT2_BG_INODE_ZEROED);
		ext2fs_group_desc_csum_set(im->fs, g);
	}
	reserve_inodes(im);
	if (ext2fs_has_feature_resize_inode(im->fs->super))
		err = ext2fs_create_resize_inode(im->fs);
	if (!err)
		err = add_journal(im->fs);
	if (err)
		die_ext(err, "cannot format '%s'", path);
	im->fs->super->s_overhead_clusters = overhead(im->fs);
	itable_init(im);
}

void
image_identity(struct image *im, const uint8_t uuid[16])
{
	memcpy(im->fs->super->s_uuid, uuid, 16);
	memcpy(im->fs->super->s_hash_seed, uuid, 16);
	ext2fs_mark_super_dirty(im->fs);
}

/* So that the sync at the end finds little left to wait for. */
static void
sync_early(struct image *im, uint64_t end)
{
	if (!im->itable || im->out.brief || end < im->synced + SYNC_STEP)
		return;
	sync_file_range(im->out.fd, (off_t)im->synced,
	    (off_t)(end - im->synced), SYNC_FILE_RANGE_WRITE);
	im->synced = end;
}

static void
buffer_flush(struct image *im)
{
	uint64_t at = im->pos * BLOCK;
	size_t len = im->len;

	output_put(&im->out, im->buf, len, at);
	im->len = 0;
	sync_early(im, at + len);
}

void
image_settle(struct image *im)
{
	buffer_flush(im);
	itable_settle(im);
	if (im->next > im->taken)
		ext2fs_block_alloc_stats_range(im->fs, im->taken,
		    (blk_t)(im->next - im->taken), 1);
	/* libext2fs may now take blocks of the run: look for one again. */
	im->taken = im->end = im->next;
}

/* The run of blocks is used up: the next one. */
static void
next_run(struct image *im)
{
	blk64_t last = ext2fs_blocks_count(im->fs->super) - 1;

	if (im->next > im->taken)
		ext2fs_block_alloc_stats_range(im->fs, im->taken,
		    (blk_t)(im->next - im->taken), 1);
	if (im->next > last || ext2fs_find_first_zero_block_bitmap2(
	    im->fs->block_map, im->next, last, &im->next))
		die("cannot write '%s': the image is full (%lld MiB)",
		    im->out.path, (long long)((last + 1) * BLOCK >> 20));
	if (ext2fs_find_first_set_block_bitmap2(im->fs->block_map, im->next,
	    last, &im->end))
		im->end = last + 1;
	im->taken = im->next;
}

blk64_t
image_block(struct image *im)
{
	if (im->next == im->end)
		next_run(im);
	return im->next++;
}

void
image_write(struct image *im, blk64_t block, const void *data)
{
	if (im->len == BUFFER || block != im->pos + im->len / BLOCK)
		buffer_flush(im);
	if (!im->len)
		im->pos = block;
	memcpy(im->buf + im->len, data, BLOCK);
	im->len += BLOCK;
}

ext2_ino_t
image_ino(struct image *im, bool is_dir)
{
	if (im->last_ino >= im->fs->super->s_inodes_count)
		die("cannot write '%s': all %u inodes are used", im->out.path,
		    im->fs->super->s_inodes_count);
	ext2fs_inode_alloc_stats2(im->fs, ++im->last_ino, 1, is_dir);
	return im->last_ino;
}

void
inode_time(uint32_t *ret_sec, uint32_t *ret_extra, int64_t sec, long nsec)
{
	const int64_t min = INT32_MIN, max = min + (INT64_C(1) << 34) - 1;

	sec = sec < min ? min : sec > max ? max : sec;
	*ret_sec = (uint32_t)sec;
	*ret_extra = ((uint32_t)nsec << 2) |
	    (uint32_t)(((sec - (int32_t)*ret_sec) >> 32) & 3);
}

void
image_commit(struct image *im)
{
	errcode_t err;

	image_settle(im);
	/* Synced once, by output_commit, when everything is there. */
	err = ext2fs_close2(im->fs, EXT2_FLAG_FLUSH_NO_SYNC);
	if (err)
		die_ext(err, "cannot write '%s'", im->out.path);
	output_commit(&im->out);
	free(im->buf);
}
