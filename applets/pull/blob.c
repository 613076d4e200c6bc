/* blob.c - a blob on its way into the cache
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. prefix: every byte below it is in the file. hashed <= prefix: every byte
 *    below it went through the digest. hashed == size: the digest is right.
 * 2. Syncing waits for the disk and is done by jobs, so that nothing else does.
 */
#include "bng.h"
#include "dirs.h"
#include "lock.h"
#include "loop.h"
#include "pull.h"

enum { SYNC_BYTES = 64 << 20, READ_BACK = 256 << 10 };

void
blob_cannot(const struct blob *b, const char *what, int r)
{
	show_clear();
	die("cannot %s %s (%s) in '%s/blobs': %s", what, b->what, b->d.digest,
	    dir_cache(), strerror(-r));
}

void
blob_init(struct blob *b, const struct descriptor *d, const char *what)
{
	const char *hex = digest_digits(d->digest);

	memset(b, 0, sizeof(*b));
	b->d = *d;
	b->what = what;
	b->fd = b->journal.fd = -1;
	b->dirfd = cache_dir(d->digest);
	b->name = xstrdup(hex);
	b->part = xasprintf("%s.part", hex);
	b->notes = xasprintf("%s.part.journal", hex);
	b->ngrain = (size_t)((d->size + GRAIN - 1) / GRAIN);
	b->sum = xdigest_new_like(d->digest);
}

bool
blob_verified(const struct blob *b)
{
	return b->state == BLOB_WHOLE && b->hashed == b->d.size;
}

static int
sync_run(struct job *j)
{
	struct blob *b = container_of(j, struct blob, sync);

	if (fdatasync(b->fd))
		return -errno;
	return journal_mark(&b->journal, b->sync_lines);
}

static int
settle_run(struct job *j)
{
	struct blob *b = container_of(j, struct blob, sync);

	if (fsync(b->fd) ||
	    renameat(b->dirfd, b->part, b->dirfd, b->name))
		return -errno;
	lock_fd_shared(b->fd, false);
	unlinkat(b->dirfd, b->notes, 0);
	return fsync(b->dirfd) ? -errno : 0;
}

static void
sync_done(struct job *j, int r);

/* Give it its name, once no earlier sync is at work. */
static void
settle(struct blob *b)
{
	if (b->sync.run)
		return;
	b->settling = true;
	b->sync.run = settle_run;
	b->sync.done = sync_done;
	job_start(&b->sync);
}

static void
sync_done(struct job *j, int r)
{
	struct blob *b = container_of(j, struct blob, sync);

	b->sync.run = NULL;
	if (r)
		blob_cannot(b, "write", r);
	if (b->state != BLOB_WHOLE)
		return;
	if (!b->settling) {
		settle(b);
		return;
	}
	b->settling = false;
	close(b->journal.fd);
	b->journal.fd = -1;
}

static void
sync_now_and_then(struct blob *b)
{
	if (b->state != BLOB_OURS || b->unsynced < SYNC_BYTES || b->sync.run)
		return;
	b->unsynced = 0;
	b->sync_lines = b->journal.lines;
	b->sync.run = sync_run;
	b->sync.done = sync_done;
	job_start(&b->sync);
}

/* Of a blob that the stream has begun with, nothing can be taken back. */
static bool
may_go_on(const struct blob *b)
{
	int64_t sent;

	return b->state == BLOB_OURS && b->origin + 1 < b->origins &&
	    (stream_blob(&sent) != b || !sent);
}

/* All of it was hashed: is it what it is called? */
static void
judge(struct blob *b)
{
	char sum[DIGEST_SUM];

	digest_sum(b->sum, sum);
	if (!strcmp(sum, b->name)) {
		if (b->state == BLOB_OURS) {
			b->state = BLOB_WHOLE;
			settle(b);
		}
		return;
	}
	show_clear();
	if (may_go_on(b)) {
		warn("mirror '%s': %s has the digest %.7s%s instead of %s",
		    b->from, b->what, b->d.digest, sum, b->d.digest);
		b->wrong = true;
		return;
	}
	unlinkat(b->dirfd, b->old ? b->name : b->part, 0);
	if (b->old)
		die("%s in '%s/blobs' is damaged, and was removed: pull again "
		    "(%s)", b->what, dir_cache(), b->d.digest);
	unlinkat(b->dirfd, b->notes, 0);
	die("%s from '%s' has the digest %.7s%s instead of %s, and was "
	    "removed: pull again", b->what, b->from, b->d.digest, sum,
	    b->d.digest);
}

void
blob_again(struct blob *b)
{
	int r;

	if (b->flights || b->sync.run)
		return;
	r = ftruncate(b->fd, 0) ? -errno : 0;
	close(b->journal.fd);
	unlinkat(b->dirfd, b->notes, 0);
	memset(b->grain, 0, b->ngrain * sizeof(*b->grain));
	if (!r)
		r = journal_open(&b->journal, b->dirfd, b->notes, b->fd,
		    b->d.size, b->grain, b->ngrain);
	if (r)
		blob_cannot(b, "take up", r);
	digest_reset(b->sum);
	b->have = b->prefix = b->hashed = b->kept = b->unsynced = 0;
	b->origin++;
	b->fruitless = 0;
	b->wrong = b->no_ranges = false;
}

static void
hash(struct blob *b, const void *data, size_t n)
{
	digest_add(b->sum, data, n);
	b->hashed += (int64_t)n;
	if (b->hashed == b->d.size)
		judge(b);
}

bool
blob_hash(struct blob *b, int64_t n)
{
	static char buf[READ_BACK];

	if (!b->d.size && b->state == BLOB_OURS)
		judge(b);
	while (n > 0 && b->hashed < b->prefix) {
		int64_t left = b->prefix - b->hashed;
		ssize_t got = pread(b->fd, buf, left < READ_BACK ?
		    (size_t)left : READ_BACK, b->hashed);

		if (got <= 0)
			blob_cannot(b, "read", got ? -errno : -EIO);
		hash(b, buf, (size_t)got);
		n -= got;
	}
	return b->hashed < b->prefix;
}

size_t
blob_write(struct blob *b, int64_t at, const void *data, size_t n)
{
	struct grain *g = &b->grain[at / GRAIN];
	int64_t had = at / GRAIN * GRAIN + g->have;
	int64_t end = at + (int64_t)n;
	int r;

	/* What is there stays, as it may have been hashed. */
	if (end <= had)
		return 0;
	data = (const char *)data + (had - at);
	n = (size_t)(end - had);
	r = pwrite_all(b->fd, data, n, had);
	if (r)
		blob_cannot(b, "write", r);
	g->have += (uint32_t)n;
	b->have += (int64_t)n;
	b->unsynced += (int64_t)n;
	if (had == b->prefix)
		b->prefix = end;
	if (had == b->hashed)
		hash(b, data, n);
	return n;
}

/* The grain is whole. */
static void
settle_grain(struct blob *b, struct grain *g)
{
	g->state = GRAIN_THERE;
	while (g->state == GRAIN_THERE && b->prefix < b->d.size) {
		g = &b->grain[b->prefix / GRAIN];
		b->prefix = b->prefix / GRAIN * GRAIN + g->have;
	}
	sync_now_and_then(b);
}

size_t
blob_note(struct blob *b, size_t grain)
{
	struct grain *g = &b->grain[grain];
	bool whole = g->have == grain_size(b->d.size, grain);
	uint32_t more = g->have - g->noted;
	int r;

	if (!more)
		return 0;
	r = journal_add(&b->journal, grain, whole ? 0 : g->have);
	if (r)
		blob_cannot(b, "write", r);
	g->noted = g->have;
	if (whole)
		settle_grain(b, g);
	return more;
}
