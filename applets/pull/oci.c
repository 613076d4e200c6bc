/* oci.c - bng-pull oci: an image of a registry as an archive on stdout
 *
 * SPDX-License-Identifier: MIT
 *
 * Getting, hashing and sending happen in turns of one loop; only syncing and
 * waiting for another pull have threads.
 */
#include <sys/resource.h>

#include "bng.h"
#include "human.h"
#include "pull.h"

enum {
	CONNECTIONS = 8,
	CONNECTIONS_MAX = 64,
	MIRRORS_MAX = 15,
	HASH_TURN = 4 << 20,	/* bytes to read back before others may act */
	HASH_AHEAD = 4 << 20,	/* of the stream, for what was in the cache */
};

struct options {
	const char *authfile, *cafile, *mirrors[MIRRORS_MAX];
	size_t n_mirrors;
	bool insecure, progress, quiet;
	int64_t connections, max, stall;
};

/* "HOST=URL" */
static void
add_mirror(struct options *o, const char *text)
{
	const char *eq = strchr(text, '=');
	struct origin *test = eq ? origin_mirror(eq + 1, false) : NULL;

	if (!eq || eq == text || !test)
		die_usage("'%s' is not HOST=URL of a mirror", text);
	free(test);
	if (o->n_mirrors == MIRRORS_MAX)
		die_usage("more than %d mirrors", MIRRORS_MAX);
	o->mirrors[o->n_mirrors++] = text;
}

static void
add_origin(struct source *s, struct origin *o, const struct options *opt)
{
	o->authfile = opt->authfile;
	o->repo = s->ref->path;
	s->origins[s->n++] = o;
}

static void
find_origins(struct source *s, const struct options *opt)
{
	size_t n = strlen(s->ref->host);

	for (size_t i = 0; i < opt->n_mirrors; i++) {
		const char *m = opt->mirrors[i];

		if (!strncmp(m, s->ref->host, n) && m[n] == '=')
			add_origin(s, origin_mirror(m + n + 1, opt->insecure),
			    opt);
	}
	add_origin(s, origin_registry(s->ref->host, opt->insecure), opt);
}

/* The config, then each layer once, the topmost first. */
static void
list_blobs(struct pull *p, const struct options *opt)
{
	const struct manifest *m = &p->image.m;
	char size[HUMAN_LEN];

	p->blobs = xcalloc(m->n + 1, sizeof(*p->blobs));
	blob_init(&p->blobs[p->n++], &m->config, "config");
	for (size_t i = m->n; i-- > 0; ) {
		size_t k = 0;

		while (k < p->n && strcmp(p->blobs[k].d.digest,
		    m->layers[i].digest))
			k++;
		if (k == p->n)
			blob_init(&p->blobs[p->n++], &m->layers[i],
			    xasprintf("layer %zu of %zu", i + 1, m->n));
	}
	for (size_t i = 0; i < p->n; i++) {
		p->size += p->blobs[i].d.size;
		p->blobs[i].origin = p->image.origin;
		p->blobs[i].origins = p->source.n;
	}
	if (p->size > opt->max)
		die("cannot pull '%s': it has more than %s",
		    p->source.ref->path, human_size(opt->max, size));
}

/* Whether the stream could go on if more of its blob were hashed. */
static bool
stream_hungry(void)
{
	int64_t sent;
	const struct blob *b = stream_blob(&sent);

	return b && b->hashed < b->prefix && b->hashed - sent < HASH_AHEAD;
}

/* Hash what is in files already. Whether there is more to hash. */
static bool
hash_some(struct pull *p)
{
	int64_t sent;
	bool more = false;

	for (size_t i = 0; i < p->n && !more; i++)
		if (p->blobs[i].state == BLOB_OURS)
			more = blob_hash(&p->blobs[i], HASH_TURN);
	if (stream_hungry())
		blob_hash(stream_blob(&sent), HASH_AHEAD);
	return more;
}

static void
run(struct pull *p)
{
	while (!stream_ended()) {
		bool more, ready;

		flight_schedule(p);
		more = hash_some(p);
		ready = stream_pump();
		show_turn();
		if (!stream_ended())
			net_turn(ready ? STDOUT_FILENO : -1,
			    more || stream_hungry() ? 0 : show_wait());
	}
	while (jobs_running())
		net_turn(-1, show_wait());
}

/* As many files as an image may have layers. */
static void
raise_limit(void)
{
	struct rlimit r;

	if (!getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max < 8192 ? r.rlim_max : 8192;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void
parse(int argc, char *argv[], struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "M:a:c:ij:m:pqt:")) != -1)
		switch (c) {
		case 'M': add_mirror(o, optarg); break;
		case 'a': o->authfile = optarg; break;
		case 'c': o->cafile = optarg; break;
		case 'i': o->insecure = true; break;
		case 'j':
			o->connections = xnum(optarg, 1, CONNECTIONS_MAX,
			    "connections");
			break;
		case 'm': o->max = xsize(optarg, 1, "limit"); break;
		case 'p': o->progress = true; break;
		case 'q': o->quiet = true; break;
		case 't': o->stall = xnum(optarg, 1, 86400, "seconds"); break;
		default: die_usage("oci: unknown option");
		}
	if (argc - optind != 1)
		die_usage("oci: one name of an image is wanted");
}

int
oci_main(int argc, char *argv[])
{
	struct options o = { .connections = CONNECTIONS, .stall = 60,
		.max = INT64_C(256) << 30 };
	struct pull p = { 0 };
	struct ref ref;

	parse(argc, argv, &o);
	xref(&ref, argv[optind]);
	if (isatty(STDOUT_FILENO))
		die_usage("oci: an archive is nothing for a terminal");
	if (o.cafile && access(o.cafile, R_OK))
		die_sys("cannot read '%s'", o.cafile);
	raise_limit();
	p.source.ref = &ref;
	p.connections = (size_t)o.connections;
	net_init(o.cafile, (int)o.connections);
	exchange_stall(o.stall);
	find_origins(&p.source, &o);
	show_init(&p, o.progress, o.quiet);
	resolve(&p.image, &p.source);
	list_blobs(&p, &o);
	stream_init(&p);
	run(&p);
	show_end();
	return EXIT_YES;
}
