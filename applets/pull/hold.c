/* hold.c - who has a blob: the cache, another pull, or we
 *
 * SPDX-License-Identifier: MIT
 *
 * HEX.part is written by who has its lock for writing. When it becomes HEX the
 * lock becomes a reader's, which is what others wait for: they find HEX, or,
 * if that process died, what it left. Nothing here waits but a job.
 */
#include "bng.h"
#include "dirs.h"
#include "lock.h"
#include "loop.h"
#include "pull.h"

/* Whether the name, below dirfd, is what fd has open. */
static bool
is_named(const struct blob *b, const char *name, int fd)
{
	struct stat ours, now;

	return !fstat(fd, &ours) &&
	    !fstatat(b->dirfd, name, &now, AT_SYMLINK_NOFOLLOW) &&
	    ours.st_ino == now.st_ino && ours.st_dev == now.st_dev &&
	    S_ISREG(ours.st_mode);
}

/* It is in the cache: held, so that it stays there. */
static void
adopt(struct blob *b, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		blob_cannot(b, "look at", -errno);
	if (st.st_size != b->d.size) {
		show_clear();
		die("cannot use %s (%s): it has %lld bytes, the manifest says "
		    "%lld", b->what, b->d.digest, (long long)st.st_size,
		    (long long)b->d.size);
	}
	/* Who gave it its name may have died before it had this removed. */
	unlinkat(b->dirfd, b->notes, 0);
	b->fd = fd;
	b->state = BLOB_WHOLE;
	b->old = true;
	b->prefix = b->have = b->d.size;
}

static int
wait_run(struct job *j)
{
	struct blob *b = container_of(j, struct blob, wait);

	return lock_fd_shared(b->fd, true);
}

/* Who had it has ended: by finishing or otherwise. */
static void
wait_done(struct job *j, int r)
{
	struct blob *b = container_of(j, struct blob, wait);
	int fd = steal_fd(&b->fd);

	if (r)
		blob_cannot(b, "wait for", r);
	if (is_named(b, b->name, fd)) {
		adopt(b, fd);
		return;
	}
	/* It died, or gave up: now it is for whoever locks it first. */
	b->state = BLOB_NEW;
	lock_drop(fd);
	close(fd);
}

static void
wait_for_other(struct blob *b, int fd)
{
	b->state = BLOB_ELSEWHERE;
	b->fd = fd;
	b->wait.run = wait_run;
	b->wait.done = wait_done;
	job_start(&b->wait);
}

/* It has its name: take it, or wait for who is giving or taking it just now. */
static bool
find_whole(struct blob *b)
{
	int fd, r;

	for (;;) {
		fd = openat(b->dirfd, b->name, O_RDONLY | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0 && errno == ENOENT)
			return false;
		if (fd < 0)
			blob_cannot(b, "open", -errno);
		r = lock_fd_shared(fd, false);
		if (r == -EAGAIN) {
			wait_for_other(b, fd);
			return true;
		}
		if (r)
			blob_cannot(b, "lock", r);
		if (is_named(b, b->name, fd))
			break;
		close(fd);
	}
	adopt(b, fd);
	return true;
}

/* What the journal says is there, and how far it reaches from the start. */
static void
take_up(struct blob *b)
{
	int r;

	b->grain = xcalloc(b->ngrain + 1, sizeof(*b->grain));
	r = journal_open(&b->journal, b->dirfd, b->notes, b->fd, b->d.size,
	    b->grain, b->ngrain);
	if (r)
		blob_cannot(b, "take up", r);
	for (size_t i = 0; i < b->ngrain; i++) {
		b->have += b->grain[i].have;
		if (b->prefix == (int64_t)i * GRAIN)
			b->prefix += b->grain[i].have;
	}
	b->kept = b->have;
	b->began = now_ms();
}

void
blob_open(struct blob *b)
{
	int fd, r;

	for (;;) {
		if (find_whole(b))
			return;
		fd = openat(b->dirfd, b->part, O_RDWR | O_CREAT | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK, 0600);
		if (fd < 0)
			blob_cannot(b, "make", -errno);
		r = lock_fd(fd, false);
		if (r == -EAGAIN) {
			wait_for_other(b, fd);
			return;
		}
		if (r)
			blob_cannot(b, "lock", r);
		if (is_named(b, b->part, fd))
			break;
		close(fd);
	}
	b->fd = fd;
	b->state = BLOB_OURS;
	take_up(b);
	if (!b->d.size)
		blob_hash(b, 0);
}
