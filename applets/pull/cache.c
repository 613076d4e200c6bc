/* cache.c - the directory of blobs that all pulls of a person share
 *
 * SPDX-License-Identifier: MIT
 *
 *	blobs/ALGORITHM/HEX		whole, verified, never changed
 *	   "	   "	/HEX.part	on its way; locked by who gets it
 *	   "	   "	/HEX.part.journal	what of it is there
 *
 * A name is made of a digest that was checked, and of nothing else. Who uses a
 * blob has it open and locked for reading, so that prune leaves it alone.
 */
#include "bng.h"
#include "dirs.h"
#include "pull.h"

static int
below(int dirfd, const char *name, const char *path)
{
	int fd;

	if (mkdirat(dirfd, name, 0700) && errno != EEXIST)
		die_sys("cannot make '%s/%s'", path, name);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die_sys("cannot open '%s/%s'", path, name);
	return fd;
}

/* The cache itself, made with what is missing above it. */
static void
make_cache(const char *path)
{
	autofree char *copy = xstrdup(path);

	for (char *p = copy + 1; ; p++) {
		char was = *p;

		if (was && was != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			die_sys("cannot make '%s'", copy);
		*p = was;
		if (!was)
			return;
	}
}

int
cache_dir(const char *digest)
{
	static int fds[2] = { -1, -1 };
	bool long_one = !strncmp(digest, "sha512:", 7);
	int *fd = &fds[long_one];

	if (*fd < 0) {
		autoclose int top = -1, blobs = -1;

		make_cache(dir_cache());
		top = xopen(dir_cache(), O_RDONLY | O_DIRECTORY, 0);
		blobs = below(top, "blobs", dir_cache());
		*fd = below(blobs, long_one ? "sha512" : "sha256",
		    dir_cache());
	}
	return *fd;
}

void
cache_put(const char *digest, const char *text, size_t n)
{
	int r = file_put(cache_dir(digest), digest_digits(digest), text, n,
	    0600);

	if (r)
		die("cannot write '%s' to '%s/blobs': %s", digest,
		    dir_cache(), strerror(-r));
}

char *
cache_get(const char *digest, size_t max, size_t *ret_n)
{
	struct digest *d = xdigest_new_like(digest);
	char sum[DIGEST_SUM];
	char *text = NULL;

	if (!file_slurp(cache_dir(digest), digest_digits(digest), max, &text,
	    ret_n)) {
		digest_add(d, text, *ret_n);
		digest_sum(d, sum);
		if (strcmp(sum, digest_digits(digest))) {
			free(text);
			text = NULL;
		}
	}
	digest_free(d);
	return text;
}
