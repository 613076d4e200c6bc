/* journal - fuzz what bng-disk plays back of an image's journal
 *
 * SPDX-License-Identifier: MIT
 *
 * with: applets/disk/shadow.c
 * with: -lext2fs -lcom_err
 *
 * Each 64 bytes of the input begin a block of the log; an odd first byte gets
 * the block a magic number and the right transaction. Every checksum is 0. If
 * the input's first byte is 255 it is the journal's superblock as well.
 */
#include <sys/mman.h>

#include "../../applets/disk/disk.h"

#define ext2fs_crc32c_le(seed, p, n) no_sum(seed, p, n)

static uint32_t
no_sum(uint32_t seed, const void *p, size_t n)
{
	(void)seed;
	(void)p;
	(void)n;
	return 0;
}

#include "../../applets/disk/journal.c"

enum { BLOCKS = 4096, PIECE = 64, NUMBER = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;
static struct image im;

static void
must(bool fine)
{
	if (!fine)
		abort();
}

/* An empty file system with a journal, in memory. */
static void
make(void)
{
	struct ext2_super_block sb = { .s_log_block_size = 2,
		.s_rev_level = EXT2_DYNAMIC_REV, .s_inodes_count = 128 };
	char path[64];

	im.out.fd = memfd_create("image", MFD_CLOEXEC);
	must(im.out.fd >= 0 && !ftruncate(im.out.fd, BLOCKS * BLOCK));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", im.out.fd);
	im.out.path = strdup(path);
	ext2fs_blocks_count_set(&sb, BLOCKS);
	ext2fs_set_feature_extents(&sb);
	must(!ext2fs_initialize(path, EXT2_FLAG_64BITS, &sb, unix_io_manager,
	    &im.fs) && !ext2fs_allocate_tables(im.fs));
	for (ext2_ino_t i = 1; i < EXT2_GOOD_OLD_FIRST_INO; i++)
		ext2fs_inode_alloc_stats2(im.fs, i, 1, 0);
	must(!ext2fs_add_journal_inode2(im.fs, 1024, ~0ULL, 0) &&
	    !ext2fs_close_free(&im.fs) && !ext2fs_open(path,
	    EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &im.fs));
}

static void
put_piece(struct journal *j, uint32_t at, const uint8_t *p, size_t n)
{
	uint8_t block[BLOCK] = { 0 };

	memcpy(block, p, n);
	if (*p & 1) {
		put_be32(block, MAGIC);
		put_be32(block + 4, *p & 2 ? DESCRIPTOR : COMMIT);
		put_be32(block + 8, NUMBER);
	}
	if ((*p & 3) == 1)
		put_be32(block + COMMIT_SUM, 0);
	must(put_log(j, at, block));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t whole[S_SIZE];
	static struct journal j;
	struct stat st;

	if (!im.fs) {
		make();
		must(find(&j, &im, im.out.fd));
		memcpy(whole, j.super, S_SIZE);
	}
	memcpy(j.super, whole, S_SIZE);
	j.sequence = NUMBER;
	put_super(&j, j.first, true);
	if (size && data[0] == 255)
		put(&j, data, size < S_SIZE ? size : S_SIZE, j.at * BLOCK);
	for (size_t i = 0; i < size; i += PIECE)
		put_piece(&j, j.first + (uint32_t)(i / PIECE), data + i,
		    size - i < PIECE ? size - i : PIECE);
	/* Nothing follows from before. */
	put_piece(&j, j.first + (uint32_t)((size + PIECE - 1) / PIECE),
	    (const uint8_t *)"", 1);
	journal_recover(&im, im.out.fd);
	must(!fstat(im.out.fd, &st) && st.st_size == BLOCKS * BLOCK);
	return 0;
}
