/* layers.c - import and layers: an image out of tar streams
 *
 * SPDX-License-Identifier: MIT
 *
 * One thread reads: it takes bytes from the source, checks digests and
 * uncompresses. The other parses members and writes the image. Between them is
 * a ring of buffers (feed.c); nothing is kept for a second look, so the
 * topmost layer comes first: what is below it and hidden is never written.
 */
#include "confine.h"
#include "import.h"
#include "layers.h"
#include "lazy.h"

static const int64_t default_size = INT64_C(16) << 30;
static const int64_t default_max = INT64_C(256) << 30;

struct job {
	const char *image;
	const char *config;	/* -c: where its config goes; or NULL */
	struct format format;
	int64_t max;		/* -m: most uncompressed bytes */
	uint64_t bytes;		/* that there were */
	struct source *source;	/* NULL: import, from stdin */
	struct oci oci;
	struct feed feed;
	struct tar_in tar;
	struct bytes in;	/* what is counted */
	struct bytes counted;
};

/* --- the reader ------------------------------------------------------- */

static ssize_t
read_stdin(void *ctx, void *buf, size_t n)
{
	struct job *j = ctx;
	ssize_t got;

	do
		got = read(STDIN_FILENO, buf, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		snprintf(j->feed.why, WHY, "cannot read it: %s",
		    strerror(errno));
	return got;
}

static ssize_t
read_counted(void *ctx, void *buf, size_t n)
{
	struct job *j = ctx;
	ssize_t got = j->in.read(j->in.ctx, buf, n);

	if (got > 0)
		j->bytes += (uint64_t)got;
	if (j->bytes > (uint64_t)j->max)
		return bytes_fail(&j->counted, "more than %lld MiB are too "
		    "much uncompressed; -m raises the limit",
		    (long long)j->max >> 20);
	return got;
}

static bool
read_import(struct job *j)
{
	char *why = j->feed.why;
	struct bytes in = { read_stdin, j, why };
	struct unpack unpack;
	bool fine;

	fcntl(STDIN_FILENO, F_SETPIPE_SZ, 1 << 20);
	unpack_init(&unpack, &in, why);
	j->in = unpack.out;
	fine = feed_all(&j->feed, &j->counted);
	unpack_release(&unpack);
	return fine;
}

static ssize_t
read_nothing(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	(void)buf;
	(void)n;
	return -1;
}

/*
 * The blob's digest is checked as it comes; of an archive without such, that of
 * the layer itself. Where both are there, the second tells nothing new.
 */
static bool
read_layer(struct job *j, size_t i)
{
	struct oci_layer *l = &j->oci.layers[i];
	char *why = j->feed.why;
	struct bytes in = source_layer(j->source, &j->oci, i, why);
	struct desc diff = { .size = -1 };
	struct blob blob, whole = { 0 };
	struct unpack unpack;
	bool fine;

	if (l->path)
		l->blob.size = -1;
	if (l->path && l->diff_id)
		fine = !blob_init(&blob, &in, NULL, why);
	else
		fine = !blob_init(&blob, &in, &l->blob, why);
	unpack_init(&unpack, &blob.out, why);
	j->in = unpack.out;
	if (l->path && l->diff_id) {
		desc_set(&diff, l->diff_id, -1);
		fine = fine && !blob_init(&whole, &unpack.out, &diff, why);
		j->in = whole.out;
	}
	if (!fine)
		j->in = (struct bytes){ read_nothing, NULL, why };
	fine = feed_all(&j->feed, &j->counted);
	if (fine)
		l->blob = blob.want;
	blob_release(&blob);
	blob_release(&whole);
	unpack_release(&unpack);
	return fine;
}

static ssize_t
read_end(void *ctx, void *buf, size_t n)
{
	struct job *j = ctx;

	(void)buf;
	(void)n;
	return source_end(j->source, j->feed.why) ? 0 : -1;
}

static void
run(struct feed *f)
{
	struct job *j = f->ctx;
	struct bytes end = { read_end, j, f->why };

	j->counted = (struct bytes){ read_counted, j, f->why };
	if (!j->source) {
		read_import(j);
		return;
	}
	for (size_t i = j->oci.n; i--;)
		if (!read_layer(j, i))
			return;
	feed_all(f, &end);
}

/* --- the writer ------------------------------------------------------- */

static ssize_t
next(void *ctx, const uint8_t **ret_p)
{
	struct job *j = ctx;
	ssize_t n = feed_next(&j->feed, ret_p);

	if (n < 0)
		j->tar.error = j->feed.why;
	return n;
}

/* How messages call a layer: its number, and what it is known by. */
static char *
layer_name(const struct oci_layer *l, size_t i)
{
	const char *id = l->diff_id && l->path ? l->diff_id : l->path ?
	    l->path : l->blob.digest;

	return l->path && !l->diff_id ?
	    xasprintf(" of layer %zu ('%.100s')", i + 1, id) :
	    xasprintf(" of layer %zu (%.19s)", i + 1, id);
}

/* An identity for what has no manifest: the digests of its parts. */
static void
digest_tars(struct oci *o)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char *p = o->manifest.digest;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned int n = 0;

	if (o->n == 1) {
		o->manifest = o->layers[0].blob;
		return;
	}
	if (!c || !EVP_DigestInit_ex(c, EVP_sha256(), NULL))
		die("cannot compute digests");
	for (size_t i = 0; i < o->n; i++)
		EVP_DigestUpdate(c, o->layers[i].blob.digest, DIGEST);
	EVP_DigestFinal_ex(c, sum, &n);
	EVP_MD_CTX_free(c);
	p += snprintf(p, DIGEST, "sha256:");
	for (unsigned int i = 0; i < n; i++)
		p += snprintf(p, 3, "%02x", sum[i]);
}

/* RFC 9562's version 8: bits of one's own. */
static void
uuid_of(const struct desc *d, uint8_t uuid[16])
{
	for (int i = 0; i < 16; i++) {
		unsigned byte = 0;

		sscanf(d->digest + 7 + 2 * i, "%2x", &byte);
		uuid[i] = (uint8_t)byte;
	}
	uuid[6] = (uuid[6] & 0x0f) | 0x80;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

/* Make and remove names in the directory of path. */
static void
allow_dir(struct confine *c, const char *path)
{
	autofree char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');

	if (slash)
		slash[slash == dir] = '\0';
	confine_file(c, AT_FDCWD, slash ? dir : ".", CONFINE_NAMES);
}

/*
 * Should: read the source's files, names of users, and give the results their
 * names. Mustn't: open anything else, whatever a layer makes of us.
 */
static void
shut_in(struct job *j, char *const *reads, size_t n)
{
	static const char *const names[] = { "/etc/passwd", "/etc/group",
		"/etc/nsswitch.conf" };
	struct confine c;
	int r = confine_init(&c, 0);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		confine_file(&c, AT_FDCWD, names[i], CONFINE_READ);
	for (size_t i = 0; i < n; i++)
		if (strncmp(reads[i], SOURCE_GIVEN, strlen(SOURCE_GIVEN)))
			confine_file(&c, AT_FDCWD, reads[i], CONFINE_READ);
	allow_dir(&c, j->image);
	if (j->config)
		allow_dir(&c, j->config);
	if (!r || r == -EOPNOTSUPP)
		r = confine_enter(&c);
	if (r) {
		errno = -r;
		die_sys("cannot confine itself");
	}
	confine_release(&c);
}

static void
fill(struct job *j, struct image *im, uint64_t *ret_files)
{
	static struct import in;
	const uint8_t *p;

	import_init(&in, im);
	feed_start(&j->feed, run, j);
	j->tar.next = next;
	j->tar.ctx = j;
	if (!j->source)
		import_layer(&in, &j->tar, "", false);
	for (size_t i = j->oci.n; i--;) {
		const struct oci_layer *l = &j->oci.layers[i];

		/* An end without its mark is one where digests tell. */
		j->tar.lax = l->diff_id || !l->path;
		import_layer(&in, &j->tar, layer_name(l, i), true);
		tar_release(&j->tar);
		feed_turn(&j->feed);
	}
	if (j->source && next(j, &p) < 0)
		die("cannot import the image: %s", j->feed.why);
	pthread_join(j->feed.thread, NULL);
	if (j->format.late) {
		uint8_t uuid[16];

		digest_tars(&j->oci);
		uuid_of(&j->oci.manifest, uuid);
		image_identity(im, uuid);
	}
	import_finish(&in);
	*ret_files = in.files;
}

static void
say(const struct job *j, uint64_t files)
{
	printf("digest\t%s\n", j->oci.manifest.digest);
	if (*j->oci.config.digest)
		printf("config\t%s\n", j->oci.config.digest);
	if (j->oci.created)
		printf("created\t%lld\n", (long long)j->oci.created);
	printf("layers\t%zu\nfiles\t%llu\nbytes\t%llu\n", j->oci.n,
	    (unsigned long long)files, (unsigned long long)j->bytes);
}

static void
parse(int argc, char *argv[], struct job *j, const char *options)
{
	int c;

	/* Later there is nothing that could be loaded. */
	lazy_crypto();
	lazy_archive();
	/* The reader may be at work while we end the process for an error. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	opterr = 0;
	while ((c = getopt(argc, argv, options)) != -1)
		switch (c) {
		case 'L':
			format_label(&j->format, optarg);
			break;
		case 'U':
			format_uuid(&j->format, optarg);
			break;
		case 's':
			format_size(&j->format, optarg);
			break;
		case 'm':
			j->max = xsize(optarg, 1, "limit");
			break;
		case 'c':
			j->config = optarg;
			break;
		default:
			bad_option(c);
		}
}

int
import_main(int argc, char *argv[])
{
	static struct job j;
	struct image im;
	uint64_t files;

	j.format.size = default_size;
	j.max = INT64_MAX;
	parse(argc, argv, &j, "+:L:U:m:s:");
	if (optind + 1 != argc)
		die_usage("import needs one image");
	j.image = argv[optind];
	image_new(&im, j.image, &j.format);
	shut_in(&j, NULL, 0);
	fill(&j, &im, &files);
	image_commit(&im);
	return EXIT_YES;
}

/* Open what argv names; the files to be read later begin at *ret_reads. */
static size_t
open_source(struct job *j, char *argv[], size_t n)
{
	static const char tar[] = "tar:";

	if (strncmp(argv[0], tar, strlen(tar))) {
		if (n > 1)
			die_usage("only plain tars may be several");
		j->source = source_open(argv[0], &j->oci);
		if (!strncmp(argv[0], "oci:", 4))
			argv[0] = (char *)(uintptr_t)source_name(j->source);
		else
			n = 0;
		return n;
	}
	for (size_t i = 0; i < n; i++)
		if (!strncmp(argv[i], tar, strlen(tar)))
			argv[i] += strlen(tar);
	j->source = source_tars(argv, n, &j->oci);
	return n;
}

static void
open_config(struct job *j, struct output *o)
{
	if (!j->oci.config_text)
		die_usage("plain tars have no config: -c");
	output_open(o, j->config, 0666);
	xwrite(o->fd, j->oci.config_text, j->oci.config_len, j->config);
}

int
layers_main(int argc, char *argv[])
{
	static struct job j;
	struct output config;
	struct image im;
	uint64_t files;
	size_t n;

	j.format.size = default_size;
	j.max = default_max;
	parse(argc, argv, &j, "+:L:U:c:m:s:");
	if (optind + 2 > argc)
		die_usage("layers needs an image and a source");
	j.image = argv[optind];
	n = open_source(&j, argv + optind + 1, (size_t)(argc - optind - 1));
	j.format.now = j.oci.created ? j.oci.created : 1;
	j.format.late = !*j.oci.manifest.digest;
	if (!j.format.late)
		uuid_of(&j.oci.manifest, j.format.uuid);
	if (j.config)
		open_config(&j, &config);
	image_new(&im, j.image, &j.format);
	shut_in(&j, argv + optind + 1, n);
	fill(&j, &im, &files);
	image_commit(&im);
	if (j.config)
		output_commit(&config);
	say(&j, files);
	return EXIT_YES;
}
