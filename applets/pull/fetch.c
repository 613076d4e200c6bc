/* fetch.c - bng-pull fetch: one file, whole and right
 *
 * SPDX-License-Identifier: MIT
 */
#include <curl/curl.h>

#include "bng.h"
#include "part.h"
#include "pull.h"

enum { SLOW_BYTES = 100 };	/* a second; below it a transfer is stalled */

static void
setup(struct fetch *f)
{
	CURL *c;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(c = curl_easy_init()))
		die("cannot start libcurl");
	f->curl = c;
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(c, CURLOPT_USERAGENT, "banger/" BNG_VERSION);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)f->stall);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)f->stall);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 1L << 17);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, fetch_on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, fetch_on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
	if (f->cafile)
		curl_easy_setopt(c, CURLOPT_CAINFO, f->cafile);
	if (f->progress) {
		curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION,
		    fetch_on_progress);
		curl_easy_setopt(c, CURLOPT_XFERINFODATA, f);
	}
	clock_gettime(CLOCK_MONOTONIC, &f->since);
	f->last = f->since;
}

static void
add(void *ctx, const void *buf, size_t len)
{
	digest_add(ctx, buf, len);
}

static void
add_copied(void *ctx, const void *buf, size_t len)
{
	struct fetch *f = ctx;

	digest_add(f->digest, buf, len);
	fetch_copy(f, f->copied, buf, len);
}

/* Whether the bytes that are there have the digest, if one is wanted. */
static bool
right(const struct fetch *f, char got[DIGEST_HEX])
{
	digest_hex(f->digest, got);
	return !f->want || !strcmp(got, f->want);
}

/* Whether FILE itself is there already, with the digest. */
static bool
there_already(struct fetch *f)
{
	char got[DIGEST_HEX];
	struct part p = { 0 };
	bool same;

	p.fd = f->want ? open(f->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (p.fd < 0)
		return false;
	same = !part_read(&p, add, f->digest) && right(f, got);
	close(p.fd);
	digest_reset(f->digest);
	return same;
}

/* Take up what an earlier run left. Whether it is all there already. */
static bool
take_up(struct fetch *f)
{
	char got[DIGEST_HEX];
	int r = 0;

	xpart_open(&f->part, f->file);
	if (f->part.have > f->max)
		r = part_reset(&f->part);
	if (!r && f->copy)
		r = part_read(&f->part, add_copied, f);
	else if (!r)
		r = part_read(&f->part, add, f->digest);
	if (r)
		fetch_cannot_write(f, r);
	f->first = f->part.have;
	return f->want && f->part.have && right(f, got);
}

static int
finish(struct fetch *f)
{
	int r = 0;

	if (f->copy)
		part_drop(&f->part);
	else
		r = part_finish(&f->part);
	if (r)
		die("cannot finish '%s': %s", f->file, strerror(-r));
	return EXIT_YES;
}

static int
fetch(struct fetch *f)
{
	char got[DIGEST_HEX];
	int64_t kept;

	if (!f->file)
		part_stdout(&f->part);
	else if (!f->copy && there_already(f))
		return EXIT_YES;
	else if (take_up(f))
		return finish(f);
	kept = f->part.have;
	fetch_transfer(f);
	if (!right(f, got) && f->file && !f->copy && kept && f->from) {
		/* The old half may have been another file's. */
		warn("what was there of '%s' was not part of it; again",
		    f->file);
		if (part_reset(&f->part))
			fetch_cannot(f, "its part cannot be emptied");
		digest_reset(f->digest);
		f->first = 0;
		fetch_transfer(f);
	}
	if (f->progress)
		fetch_show(f, f->part.have, true);
	if (right(f, got))
		return finish(f);
	part_drop(&f->part);
	/* Who reads it has more to say. */
	if (f->copy)
		return EXIT_NO;
	warn("'%s' has the SHA-256 %s instead of %s", f->shown, got, f->want);
	return EXIT_NO;
}

int
fetch_main(int argc, char *argv[])
{
	struct fetch f = { .max = INT64_MAX, .stall = 60 };
	char want[DIGEST_HEX];
	int c;

	while ((c = getopt(argc, argv, "c:k:m:o:ps:t:")) != -1)
		switch (c) {
		case 'c': f.cafile = optarg; break;
		case 'k':
			f.file = optarg;
			f.copy = true;
			break;
		case 'm': f.max = xsize(optarg, 1, "limit"); break;
		case 'o': f.file = optarg; break;
		case 'p': f.progress = true; break;
		case 's':
			if (!digest_parse(optarg, want))
				die_usage("'%s' is not a SHA-256", optarg);
			f.want = want;
			break;
		case 't': f.stall = xnum(optarg, 1, 86400, "seconds"); break;
		default: die_usage("fetch: unknown option");
		}
	if (argc - optind != 1)
		die_usage("fetch: one URL is wanted");
	if (f.copy && !f.want)
		die_usage("fetch: -k wants -s, which tells whose part it is");
	f.digest = xdigest_new();
	xurl(argv[optind], &f.url, &f.shown);
	digest_of(f.url, f.source);
	setup(&f);
	return fetch(&f);
}
