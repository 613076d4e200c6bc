/* accept.c - bng-bundle accept and find: catalogs that were signed
 *
 * SPDX-License-Identifier: MIT
 */
#include "bundle.h"
#include "lock.h"

/* Whoever replaces the two files holds this lock, where there is one. */
static int
guard(const char *path)
{
	const char *name;
	autoclose int dirfd = xopen_parent(path, &name);

	return faccessat(dirfd, ".lock", W_OK, 0) ? -1 :
	    lock_open(dirfd, ".lock", true);
}

int
xcatalog_load(struct catalog *c, const char *path, const struct keys *k)
{
	unsigned char sig[KEY_SIGNATURE];
	autofree char *text = NULL;
	size_t len;
	int by, lock = guard(path);

	xsigned_read(path, NULL, &text, &len, sig);
	if (lock >= 0)
		close(lock);
	by = xsigned_by(k, path, text, len, sig);
	if (catalog_parse(c, text, len))
		die_status(EXIT_NO, "refused '%s': %s", path, c->why);
	return by;
}

/* Not the catalog from before again: that one is newer than this? */
static void
not_older(const struct catalog *c, const char *url, const char *kept,
    const struct keys *signer)
{
	autofree char *text = NULL;
	autofree char *sig_path = xasprintf("%s.sig", kept);
	autofree char *sig = NULL;
	struct catalog old;
	size_t len, n;

	if (file_slurp(AT_FDCWD, kept, CATALOG_MAX, &text, &len) ||
	    file_slurp(AT_FDCWD, sig_path, KEY_SIGNATURE, &sig, &n) ||
	    n != KEY_SIGNATURE || keys_signer(signer, text, len,
	    (const unsigned char *)sig) < 0 || catalog_parse(&old, text, len))
		return;
	if (old.serial > c->serial)
		die_status(EXIT_NO, "refused the catalog of '%s': it is older "
		    "(serial %lld) than what was there before (%lld)", url,
		    (long long)c->serial, (long long)old.serial);
	catalog_free(&old);
}

int
accept_main(int argc, char *argv[])
{
	const char *words = NULL, *dir, *url, *path;
	autofree char *own = NULL, *kept = NULL, *text = NULL;
	unsigned char sig[KEY_SIGNATURE];
	struct keys k, signer = { .n = 1 };
	char hex[DIGEST_HEX];
	struct catalog c;
	size_t len;
	int opt, dirfd, by;

	while ((opt = getopt(argc, argv, "k:")) != -1)
		if (opt == 'k')
			words = optarg;
		else
			bad_option("accept");
	if (argc - optind != 3 || !words)
		die_usage("accept: -k, a directory, a URL and a file are "
		    "wanted");
	dir = argv[optind];
	url = argv[optind + 1];
	path = argv[optind + 2];
	xkeys_load(&k, words);
	xsigned_read(path, url, &text, &len, sig);
	by = keys_signer(&k, text, len, sig);
	if (by < 0)
		die_status(EXIT_NO, "refused the catalog of '%s': its "
		    "catalog.json.sig is not a trusted key's signature of its "
		    "catalog.json", url);
	if (catalog_parse(&c, text, len))
		die_status(EXIT_NO, "refused the catalog of '%s': %s", url,
		    c.why);
	memcpy(signer.raw[0], k.raw[by], KEY_RAW);
	digest_of(url, hex);
	own = xasprintf("%s/%s", dir, hex);
	if (mkdir(own, 0700) && errno != EEXIST)
		die_sys("cannot make '%s'", own);
	kept = xasprintf("%s/catalog.json", own);
	dirfd = xopen(own, O_RDONLY | O_DIRECTORY, 0);
	if (lock_open(dirfd, ".lock", true) < 0)
		die_sys("cannot lock '%s'", own);
	not_older(&c, url, kept, &signer);
	xsigned_write(dirfd, "catalog.json", text, len, sig);
	puts(kept);
	xflush();
	return EXIT_YES;
}

static void
field(const char *key, const char *value)
{
	autofree char *copy = xstrdup(value ? value : "");

	msg_clean(copy);
	printf("%s\t%s\n", key, copy);
}

const struct entry *
xentry_asked(int argc, char *argv[], int operands, const char *wanted)
{
	static struct catalog c;
	const char *words = NULL;
	enum bundle_kind kind;
	struct keys k;
	int opt;

	while ((opt = getopt(argc, argv, "k:")) != -1)
		if (opt == 'k')
			words = optarg;
		else
			bad_option(argv[0]);
	if (argc - optind != operands || !words)
		die_usage("%s: -k, %s are wanted", argv[0], wanted);
	kind = bundle_kind(argv[optind + 1]);
	if (kind == BUNDLE_ANY)
		die_usage("%s: '%s' is neither image nor kernel", argv[0],
		    argv[optind + 1]);
	xkeys_load(&k, words);
	xcatalog_load(&c, argv[optind], &k);
	return catalog_find(&c, kind, argv[optind + 2]);
}

int
find_main(int argc, char *argv[])
{
	const struct entry *e = xentry_asked(argc, argv, 3,
	    "a catalog, a kind and a name");

	if (!e)
		return EXIT_NO;
	field("file", e->file);
	field("sha256", e->sha256);
	field("kernel", e->kernel);
	field("version", e->version);
	printf("size\t%lld\n", (long long)e->size);
	xflush();
	return EXIT_YES;
}
