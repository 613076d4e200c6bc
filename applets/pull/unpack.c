/* unpack.c - bng-pull unpack: named files out of a release's archive
 *
 * SPDX-License-Identifier: MIT
 *
 * An archive is hostile until proven otherwise. Its paths are compared, never
 * used; only regular files are taken; what it may unpack to and hold is
 * bounded; and whoever looks at its first byte is a child that has all it
 * needs open and can open nothing any more.
 *
 * libarchive looks at no checksum of gzip's, so inflating is ISA-L's, as it is
 * in bng-disk.
 */
#include <archive.h>
#include <archive_entry.h>
#include <isa-l/igzip_lib.h>
#include <sys/wait.h>

#include "bng.h"
#include "confine.h"
#include "human.h"
#include "pull.h"

enum { ENTRIES_MAX = 1000, FILES_MAX = 8, CHUNK = 1 << 16 };

/* A file that gzip compressed, as libarchive reads it. */
struct gzip {
	int fd;
	bool in_member;
	struct inflate_state state;
	uint8_t in[CHUNK], out[CHUNK];
};

struct wanted {
	const char *member, *file;
	int fd;
	int undo;
	bool found;
};

struct unpack {
	const char *path;
	int64_t max, had;
	struct archive *a;
	struct wanted files[FILES_MAX];
	int n;
};

noreturn_fn static void
cannot(const struct unpack *u, const char *why)
{
	die("cannot unpack '%s': %s", u->path, why);
}

/* What came out of gzip, and what the holes of sparse files are made of. */
static void
bound(const struct unpack *u)
{
	char size[HUMAN_LEN];

	if (archive_filter_bytes(u->a, 0) <= u->max && u->had <= u->max)
		return;
	die("cannot unpack '%s': it holds more than %s", u->path,
	    human_size(u->max, size));
}

static la_ssize_t
damaged(struct archive *a, int code, const char *why)
{
	archive_set_error(a, code, "%s", why);
	return ARCHIVE_FATAL;
}

/* More input when there is none: how much there is then, or -errno. */
static ssize_t
more(struct gzip *z)
{
	ssize_t n;

	if (z->state.avail_in)
		return z->state.avail_in;
	do
		n = read(z->fd, z->in, CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	z->state.next_in = z->in;
	z->state.avail_in = (uint32_t)n;
	return n;
}

/* Behind a member: 1, another begins; 0, the end; or -errno. */
static ssize_t
next_member(struct gzip *z)
{
	struct inflate_state *s = &z->state;
	uint8_t *at;
	ssize_t got;
	uint32_t n;

	while ((got = more(z)) > 0 && !*s->next_in)
		s->next_in++, s->avail_in--;	/* padding */
	if (got <= 0)
		return got;
	at = s->next_in;
	n = s->avail_in;
	isal_inflate_init(s);
	s->crc_flag = ISAL_GZIP;
	s->next_in = at;
	s->avail_in = n;
	z->in_member = true;
	return 1;
}

static la_ssize_t
inflated(struct archive *a, void *ctx, const void **ret_p)
{
	struct gzip *z = ctx;
	struct inflate_state *s = &z->state;
	ssize_t got;
	int r;

	*ret_p = z->out;
	do {
		got = z->in_member ? 1 : next_member(z);
		if (!got)
			return 0;
		if (got > 0)
			got = more(z);
		if (got < 0)
			return damaged(a, (int)-got, strerror((int)-got));
		s->next_out = z->out;
		s->avail_out = CHUNK;
		r = isal_inflate(s);
		if (r == ISAL_INCORRECT_CHECKSUM)
			return damaged(a, EINVAL, "its checksum is wrong");
		if (r < 0)
			return damaged(a, EINVAL, "its gzip data is damaged");
		z->in_member = s->block_state != ISAL_BLOCK_FINISH;
		if (!got && z->in_member && s->avail_out == CHUNK)
			return damaged(a, EINVAL, "it is cut short");
	} while (s->avail_out == CHUNK);
	return CHUNK - (la_ssize_t)s->avail_out;
}

/* Only gzip, and only tar: no filter that runs a program, no odd format. */
static void
begin(struct unpack *u, struct gzip *z)
{
	u->a = archive_read_new();
	if (!u->a || archive_read_support_format_tar(u->a))
		die("cannot unpack: libarchive has no tar");
	if (archive_read_open(u->a, z, NULL, inflated, NULL))
		cannot(u, archive_error_string(u->a));
}

/* What lies behind the last member of the tar has a checksum, too. */
static void
end(struct unpack *u, struct gzip *z)
{
	const void *p;
	la_ssize_t n;

	while ((n = inflated(u->a, z, &p)) > 0)
		if ((u->had += n) > u->max)
			bound(u);
	if (n < 0)
		cannot(u, archive_error_string(u->a));
}

static struct wanted *
wanted(struct unpack *u, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	for (int i = 0; name && i < u->n; i++)
		if (!strcmp(u->files[i].member, name))
			return &u->files[i];
	return NULL;
}

static void
judge(const struct unpack *u, const struct wanted *w, struct archive_entry *e)
{
	if (w->found)
		die("cannot unpack '%s': it holds '%s' twice", u->path,
		    w->member);
	if (archive_entry_filetype(e) != AE_IFREG ||
	    archive_entry_hardlink(e) || archive_entry_symlink(e))
		die("cannot unpack '%s': its '%s' is not a regular file",
		    u->path, w->member);
}

/* The bytes of one entry: to the file, or, when it is not wanted, nowhere. */
static void
body(struct unpack *u, const struct wanted *w)
{
	static char buf[1 << 16];
	la_ssize_t n = 0;
	int r = 0;

	while (!r && (n = archive_read_data(u->a, buf, sizeof(buf))) > 0) {
		u->had += n;
		bound(u);
		if (w)
			r = write_all(w->fd, buf, (size_t)n);
	}
	if (r)
		die("cannot write '%s': %s", w->file, strerror(-r));
	if (n < 0)
		cannot(u, archive_error_string(u->a));
}

static void
entries(struct unpack *u)
{
	struct archive_entry *e;
	struct wanted *w;
	int r, count = 0;

	while ((r = archive_read_next_header(u->a, &e)) == ARCHIVE_OK) {
		if (++count > ENTRIES_MAX)
			cannot(u, "it holds too many files");
		bound(u);
		w = wanted(u, e);
		if (w)
			judge(u, w, e);
		body(u, w);
		if (w)
			w->found = true;
	}
	if (r != ARCHIVE_EOF)
		cannot(u, archive_error_string(u->a));
}

static void
make(struct wanted *w)
{
	w->fd = open(w->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd < 0)
		die_sys("cannot make '%s'", w->file);
	w->undo = undo_unlink(w->file);
}

static void
keep(const struct wanted *w)
{
	if (fchmod(w->fd, 0755) || fsync(w->fd) || close(w->fd))
		die_sys("cannot write '%s'", w->file);
}

noreturn_fn static void
child(struct unpack *u, int fd)
{
	static struct gzip z;
	struct confine c;
	int r = confine_init(&c, 0);

	if (!r)
		r = confine_enter(&c);
	confine_release(&c);
	if (r && r != -EOPNOTSUPP)
		die("cannot unpack '%s' confined: %s", u->path, strerror(-r));
	z.fd = fd;
	begin(u, &z);
	entries(u);
	end(u, &z);
	for (int i = 0; i < u->n; i++)
		if (!u->files[i].found)
			die_status(EXIT_NO, "there is no '%s' in '%s'",
			    u->files[i].member, u->path);
	exit(EXIT_YES);
}

static int
unpack(struct unpack *u)
{
	autoclose int fd = xopen(u->path, O_RDONLY, 0);
	int status = 0;
	pid_t pid;

	for (int i = 0; i < u->n; i++)
		make(&u->files[i]);
	pid = fork();
	if (pid == 0)
		child(u, fd);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die_sys("cannot unpack '%s'", u->path);
	if (WIFSIGNALED(status))
		die("cannot unpack '%s': signal %d ended it", u->path,
		    WTERMSIG(status));
	if (status)
		exit(WEXITSTATUS(status));
	for (int i = 0; i < u->n; i++)
		keep(&u->files[i]);
	for (int i = 0; i < u->n; i++)
		undo_forget(u->files[i].undo);
	return EXIT_YES;
}

int
unpack_main(int argc, char *argv[])
{
	struct unpack u = { .max = 256 << 20 };
	int c;

	while ((c = getopt(argc, argv, "m:")) != -1)
		switch (c) {
		case 'm': u.max = xsize(optarg, 1, "limit"); break;
		default: die_usage("unpack: unknown option");
		}
	argc -= optind;
	argv += optind;
	if (argc < 3 || argc % 2 == 0 || argc > 1 + 2 * FILES_MAX)
		die_usage("unpack: an archive, and members with files");
	u.path = argv[0];
	for (int i = 1; i < argc; i += 2)
		u.files[u.n++] = (struct wanted){ .member = argv[i],
			.file = argv[i + 1] };
	return unpack(&u);
}
