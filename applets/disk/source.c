/* source.c - where an image comes from
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 *
 * A directory, an archive (whose members are found once, by seeking), a stream
 * (whose members must come in the order of their use), or plain tars.
 */
#include "layers.h"
#include "tar.h"

enum {
	NEST = 4,		/* indexes in one another */
	MEMBERS = 1 << 17,	/* of an archive */
	PIPE = 1 << 20,
};

struct range {
	int fd;
	bool pipe;		/* which is read once, from its begin */
	uint64_t at, left;
	char *why;
};

struct source {
	enum { DIRECTORY, ARCHIVE, STREAM, TARS } kind;
	const char *name;	/* for messages */
	char *const *files;	/* TARS */
	int fd;
	struct tar_in *tar;	/* STREAM */
	struct tar_entry *e;
	struct member {		/* ARCHIVE */
		char *name, *link;
		uint64_t at, size;
	} *members;
	size_t n;
	struct range range;
};

static ssize_t
read_range(void *ctx, void *buf, size_t n)
{
	struct range *r = ctx;
	ssize_t got;

	if (n > r->left)
		n = (size_t)r->left;
	do
		got = r->pipe ? read(r->fd, buf, n) :
		    pread(r->fd, buf, n, (off_t)r->at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		snprintf(r->why, WHY, "cannot read: %s", strerror(errno));
	if (got <= 0)
		return got;
	r->at += (uint64_t)got;
	r->left -= (uint64_t)got;
	return got;
}

/* --- a stream --------------------------------------------------------- */

static ssize_t
read_stdin(void *ctx, void *buf, size_t n)
{
	ssize_t got;

	(void)ctx;
	do
		got = read(STDIN_FILENO, buf, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static ssize_t
read_member(void *ctx, void *buf, size_t n)
{
	struct source *s = ctx;
	size_t done = 0;

	/* As much as the buffer of the outer stream has. */
	while (done < n) {
		const uint8_t *p;
		long got = tar_some(s->tar, n - done, &p);

		if (got < 0) {
			snprintf(s->range.why, WHY, "the stream ended: %s",
			    s->tar->error);
			return -1;
		}
		if (!got)
			break;
		memcpy((uint8_t *)buf + done, p, (size_t)got);
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/* Skip to the member of that name. False: it does not come (any more). */
static bool
stream_find(struct source *s, const char *name, char why[WHY])
{
	int r;

	while ((r = tar_next(s->tar, s->e)) > 0)
		if (!strcmp(tar_clean(s->e->path), name) && s->e->type == '0')
			return true;
	if (r < 0)
		snprintf(why, WHY, "the stream is damaged: %s", s->tar->error);
	else
		snprintf(why, WHY, "'%.90s' does not come behind what names "
		    "it: a stream in another order must be a file, "
		    "oci-archive:FILE", name);
	return false;
}

/* --- an archive ------------------------------------------------------- */

/* Block by block: contents are passed over. */
static ssize_t
read_archive(void *ctx, void *buf, size_t n)
{
	struct source *s = ctx;
	ssize_t got = pread(s->fd, buf, n < TAR_BLOCK ? n : TAR_BLOCK,
	    (off_t)s->range.at);

	if (got > 0)
		s->range.at += (uint64_t)got;
	return got;
}

static void
keep_member(struct source *s, struct tar_entry *e)
{
	if (s->n == MEMBERS)
		die("cannot read '%s': it has more than %d members", s->name,
		    MEMBERS);
	if (!(s->n & (s->n + 1)))
		s->members = xrealloc(s->members,
		    (2 * s->n + 1) * sizeof(*s->members));
	s->members[s->n++] = (struct member){
		.name = xstrdup(tar_clean(e->path)),
		.link = e->type == '1' || e->type == '2' ?
		    xstrdup(e->link) : NULL,
		.at = s->range.at,
		.size = e->type == '0' ? e->size : 0,
	};
}

static void
scan(struct source *s)
{
	static struct tar_in tar;
	static struct tar_entry e;
	struct stat st;
	int r;

	tar.read = read_archive;
	tar.ctx = s;
	if (fstat(s->fd, &st))
		die_sys("cannot read '%s'", s->name);
	while ((r = tar_next(&tar, &e)) > 0) {
		keep_member(s, &e);
		if (e.size > (uint64_t)st.st_size - s->range.at)
			die("cannot read '%s': it is cut short", s->name);
		/* Seek past the content. */
		s->range.at += tar_pass(&tar);
	}
	if (r < 0)
		die("cannot read '%s': %s", s->name, tar.error);
	tar_release(&tar);
}

/* A member; docker save makes some symbolic links to others. */
static const struct member *
find_member(struct source *s, const char *name, int depth)
{
	const struct member *m = NULL;
	autofree char *path = NULL;
	const char *link, *slash = strrchr(name, '/');
	int dir = slash ? (int)(slash - name) + 1 : 0;

	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->members[i].name, name))
			m = &s->members[i];
	if (!m || !m->link)
		return m;
	link = m->link;
	if (depth == 8)
		return NULL;
	/* "../ID/layer.tar", from a directory at the top. */
	if (!strncmp(link, "../", 3)) {
		link += 3;
		dir = 0;
	}
	path = xasprintf("%.*s%s", dir, name, link);
	return find_member(s, path, depth + 1);
}

/* --- all of them ------------------------------------------------------ */

/*
 * A descriptor of ours is taken as it is: a pipe that is opened anew waits for
 * a writer, which may have come and gone.
 */
static int
open_file(const struct source *s, const char *name)
{
	if (s->kind != TARS ||
	    strncmp(name, SOURCE_GIVEN, strlen(SOURCE_GIVEN)))
		return openat(s->fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fcntl((int)xnum(name + strlen(SOURCE_GIVEN), 0, 1 << 20,
	    "descriptor"), F_DUPFD_CLOEXEC, 0);
}

static bool
open_name(struct source *s, const char *name, struct bytes *ret,
    char why[WHY])
{
	const struct member *m;
	struct stat st;

	*ret = (struct bytes){ read_range, &s->range, why };
	s->range.why = why;
	switch (s->kind) {
	case STREAM:
		*ret = (struct bytes){ read_member, s, why };
		return stream_find(s, name, why);
	case ARCHIVE:
		m = find_member(s, name, 0);
		if (!m)
			break;
		s->range.fd = s->fd;
		s->range.at = m->at;
		s->range.left = m->size;
		return true;
	case DIRECTORY:
	case TARS:
		if (s->range.fd >= 0)
			close(s->range.fd);
		s->range.fd = open_file(s, name);
		if (s->range.fd < 0 || fstat(s->range.fd, &st)) {
			snprintf(why, WHY, "cannot open '%.120s': %s", name,
			    strerror(errno));
			return false;
		}
		posix_fadvise(s->range.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		s->range.pipe = S_ISFIFO(st.st_mode);
		s->range.at = 0;
		s->range.left = INT64_MAX;
		return true;
	}
	snprintf(why, WHY, "there is no '%.120s'", name);
	return false;
}

static char *
blob_name(const struct desc *d)
{
	return xasprintf("blobs/%.6s/%s", d->digest, d->digest + 7);
}

/* A small file, whole, with its digest checked where there is one. */
static char *
small(struct source *s, const char *name, const struct desc *d,
    const char *what, size_t *ret_n)
{
	char why[WHY], *text = xmalloc(SMALL + 1);
	struct bytes in;
	struct blob b;
	size_t n = 0;
	ssize_t got;

	if (d && d->size > SMALL)
		die("cannot read '%s': its %s has more than %d MiB", s->name,
		    what, SMALL >> 20);
	if (!open_name(s, name, &in, why))
		die("cannot read '%s': %s", s->name, why);
	if (blob_init(&b, &in, d, why))
		die("cannot read '%s': %s", s->name, why);
	while ((got = b.out.read(b.out.ctx, text + n, SMALL - n)) > 0)
		n += (size_t)got;
	if (got < 0)
		die("cannot read '%s': its %s: %s", s->name, what, why);
	if (n == SMALL && !d)
		die("cannot read '%s': its %s is too long", s->name, what);
	blob_release(&b);
	text[n] = '\0';
	*ret_n = n;
	return xrealloc(text, n + 1);
}

static char *
small_blob(struct source *s, const struct desc *d, const char *what,
    size_t *ret_n)
{
	autofree char *name = blob_name(d);

	return small(s, name, d, what, ret_n);
}

static void
read_layout(struct source *s, struct oci *o, const char *tag)
{
	size_t n;
	char *text = small(s, "index.json", NULL, "index.json", &n);

	oci_choose(text, tag, true, &o->manifest);
	for (int depth = 0;; depth++) {
		free(text);
		text = small_blob(s, &o->manifest, "manifest", &n);
		if (oci_kind(text, "manifest") == OCI_MANIFEST)
			break;
		if (depth == NEST)
			die("cannot read '%s': its indexes are nested too "
			    "deep", s->name);
		oci_choose(text, NULL, false, &o->manifest);
	}
	oci_manifest(o, text);
	free(text);
	text = small_blob(s, &o->config, "config", &n);
	oci_config(o, text, n);
}

/* Its config's name is its digest, the oldest way or the newest. */
static void
read_docker(struct source *s, struct oci *o, const char *tag)
{
	size_t n;
	autofree char *text = small(s, "manifest.json", NULL, "manifest.json",
	    &n);
	autofree char *config = oci_docker(o, text, tag);
	const char *base = strrchr(config, '/');
	autofree char *digest = xasprintf("sha256:%.64s", base ? base + 1 :
	    config);
	char *whole;

	if (!desc_set(&o->config, digest, -1))
		die("cannot read '%s': '%.100s' is not named by its digest",
		    s->name, config);
	whole = small(s, config, &o->config, "config", &n);
	oci_config(o, whole, n);
	o->config.size = (int64_t)n;
	o->manifest = o->config;
	for (size_t i = 0; i < o->n; i++)
		if (!o->layers[i].diff_id)
			die("cannot read '%s': its config has no digests of "
			    "its layers", s->name);
}

/*
 * The longest path that is there, before a colon, is cut off from the tag: in
 * either there may be more of them.
 */
static char *
cut_tag(char *path)
{
	for (char *p = path + strlen(path); p-- > path;) {
		if (*p != ':' || !p[1])
			continue;
		*p = '\0';
		if (!access(path, F_OK))
			return p + 1;
		*p = ':';
	}
	return NULL;
}

static void
open_stream(struct source *s)
{
	s->kind = STREAM;
	s->name = "-";
	s->tar = xcalloc(1, sizeof(*s->tar));
	s->e = xcalloc(1, sizeof(*s->e));
	s->tar->read = read_stdin;
	/* Fewer, longer reads, if it is a pipe. */
	fcntl(STDIN_FILENO, F_SETPIPE_SZ, PIPE);
}

struct source *
source_open(const char *spec, struct oci *o)
{
	static const struct {
		const char *prefix;
		int kind, flags;
	} v[] = {
		{ "oci:", DIRECTORY, O_DIRECTORY },
		{ "oci-archive:", ARCHIVE, 0 },
		{ "docker-archive:", ARCHIVE, 0 },
	};
	struct source *s = xcalloc(1, sizeof(*s));
	char *path = NULL, *tag = NULL;
	size_t i;

	*o = (struct oci){ 0 };
	s->fd = s->range.fd = -1;
	if (!strcmp(spec, "-")) {
		open_stream(s);
		read_layout(s, o, NULL);
		return s;
	}
	for (i = 0; i < ARRAY_SIZE(v); i++)
		if (!strncmp(spec, v[i].prefix, strlen(v[i].prefix)))
			break;
	if (i == ARRAY_SIZE(v))
		die_usage("'%s' is no source of layers", spec);
	path = xstrdup(spec + strlen(v[i].prefix));
	/* A file that is there by the whole name has no tag. */
	if (access(path, F_OK))
		tag = cut_tag(path);
	s->kind = v[i].kind;
	s->name = path;
	s->fd = xopen(path, O_RDONLY | v[i].flags, 0);
	if (s->kind == ARCHIVE)
		scan(s);
	if (i == 2)
		read_docker(s, o, tag);
	else
		read_layout(s, o, tag);
	return s;
}

struct source *
source_tars(char *const *files, size_t n, struct oci *o)
{
	struct source *s = xcalloc(1, sizeof(*s));

	if (n > 4096)
		die_usage("there are more than 4096 layers");
	*o = (struct oci){ .n = n };
	o->layers = xcalloc(n, sizeof(*o->layers));
	s->kind = TARS;
	s->files = files;
	s->fd = AT_FDCWD;
	s->range.fd = -1;
	for (size_t i = 0; i < n; i++) {
		if (access(files[i], R_OK))
			die_sys("cannot open '%s'", files[i]);
		o->layers[i].path = files[i];
	}
	return s;
}

const char *
source_name(const struct source *s)
{
	return s->name;
}

static ssize_t
no_bytes(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	(void)buf;
	(void)n;
	return -1;
}

struct bytes
source_layer(struct source *s, struct oci *o, size_t i, char why[WHY])
{
	struct oci_layer *l = &o->layers[i];
	autofree char *name = l->path ? xstrdup(l->path) : blob_name(&l->blob);
	struct bytes in;

	if (!open_name(s, name, &in, why))
		in = (struct bytes){ no_bytes, NULL, why };
	return in;
}

bool
source_end(struct source *s, char why[WHY])
{
	ssize_t n;

	if (s->kind != STREAM)
		return true;
	while ((n = tar_next(s->tar, s->e)) > 0)
		;
	if (n < 0) {
		snprintf(why, WHY, "the stream is damaged: %s", s->tar->error);
		return false;
	}
	/* Its writer must not meet a closed pipe. */
	while (read_stdin(NULL, s->tar->buf, TAR_BUF) > 0)
		;
	return true;
}
