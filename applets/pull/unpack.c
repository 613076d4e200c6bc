/* unpack.c - bng-pull unpack: named files out of a release's archive
 *
 * SPDX-License-Identifier: MIT
 *
 * An archive is hostile until proven otherwise. Its paths are compared, never
 * used; only regular files are taken; what it may unpack to and hold is
 * bounded; and whoever looks at its first byte is a child that has all it
 * needs open and can open nothing any more.
 */
#include <archive.h>
#include <archive_entry.h>
#include <sys/wait.h>

#include "bng.h"
#include "confine.h"
#include "human.h"
#include "pull.h"

enum { ENTRIES_MAX = 1000, FILES_MAX = 8 };

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

/* Only gzip, and only tar: no filter that runs a program, no odd format. */
static void
begin(struct unpack *u, int fd)
{
	u->a = archive_read_new();
	if (!u->a || archive_read_support_filter_gzip(u->a) ||
	    archive_read_support_format_tar(u->a))
		die("cannot unpack: libarchive has no gzip or no tar");
	if (archive_read_open_fd(u->a, fd, 1 << 16))
		cannot(u, archive_error_string(u->a));
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
	struct confine c;
	int r = confine_init(&c, 0);

	if (!r)
		r = confine_enter(&c);
	confine_release(&c);
	if (r && r != -EOPNOTSUPP)
		die("cannot unpack '%s' confined: %s", u->path, strerror(-r));
	begin(u, fd);
	entries(u);
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
