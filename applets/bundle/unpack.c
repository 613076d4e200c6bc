/* unpack.c - bng-bundle open: a bundle from stdin into a directory
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. Files have no names before everything is known to be right: the stream
 *    is whole, has the size and digest of the signed catalog, and its manifest
 *    agrees with the catalog's entry. The manifest gets its name last.
 * 2. A process that reads unchecked bytes may, where the kernel has Landlock,
 *    make files in that directory and touch nothing else.
 */
#include "bundle.h"
#include "confine.h"
#include "human.h"
#include "name.h"
#include "outfile.h"

enum { CHUNK = 1 << 20, PAGE = 4096, FILES = 4 };

/* A member on its way: to a file without a name, or to memory. */
struct file {
	char *name;
	struct outfile out;
	int64_t at;		/* what of it is written */
	uint8_t *held;		/* or the whole, and its size */
	size_t len;
};

struct opened {
	int dirfd;
	struct file files[FILES];
	int n_files;
	struct file small[EARLY_FILES + 1];	/* the manifest is the first */
	int n_small;
	struct file *now;
	bool failed;		/* not the bundle's fault */
	uint8_t *buf;		/* a chunk of what is written */
	size_t have;
};

static int
failed(struct members *m, const char *name)
{
	struct opened *o = m->ctx;

	o->failed = true;
	snprintf(m->why, sizeof(m->why), "cannot write '%s': %s", name,
	    strerror(errno));
	return -1;
}

/* The chunk, in runs of pages of which none is zero all over. */
static int
flush(struct opened *o)
{
	struct file *f = o->now;

	for (size_t i = 0, run = 0; i < o->have; i += run) {
		size_t n;
		int r;

		for (run = 0; i + run < o->have; run += n) {
			n = o->have - i - run;
			n = n < PAGE ? n : PAGE;
			if (all_zero(o->buf + i + run, n))
				break;
		}
		r = pwrite_all(f->out.fd, o->buf + i, run,
		    f->at + (int64_t)i);
		if (r) {
			errno = -r;
			return -1;
		}
		if (!run)
			run = PAGE;
	}
	f->at += (int64_t)o->have;
	o->have = 0;
	return 0;
}

static bool
is_small(const char *name)
{
	return !strcmp(name, "manifest.json") || !strncmp(name, "early/", 6);
}

static int
begin(struct members *m, const char *name, uint64_t size)
{
	struct opened *o = m->ctx;
	struct file *f = is_small(name) ? &o->small[o->n_small++] :
	    &o->files[o->n_files++];

	f->name = xstrdup(name);
	o->now = f;
	if (is_small(name)) {
		f->held = xmalloc((size_t)size + 1);
		return 0;
	}
	if (outfile_open(&f->out, o->dirfd, f->name, 0644, true))
		return failed(m, name);
	return 0;
}

/* Pages that are zero need not even be copied. */
static size_t
skip_zeros(const struct opened *o, const uint8_t *p, size_t n)
{
	size_t skipped = 0;

	if (o->have || o->now->at % PAGE)
		return 0;
	while (n - skipped >= PAGE && all_zero(p + skipped, PAGE))
		skipped += PAGE;
	return skipped;
}

static int
data(struct members *m, const uint8_t *p, size_t n)
{
	struct opened *o = m->ctx;
	struct file *f = o->now;

	if (f->held) {
		memcpy(f->held + f->len, p, n);
		f->len += n;
		return 0;
	}
	while (n) {
		size_t skipped = skip_zeros(o, p, n), part;

		f->at += (int64_t)skipped;
		p += skipped;
		n -= skipped;
		part = CHUNK - o->have < n ? CHUNK - o->have : n;
		memcpy(o->buf + o->have, p, part);
		o->have += part;
		p += part;
		n -= part;
		if (o->have == CHUNK && flush(o))
			return failed(m, f->name);
	}
	return 0;
}

static int
end(struct members *m)
{
	struct opened *o = m->ctx;
	struct file *f = o->now;

	if (!f->held && (flush(o) || ftruncate(f->out.fd, f->at)))
		return failed(m, f->name);
	return 0;
}

/* Landlock's first version lets nobody name a file that had no name. */
static void
confine_self(int dirfd)
{
	struct confine c;
	int r = confine_abi() < 2 ? -EOPNOTSUPP : confine_init(&c, 0);

	if (r == -EOPNOTSUPP)
		return;
	if (r)
		die("cannot confine itself: %s", strerror(-r));
	confine_file(&c, dirfd, "", CONFINE_KEEP);
	r = c.failed ? c.failed : confine_enter(&c);
	if (r)
		die("cannot confine itself: %s", strerror(-r));
	confine_release(&c);
}

/* --- what has to be so before anything gets a name ---------------------- */

noreturn_fn static void
refuse(struct opened *o, const struct entry *e, const char *why)
{
	for (int i = 0; i < o->n_files; i++)
		outfile_drop(&o->files[i].out);
	if (o->failed)
		die("%s", why);
	die_status(EXIT_NO, "refused the bundle '%s': %s", e->file, why);
}

static bool
agree(const cJSON *manifest, const char *key, const char *want)
{
	const char *have = json_text(manifest, key);

	return !strcmp(have ? have : "", want ? want : "");
}

/* The manifest, which is the catalog's too; and from where it came. */
static cJSON *
checked(struct opened *o, const struct entry *e, const struct bundle_in *b,
    const struct members *m)
{
	char hex[DIGEST_HEX], why[WHY];
	cJSON *j;

	bundle_hex(b, hex);
	snprintf(why, sizeof(why), "it has %llu bytes and the SHA-256 %s, the "
	    "catalog says %lld and %s", (unsigned long long)bundle_came(b),
	    hex, (long long)e->size, e->sha256);
	if (bundle_came(b) != (uint64_t)e->size || strcmp(hex, e->sha256))
		refuse(o, e, why);
	if (m->sum != (uint64_t)e->unpacked)
		refuse(o, e, "it unpacks to less than the catalog says");
	if (manifest_parse(&j, (char *)o->small[0].held, o->small[0].len, why))
		refuse(o, e, why);
	if (!agree(j, "name", e->name) || !agree(j, "arch", e->arch) ||
	    !agree(j, "kernel", e->kernel))
		refuse(o, e, "its manifest.json says another name, arch or "
		    "kernel than the catalog");
	snprintf(why, sizeof(why), "catalog:%s", e->file);
	cJSON_DeleteItemFromObjectCaseSensitive(j, "source");
	if (!cJSON_AddStringToObject(j, "source", why))
		die("out of memory");
	return j;
}

/* A small file below the directory; those on its way are made. */
static void
xput(int dirfd, char *path, const void *data, size_t len)
{
	int at = dirfd, r;
	char *slash;

	while ((slash = strchr(path, '/'))) {
		*slash = '\0';
		if (mkdirat(at, path, 0755) && errno != EEXIST)
			die_sys("cannot make '%s'", path);
		r = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
		if (r < 0)
			die_sys("cannot open '%s'", path);
		if (at != dirfd)
			close(at);
		at = r;
		path = slash + 1;
	}
	r = file_put(at, path, data, len, 0644);
	if (r)
		die("cannot write '%s': %s", path, strerror(-r));
	if (at != dirfd)
		close(at);
}

/* The names, the manifest's last. */
static void
appear(struct opened *o, const cJSON *manifest)
{
	char *text = cJSON_Print(manifest);
	size_t len;

	if (!text)
		die("out of memory");
	for (int i = 0; i < o->n_files; i++) {
		struct file *f = &o->files[i];

		if (fdatasync(f->out.fd) || fchmod(f->out.fd, 0644) ||
		    outfile_done(&f->out))
			die_sys("cannot write '%s'", f->name);
	}
	for (int i = 1; i < o->n_small; i++)
		xput(o->dirfd, o->small[i].name, o->small[i].held,
		    o->small[i].len);
	len = strlen(text);
	text[len] = '\n';	/* in place of the NUL: a line for cat */
	xput(o->dirfd, o->small[0].name, text, len + 1);
}

static void
unpack(struct opened *o, const struct entry *e)
{
	struct members m = { .kind = e->kind, .max = (uint64_t)e->unpacked,
		.ctx = o, .begin = begin, .data = data, .end = end };
	struct bundle_in *b = xbundle_in(STDIN_FILENO, (uint64_t)e->size);
	const char *why;

	o->buf = xmalloc(CHUNK);
	why = bundle_read(b, &m);
	if (why)
		refuse(o, e, why);
	appear(o, checked(o, e, b, &m));
}

int
open_main(int argc, char *argv[])
{
	static struct opened o;
	const struct entry *e = xentry_asked(argc, argv, 4,
	    "a catalog, a kind, a name and a directory");

	if (!e)
		die_status(EXIT_NO, "there is no %s '%s' in '%s'",
		    argv[optind + 1], argv[optind + 2], argv[optind]);
	o.dirfd = xopen(argv[optind + 3], O_RDONLY | O_DIRECTORY, 0);
	confine_self(o.dirfd);
	unpack(&o, e);
	return EXIT_YES;
}
