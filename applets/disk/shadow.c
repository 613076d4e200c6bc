/* shadow.c - what libext2fs writes, in memory until all of it is there
 *
 * SPDX-License-Identifier: MIT
 *
 * An I/O manager for libext2fs that changes nothing: journal.c takes the pages
 * when the change is complete. One image at a time.
 *
 * A change of more than MOST pages (rm -r of a hundred thousand files) would
 * fit into no journal: from there on it goes to the image as it comes.
 */
#include "disk.h"
#include "journal.h"

enum { SLOTS = 4096, MOST = 1 << 14 };

static struct {
	int fd;
	bool spilled;
	size_t n;
	struct page *slots[SLOTS];
} shadow = { .fd = -1 };

static struct page **
slot(blk64_t block)
{
	return &shadow.slots[block % SLOTS];
}

static struct page *
find(blk64_t block)
{
	struct page *p = *slot(block);

	while (p && p->block != block)
		p = p->chain;
	return p;
}

static errcode_t
get_bytes(uint8_t *buf, size_t n, off_t at)
{
	while (n) {
		ssize_t got = pread(shadow.fd, buf, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? (errcode_t)errno : EXT2_ET_SHORT_READ;
		buf += got;
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

static errcode_t
put_bytes(const uint8_t *buf, size_t n, off_t at)
{
	return -pwrite_all(shadow.fd, buf, n, at);
}

/* Into the image, and out of memory. */
static errcode_t
spill(void)
{
	errcode_t err = 0;

	shadow.spilled = true;
	for (size_t i = 0; i < SLOTS; i++)
		for (struct page *p; (p = shadow.slots[i]); free(p)) {
			shadow.slots[i] = p->chain;
			if (!err)
				err = put_bytes(p->data, BLOCK,
				    (off_t)(p->block * BLOCK));
		}
	shadow.n = 0;
	return err;
}

static errcode_t
add(blk64_t block, struct page **ret)
{
	struct page *p = xmalloc(sizeof(*p));
	errcode_t err = get_bytes(p->data, BLOCK, (off_t)(block * BLOCK));

	if (err) {
		free(p);
		return err;
	}
	p->block = block;
	p->chain = *slot(block);
	*slot(block) = *ret = p;
	shadow.n++;
	return 0;
}

static errcode_t
read_at(uint64_t at, size_t n, uint8_t *buf)
{
	errcode_t err = get_bytes(buf, n, (off_t)at);

	for (uint64_t end = at + n; !err && shadow.n && at < end;) {
		size_t skip = at % BLOCK, part = BLOCK - skip;
		const struct page *p = find(at / BLOCK);

		part = part < end - at ? part : (size_t)(end - at);
		if (p)
			memcpy(buf, p->data + skip, part);
		at += part;
		buf += part;
	}
	return err;
}

static errcode_t
write_at(uint64_t at, size_t n, const uint8_t *buf)
{
	errcode_t err = 0;

	if (!shadow.spilled && shadow.n + n / BLOCK > MOST)
		err = spill();
	if (shadow.spilled)
		return err ? err : put_bytes(buf, n, (off_t)at);
	for (uint64_t end = at + n; !err && at < end;) {
		size_t skip = at % BLOCK, part = BLOCK - skip;
		struct page *p = find(at / BLOCK);

		part = part < end - at ? part : (size_t)(end - at);
		if (!p)
			err = add(at / BLOCK, &p);
		if (!err)
			memcpy(p->data + skip, buf, part);
		at += part;
		buf += part;
	}
	return err;
}

/* --- what libext2fs calls --------------------------------------------- */

static errcode_t
shadow_open(const char *name, int flags, io_channel *ret)
{
	io_channel c = xcalloc(1, sizeof(*c));

	(void)flags;
	c->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	c->manager = shadow_manager(shadow.fd);
	c->name = xstrdup(name);
	c->block_size = 1024;
	c->refcount = 1;
	*ret = c;
	return 0;
}

static errcode_t
shadow_close(io_channel c)
{
	if (--c->refcount)
		return 0;
	free(c->name);
	free(c);
	return 0;
}

static errcode_t
set_block_size(io_channel c, int size)
{
	c->block_size = size;
	return 0;
}

/* A negative count is one of bytes. */
static size_t
bytes(const struct struct_io_channel *c, int count)
{
	return count < 0 ? (size_t)-(int64_t)count :
	    (size_t)count * (size_t)c->block_size;
}

static errcode_t
read_blocks(io_channel c, unsigned long long block, int count, void *data)
{
	return read_at(block * (uint64_t)c->block_size, bytes(c, count), data);
}

static errcode_t
write_blocks(io_channel c, unsigned long long block, int count,
    const void *data)
{
	return write_at(block * (uint64_t)c->block_size, bytes(c, count),
	    data);
}

static errcode_t
read_few(io_channel c, unsigned long block, int count, void *data)
{
	return read_blocks(c, block, count, data);
}

static errcode_t
write_few(io_channel c, unsigned long block, int count, const void *data)
{
	return write_blocks(c, block, count, data);
}

static errcode_t
write_byte(io_channel c, unsigned long at, int n, const void *data)
{
	(void)c;
	return write_at(at, (size_t)n, data);
}

static errcode_t
flush(io_channel c)
{
	(void)c;
	return 0;
}

io_manager
shadow_manager(int fd)
{
	static struct struct_io_manager manager = {
		.magic = EXT2_ET_MAGIC_IO_MANAGER,
		.name = "banger's",
		.open = shadow_open,
		.close = shadow_close,
		.set_blksize = set_block_size,
		.read_blk = read_few,
		.write_blk = write_few,
		.flush = flush,
		.write_byte = write_byte,
		.read_blk64 = read_blocks,
		.write_blk64 = write_blocks,
	};

	shadow.fd = fd;
	return &manager;
}

/* --- what journal.c calls --------------------------------------------- */

static int
by_block(const void *a, const void *b)
{
	const struct page *const *x = a, *const *y = b;

	return (*x)->block < (*y)->block ? -1 : (*x)->block > (*y)->block;
}

struct page **
shadow_pages(size_t *ret_n)
{
	struct page **v = xcalloc(shadow.n + 1, sizeof(*v)), *first;
	uint8_t was[BLOCK];
	size_t n = 0;

	if (shadow.n && !find(0) && add(0, &first))
		die("cannot read the superblock");
	for (size_t i = 0; i < SLOTS; i++)
		for (struct page *p = shadow.slots[i]; p; p = p->chain)
			if (!p->block || get_bytes(was, BLOCK,
			    (off_t)(p->block * BLOCK)) ||
			    memcmp(was, p->data, BLOCK))
				v[n++] = p;
	if (n)
		qsort(v, n, sizeof(struct page *), by_block);
	*ret_n = n;
	return v;
}
