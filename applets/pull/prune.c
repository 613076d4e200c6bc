/* prune.c - bng-pull prune: what nobody needs of the cache
 *
 * SPDX-License-Identifier: MIT
 *
 * Whoever uses a blob holds a lock on it (cache.c, blob.c), so what can be
 * locked for writing is used by nobody, and while that lock is held nobody
 * begins to.
 */
#include <dirent.h>
#include <signal.h>

#include "bng.h"
#include "dirs.h"
#include "human.h"
#include "lock.h"
#include "pull.h"

struct prune {
	bool dry;
	char **keep;
	int n_keep;
	int64_t bytes, files;
};

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && !strcmp(name + n - m, end);
}

static bool
kept(const struct prune *p, const char *alg, const char *name)
{
	autofree char *digest = xasprintf("%s:%.*s", alg,
	    (int)strcspn(name, "."), name);

	for (int i = 0; i < p->n_keep; i++)
		if (!strcmp(p->keep[i], digest))
			return true;
	return false;
}

/* Nothing that is not of the cache's own making is touched. */
static bool
is_ours(const char *name)
{
	const char *from = name + (*name == '.');
	size_t n = strspn(from, "0123456789abcdef");

	return n == DIGEST_HEX - 1 || n == DIGEST_SUM - 1;
}

/* A temporary of cache_put's is ".NAME.PID": does who made it live? */
static bool
is_being_written(const char *name)
{
	const char *dot = strrchr(name, '.');
	long pid = *name == '.' && dot != name ? strtol(dot + 1, NULL, 10) : 0;

	return pid > 0 && (!kill((pid_t)pid, 0) || errno == EPERM);
}

static void
gone(struct prune *p, const char *alg, const char *name, const struct stat *st)
{
	p->bytes += (int64_t)st->st_blocks * 512;
	p->files++;
	printf("%s/%s\t%lld\n", alg, name, (long long)st->st_blocks * 512);
}

static void
consider(struct prune *p, int dirfd, const char *alg, const char *name)
{
	autofree char *notes = xasprintf("%s.journal", name);
	autoclose int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return;
	r = lock_fd(fd, false);
	if (r == -EAGAIN)
		return;
	if (r)
		die("cannot lock '%s': %s", name, strerror(-r));
	if (!p->dry && unlinkat(dirfd, name, 0) && errno != ENOENT)
		die_sys("cannot remove '%s'", name);
	gone(p, alg, name, &st);
	if (!p->dry && ends_with(name, ".part"))
		unlinkat(dirfd, notes, 0);
}

/*
 * A journal goes with its part; one without, and a temporary of one, are what
 * a killed pull left.
 */
static bool
is_journal(int dirfd, const char *name)
{
	autofree char *part = xstrdup(name);

	if (!ends_with(name, ".journal"))
		return false;
	part[strlen(part) - strlen(".journal")] = '\0';
	return !faccessat(dirfd, part, F_OK, AT_SYMLINK_NOFOLLOW);
}

static void
prune_dir(struct prune *p, const char *alg)
{
	autofree char *path = xasprintf("%s/blobs/%s", dir_cache(), alg);
	autoclosedir DIR *d = opendir(path);
	struct dirent *e;

	if (!d && errno == ENOENT)
		return;
	if (!d)
		die_sys("cannot read '%s'", path);
	while ((e = readdir(d)))
		if (is_ours(e->d_name) && !is_being_written(e->d_name) &&
		    !kept(p, alg, e->d_name) &&
		    !is_journal(dirfd(d), e->d_name))
			consider(p, dirfd(d), alg, e->d_name);
}

int
prune_main(int argc, char *argv[])
{
	struct prune p = { 0 };
	int c;

	p.keep = xcalloc((size_t)argc, sizeof(*p.keep));
	while ((c = getopt(argc, argv, "k:n")) != -1)
		switch (c) {
		case 'k':
			if (!digest_ok(optarg))
				die_usage("'%s' is not a digest", optarg);
			p.keep[p.n_keep++] = optarg;
			break;
		case 'n': p.dry = true; break;
		default: die_usage("prune: unknown option");
		}
	if (optind != argc)
		die_usage("prune: nothing but options is wanted");
	prune_dir(&p, "sha256");
	prune_dir(&p, "sha512");
	printf("files\t%lld\nbytes\t%lld\n", (long long)p.files,
	    (long long)p.bytes);
	return EXIT_YES;
}
