/* stream.c - the archive on stdout: an OCI layout in a tar
 *
 * SPDX-License-Identifier: MIT
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 *
 * oci-layout, index.json, the manifest, its config, then the layers from the
 * topmost down, each once. A blob's bytes leave when they were hashed, and its
 * last ones only when the digest is right: whoever has read a whole archive
 * has read verified blobs. They are taken from the cache's file, by splice
 * into a pipe, so that a slow reader costs no memory.
 *
 * A reader may find that bytes are damaged before the digest says so, which is
 * when all are there. Then it says so by SIGUSR1, since no other pull is to go
 * on with them.
 */
#include <poll.h>
#include <signal.h>

#include "bng.h"
#include "pull.h"
#include "tarwrite.h"

enum {
	PIPE_SIZE = 1 << 20,
	BUDGET = 8 << 20,
	COPY = 128 << 10,
	SMALL = 64 << 10,	/* a blob that is waited for whole */
};

static struct {
	const struct pull *p;
	size_t next;		/* member: 0 to 2, then the blobs */
	const uint8_t *text;	/* bytes that are to be sent first */
	size_t text_n;
	const char *body;	/* then these */
	size_t body_n;
	struct blob *blob;	/* or what of it was not sent */
	int64_t sent;
	bool pipe, ended;
	char index[1024];
	struct tar_out tar;
} s;

static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

/* That, in a handler: what of the blob has come goes, and so do we. */
static void
damaged(int sig)
{
	const struct blob *b = s.blob;

	if (b && b->state == BLOB_OURS) {
		unlinkat(b->dirfd, b->part, 0);
		unlinkat(b->dirfd, b->notes, 0);
	}
	raise(sig);
}

void
stream_init(const struct pull *p)
{
	const struct sigaction on_damaged = { .sa_handler = damaged,
		.sa_flags = (int)SA_RESETHAND };
	const struct image *im = &p->image;
	const char *tag = p->source.ref->tag;
	struct stat st;

	s.p = p;
	sigaction(SIGUSR1, &on_damaged, NULL);
	if (fstat(STDOUT_FILENO, &st))
		die_stdout();
	s.pipe = S_ISFIFO(st.st_mode);
	if (s.pipe)
		fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_SIZE);
	snprintf(s.index, sizeof(s.index), "{\"schemaVersion\":2,"
	    "\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
	    "\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\","
	    "\"size\":%lld,\"platform\":{\"architecture\":\"amd64\","
	    "\"os\":\"linux\"}%s%s%s}]}", im->self.type, im->self.digest,
	    (long long)im->self.size,
	    *tag ? ",\"annotations\":{\"org.opencontainers.image.ref.name\":\""
	    : "", tag, *tag ? "\"}" : "");
}

static void
member(const char *path, int64_t size)
{
	const struct stat st = { .st_mode = S_IFREG | 0644 };
	const struct tar_member m = { .path = path, .link = "", .type = '0',
		.st = &st, .size = (uint64_t)size, .fd = -1 };

	tarwrite_member(&s.tar, &m);
}

static void
text_member(const char *path, const char *body, size_t n)
{
	member(path, (int64_t)n);
	s.body = body;
	s.body_n = n;
}

static void
blob_path(char buf[200], const char *digest)
{
	snprintf(buf, 200, "blobs/%.6s/%s", digest, digest_digits(digest));
}

static void
blob_member(struct blob *b)
{
	char path[200];

	blob_path(path, b->d.digest);
	member(path, b->d.size);
	s.blob = b;
	s.sent = 0;
}

/* What comes next: its header, behind what fills up the one before. */
static void
begin_next(void)
{
	const struct image *im = &s.p->image;
	size_t i = s.next++;
	char path[200];

	blob_path(path, im->self.digest);
	if (i == 0)
		text_member("oci-layout", layout, strlen(layout));
	else if (i == 1)
		text_member("index.json", s.index, strlen(s.index));
	else if (i == 2)
		text_member(path, im->text, (size_t)im->self.size);
	else if (i - 3 < s.p->n)
		blob_member(&s.p->blobs[i - 3]);
	else
		memset(tarwrite_room(&s.tar, (size_t)2 * TAR_BLOCK), 0,
		    (size_t)2 * TAR_BLOCK),
		tarwrite_took(&s.tar, (size_t)2 * TAR_BLOCK);
	s.text = tarwrite_take(&s.tar, &s.text_n);
}

noreturn_fn static void
cannot_write(void)
{
	show_clear();
	die_stdout();
}

/* A pipe that can be written takes this much without making us wait. */
static bool
can_write(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) > 0;
}

static size_t
send_text(const void *text, size_t n)
{
	ssize_t w;

	if (!can_write())
		return 0;
	if (s.pipe && n > 4096)
		n = 4096;
	w = write(STDOUT_FILENO, text, n);
	if (w < 0 && errno != EAGAIN && errno != EINTR)
		cannot_write();
	return w > 0 ? (size_t)w : 0;
}

static ssize_t
send_file(struct blob *b, off_t at, size_t n)
{
	static char buf[COPY];
	ssize_t got;

	if (s.pipe)
		return splice(b->fd, &at, STDOUT_FILENO, NULL, n,
		    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (!can_write())
		return 0;
	got = pread(b->fd, buf, n < COPY ? n : COPY, at);
	return got > 0 ? write(STDOUT_FILENO, buf, (size_t)got) : got;
}

/*
 * Bytes of the blob that may leave. A config waits until it is right: as long
 * as nothing of it is gone, it can still be had from elsewhere.
 */
static int64_t
may_leave(void)
{
	const struct blob *b = s.blob;

	if (b->wrong || (b->d.size <= SMALL && b->hashed < b->d.size))
		return 0;
	return b->hashed - s.sent;
}

/* How many of them did; 0: none just now. */
static int64_t
send_blob(void)
{
	int64_t may = may_leave();
	ssize_t w;

	if (may <= 0)
		return 0;
	w = send_file(s.blob, s.sent, may < BUDGET ? (size_t)may : BUDGET);
	if (w < 0 && errno != EAGAIN && errno != EINTR)
		cannot_write();
	if (w <= 0)
		return 0;
	s.sent += w;
	return w;
}

static void
fill_up(int64_t size)
{
	tarwrite_pad(&s.tar, (uint64_t)size);
}

/* The next bytes, of whatever it is their turn. */
static int64_t
step(void)
{
	size_t n;
	int64_t w;

	if (s.text_n) {
		n = send_text(s.text, s.text_n);
		s.text += n;
		s.text_n -= n;
		return (int64_t)n;
	}
	if (s.body_n) {
		n = send_text(s.body, s.body_n);
		s.body += n;
		s.body_n -= n;
		if (!s.body_n && s.next < 3 + s.p->n + 1)
			fill_up(s.next == 1 ? (int64_t)strlen(layout) :
			    s.next == 2 ? (int64_t)strlen(s.index) :
			    s.p->image.self.size);
		return (int64_t)n;
	}
	w = send_blob();
	if (s.sent == s.blob->d.size && blob_verified(s.blob)) {
		fill_up(s.blob->d.size);
		s.blob = NULL;
	}
	return w;
}

static bool
idle(void)
{
	return !s.text_n && !s.body_n && !s.blob;
}

/* The reader need not wait for what we have still to do. */
static void
end(void)
{
	int null = xopen("/dev/null", O_WRONLY, 0);

	if (dup2(null, STDOUT_FILENO) < 0)
		die_sys("cannot close stdout");
	close(null);
	s.ended = true;
}

bool
stream_pump(void)
{
	int64_t n = 0, w;

	while (n < BUDGET && !s.ended) {
		if (idle() && s.next == 3 + s.p->n + 1) {
			end();
			break;
		}
		if (idle())
			begin_next();
		w = step();
		if (!w && !idle())
			break;
		n += w;
	}
	return !s.ended && (s.text_n || s.body_n ||
	    (s.blob && may_leave() > 0));
}

bool
stream_ended(void)
{
	return s.ended;
}

struct blob *
stream_blob(int64_t *ret_sent)
{
	*ret_sent = s.sent;
	return s.blob;
}
