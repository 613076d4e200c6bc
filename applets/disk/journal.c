/* journal.c - a change through the image's own journal; see journal.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/filesystems/ext4/journal.html
 *
 * The journal of an image that is at rest is empty. The steps, each of which
 * leaves something that a kernel or e2fsck knows:
 *
 * 1. Descriptors, pages and a commit block go into the log. Nobody looks there.
 * 2. The superblock gets needs_recovery, which stands for an empty log still.
 * 3. The journal's superblock says where the log begins: now it counts.
 * 4. The pages go to their places, and the log is emptied: 3 and 2 backwards.
 *
 * From 2 to 4 the journal's superblock bears a mark of ours, beside the number
 * of the transaction, in bytes that nobody uses. A kernel counts on from there,
 * so where mark and number agree nobody but us has been here.
 *
 * An image without a journal, or with one that is too small or of a kind that
 * is not known here, is changed in its places at once.
 */
#include "be.h"
#include "journal.h"

enum {
	MAGIC = 0xc03b3998, MARK = 0x626e6721,
	DESCRIPTOR = 1, COMMIT = 2, SUPER = 4,		/* kinds of blocks */
	HEADER = 12,
	/* Where the superblock has them. */
	S_BLOCK_SIZE = 0x0c, S_MAXLEN = 0x10, S_FIRST = 0x14,
	S_SEQUENCE = 0x18, S_START = 0x1c, S_ERRNO = 0x20, S_COMPAT = 0x24,
	S_INCOMPAT = 0x28, S_UUID = 0x30, S_SUM_TYPE = 0x50, S_MARK = 0x60,
	S_SUM = 0xfc, S_SIZE = 1024,
	REVOKE = 1, BIT64 = 2, ASYNC = 4, SUM2 = 8, SUM3 = 16,	/* incompat */
	CRC32C = 4,
	/* Tags in a descriptor; the first is followed by the UUID. */
	TAG = 16, ESCAPED = 1, SAME_UUID = 2, LAST = 8,
	TAIL = BLOCK - 4,
	TAGS = (TAIL - HEADER - 16) / TAG,
	COMMIT_SUM = 0x10,
	PLACE = 1024,		/* of ext4's superblock */
};

struct journal {
	struct image *im;
	int fd;
	uint32_t sequence, first, len;
	uint32_t seed;
	blk64_t at;		/* of its superblock */
	uint8_t super[S_SIZE];
};

noreturn_fn static void
die_write(const struct journal *j, int r)
{
	die("cannot write '%s': %s", j->im->out.path, strerror(-r));
}

static void
put(const struct journal *j, const void *p, size_t n, uint64_t at)
{
	int r = pwrite_all(j->fd, p, n, (off_t)at);

	if (r)
		die_write(j, r);
}

static void
sync_all(struct journal *j)
{
	if (fdatasync(j->fd))
		die_write(j, -errno);
}

/* Where a block of the journal lies; 0: nowhere. */
static blk64_t
place(struct journal *j, uint32_t block)
{
	ext2_filsys fs = j->im->fs;
	blk64_t at = 0;

	return ext2fs_bmap2(fs, fs->super->s_journal_inum, NULL, NULL, 0,
	    block, NULL, &at) ? 0 : at;
}

/* Find it. False: there is none, or none that we can use. */
static bool
find(struct journal *j, struct image *im, int fd)
{
	*j = (struct journal){ .im = im, .fd = fd };
	if (!ext2fs_has_feature_journal(im->fs->super) ||
	    !im->fs->super->s_journal_inum || !(j->at = place(j, 0)) ||
	    pread(fd, j->super, S_SIZE, (off_t)(j->at * BLOCK)) != S_SIZE)
		return false;
	j->sequence = get_be32(j->super + S_SEQUENCE);
	j->first = get_be32(j->super + S_FIRST);
	j->len = get_be32(j->super + S_MAXLEN);
	j->seed = ext2fs_crc32c_le(~0u, j->super + S_UUID, 16);
	return get_be32(j->super) == MAGIC && get_be32(j->super + 4) == SUPER &&
	    get_be32(j->super + S_BLOCK_SIZE) == BLOCK && j->first &&
	    j->first < j->len && !get_be32(j->super + S_ERRNO) &&
	    !(get_be32(j->super + S_INCOMPAT) &
	    ~(uint32_t)(REVOKE | BIT64 | ASYNC | SUM2 | SUM3));
}

static void
put_super(struct journal *j, uint32_t start, bool mark)
{
	uint8_t *s = j->super;

	put_be32(s + S_SEQUENCE, j->sequence);
	put_be32(s + S_START, start);
	put_be32(s + S_COMPAT, 0);
	put_be32(s + S_INCOMPAT,
	    (get_be32(s + S_INCOMPAT) & REVOKE) | BIT64 | SUM3);
	s[S_SUM_TYPE] = CRC32C;
	put_be32(s + S_MARK, mark ? MARK : 0);
	put_be32(s + S_MARK + 4, mark ? j->sequence : 0);
	put_be32(s + S_SUM, 0);
	put_be32(s + S_SUM, ext2fs_crc32c_le(~0u, s, S_SIZE));
	put(j, s, S_SIZE, j->at * BLOCK);
}

/* ext4's own superblock, in a buffer of its own. */
static void
need_recovery(struct journal *j, struct ext2_super_block *sb, bool need)
{
	if (need)
		ext2fs_set_feature_journal_needs_recovery(sb);
	else
		ext2fs_clear_feature_journal_needs_recovery(sb);
	ext2fs_superblock_csum_set(j->im->fs, sb);
}

static void
put_need(struct journal *j, bool need)
{
	struct ext2_super_block sb;

	if (pread(j->fd, &sb, sizeof(sb), PLACE) != sizeof(sb))
		die_sys("cannot read '%s'", j->im->out.path);
	need_recovery(j, &sb, need);
	put(j, &sb, sizeof(sb), PLACE);
}

static void
header(struct journal *j, uint8_t *block, uint32_t kind)
{
	memset(block, 0, BLOCK);
	put_be32(block, MAGIC);
	put_be32(block + 4, kind);
	put_be32(block + 8, j->sequence);
}

/* A block's checksum, with the place where it is to be taken for zero. */
static uint32_t
sum_of(struct journal *j, const uint8_t *block, size_t at)
{
	uint8_t copy[BLOCK];

	memcpy(copy, block, BLOCK);
	memset(copy + at, 0, 4);
	return ext2fs_crc32c_le(j->seed, copy, BLOCK);
}

static uint32_t
sum_of_page(struct journal *j, const uint8_t *page)
{
	uint8_t sequence[4];

	put_be32(sequence, j->sequence);
	return ext2fs_crc32c_le(ext2fs_crc32c_le(j->seed, sequence, 4), page,
	    BLOCK);
}

static bool
put_log(struct journal *j, uint32_t at, const void *block)
{
	blk64_t to = place(j, at);

	if (to)
		put(j, block, BLOCK, to * BLOCK);
	return to;
}

/* A descriptor and its pages; false: the journal has holes. */
static bool
put_some(struct journal *j, uint32_t *at, struct page **v, size_t n)
{
	uint8_t block[BLOCK], *tag = block + HEADER, page[BLOCK];
	uint32_t head = (*at)++;

	header(j, block, DESCRIPTOR);
	for (size_t i = 0; i < n; i++) {
		uint32_t flags = (i ? SAME_UUID : 0) |
		    (i + 1 == n ? LAST : 0);

		memcpy(page, v[i]->data, BLOCK);
		if (get_be32(page) == MAGIC) {
			flags |= ESCAPED;
			memset(page, 0, 4);
		}
		put_be32(tag, (uint32_t)v[i]->block);
		put_be32(tag + 4, flags);
		put_be32(tag + 8, (uint32_t)(v[i]->block >> 32));
		put_be32(tag + 12, sum_of_page(j, page));
		tag += TAG;
		if (!i) {
			memcpy(tag, j->super + S_UUID, 16);
			tag += 16;
		}
		if (!put_log(j, (*at)++, page))
			return false;
	}
	put_be32(block + TAIL, sum_of(j, block, TAIL));
	return put_log(j, head, block);
}

static bool
put_all(struct journal *j, struct page **v, size_t n)
{
	uint8_t block[BLOCK];
	uint32_t at = j->first;

	/* A log that goes round would not be found to be whole. */
	if (n + (n + TAGS - 1) / TAGS + 1 > j->len - j->first)
		return false;
	for (size_t i = 0; i < n; i += TAGS)
		if (!put_some(j, &at, v + i, n - i < TAGS ? n - i : TAGS))
			return false;
	header(j, block, COMMIT);
	put_be32(block + COMMIT_SUM, sum_of(j, block, COMMIT_SUM));
	return put_log(j, at, block);
}

static void
put_pages(struct journal *j, struct page **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(j, v[i]->data, BLOCK, v[i]->block * BLOCK);
	sync_all(j);
}

/* 4, once the pages are in their places. */
static void
finish(struct journal *j)
{
	j->sequence++;
	put_super(j, 0, true);
	put_need(j, false);
	put_super(j, 0, false);
}

/* 1 to 3; false: it does not fit, and nothing has happened. */
static bool
begin(struct journal *j, struct page **v, size_t n)
{
	struct ext2_super_block *sb = (void *)(v[0]->data + PLACE);

	/* In the log, too: playing it back must not take it away too early. */
	need_recovery(j, sb, true);
	if (!put_all(j, v, n)) {
		need_recovery(j, sb, false);
		return false;
	}
	put_super(j, 0, true);
	put_need(j, true);
	put_super(j, j->first, true);
	/* Till here a crash of the host finds the image as it was. */
	sync_all(j);
	return true;
}

void
journal_commit(struct image *im)
{
	struct journal j;
	size_t n;
	autofree struct page **v = shadow_pages(&n);
	bool begun = find(&j, im, im->out.fd) && !get_be32(j.super + S_START) &&
	    n && !v[0]->block && begin(&j, v, n);

	put_pages(&j, v, n);
	if (begun)
		finish(&j);
}

/* --- who comes after -------------------------------------------------- */

/* A block of the log that is of this kind and right. */
static bool
get_log(struct journal *j, uint32_t at, uint8_t *block, uint32_t kind,
    size_t sum)
{
	blk64_t from = at < j->len ? place(j, at) : 0;

	return from && pread(j->fd, block, BLOCK, (off_t)(from * BLOCK)) ==
	    BLOCK && (!kind || (get_be32(block) == MAGIC &&
	    get_be32(block + 4) == kind && get_be32(block + 8) == j->sequence &&
	    get_be32(block + sum) == sum_of(j, block, sum)));
}

/* The pages of one descriptor: are they right? Put them into their places. */
static bool
walk_some(struct journal *j, uint32_t *at, const uint8_t *block, bool apply)
{
	const uint8_t *tag = block + HEADER;
	uint8_t page[BLOCK];
	uint32_t flags;

	do {
		uint64_t to = get_be32(tag) | (uint64_t)get_be32(tag + 8) << 32;

		flags = get_be32(tag + 4);
		if (!get_log(j, (*at)++, page, 0, 0) ||
		    get_be32(tag + 12) != sum_of_page(j, page) ||
		    to >= ext2fs_blocks_count(j->im->fs->super))
			return false;
		if (flags & ESCAPED)
			put_be32(page, MAGIC);
		if (apply)
			put(j, page, BLOCK, to * BLOCK);
		tag += flags & SAME_UUID ? TAG : TAG + 16;
	} while (!(flags & LAST) && tag + TAG <= block + TAIL);
	return true;
}

/* All of them; false: the transaction is not whole. */
static bool
walk(struct journal *j, bool apply)
{
	uint8_t block[BLOCK];
	uint32_t at = j->first;

	while (get_log(j, at, block, DESCRIPTOR, TAIL)) {
		at++;
		if (!walk_some(j, &at, block, apply))
			return false;
	}
	return get_log(j, at, block, COMMIT, COMMIT_SUM);
}

bool
journal_ours(struct image *im)
{
	struct journal j;

	return find(&j, im, im->out.fd) &&
	    get_be32(j.super + S_MARK) == MARK &&
	    get_be32(j.super + S_MARK + 4) == j.sequence;
}

bool
journal_recover(struct image *im, int fd)
{
	struct journal j;
	uint32_t start;

	if (!journal_ours(im) || !find(&j, im, fd))
		return false;
	start = get_be32(j.super + S_START);
	if (start && (start != j.first || !walk(&j, false)))
		return false;
	if (start)
		walk(&j, true);
	sync_all(&j);
	finish(&j);
	return true;
}
