/* bng-pull - what comes from a network
 *
 * SPDX-License-Identifier: MIT
 *
 * An applet of its own because of libcurl and libcrypto, without which
 * resuming, redirects, proxies, TLS and digests would be ours to get wrong.
 *
 * usage: bng-pull fetch [-p] [-c CAFILE] [-m MAXBYTES] [-o FILE]
 *            [-s SHA256] [-t SECONDS] URL
 *        bng-pull unpack [-m MAXBYTES] ARCHIVE MEMBER FILE [MEMBER FILE ...]
 *
 * Download an http, https or file URL to FILE, which appears when it is whole
 * and has the digest, or to stdout. What a broken download left in FILE.part
 * is continued if it still is part of the same file.
 *
 *   -c  certificates to trust instead of the system's
 *   -m  refuse what is larger (a size such as 512M)
 *   -p  show progress on stderr
 *   -s  the SHA-256 that it must have
 *   -t  give up after so long with next to no bytes (default 60)
 *
 * unpack takes members, which must be regular files, out of a tar.gz: MEMBER
 * becomes FILE, a new one, executable.
 *
 *   -m  refuse an archive that unpacks to more (default 256M)
 *
 * exit: 0 done; 1 the digest differs, or there is no such member; 100 wrong
 * usage; 111 failed
 */
#include <curl/curl.h>
#include <stdarg.h>
#include <strings.h>
#include <time.h>

#include "bng.h"
#include "digest.h"
#include "human.h"
#include "part.h"
#include "pull/pull.h"

enum {
	REDIRECTS = 5,
	TRIES = 10,		/* as long as each of them brings bytes */
	HEADERS_MAX = 256 << 10,
	SLOW_BYTES = 100,	/* a second; below it a transfer is stalled */
};

struct fetch {
	CURL *curl;
	struct part part;
	struct digest *digest;
	char source[DIGEST_HEX];	/* of the URL: it may hold secrets */
	char *url, *shown;
	const char *want, *file, *cafile;
	int64_t max, stall;
	bool progress;

	/* This request: */
	int64_t from;			/* where it asked to start */
	bool begun;			/* the body was judged */
	bool grew;			/* and brought bytes */
	char why[256];			/* why we ended it */
	size_t headers;
	char etag[256], modified[64];
	int64_t range_from, range_total;

	/* Progress: */
	struct timespec since, last;
	int64_t first;			/* bytes that were there before */
};

noreturn_fn static void
cannot(const struct fetch *f, const char *why)
{
	die("cannot fetch '%s': %s", f->shown, why);
}

noreturn_fn static void
cannot_write(const struct fetch *f, int r)
{
	die("cannot write '%s%s': %s", f->file ? f->file : "stdout",
	    f->file ? ".part" : "", strerror(-r));
}

/* Take note of why this request has to end; the callback's way to say it. */
printf_fn(2, 3) static size_t
refuse(struct fetch *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	return 0;
}

/* If the line is this header: its value without blanks around, else NULL. */
static char *
header(char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) || line[n] != ':')
		return NULL;
	line += n + 1;
	line += strspn(line, " \t");
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

static void
content_range(struct fetch *f, const char *v)
{
	long long from, to, total;

	if (sscanf(v, "bytes %lld-%lld/%lld", &from, &to, &total) >= 2)
		f->range_from = from;
	else if (sscanf(v, "bytes */%lld", &total) == 1)
		f->range_total = total;
}

static size_t
on_header(char *data, size_t one, size_t n, void *ctx)
{
	struct fetch *f = ctx;
	char line[512];
	char *v;

	n *= one;
	f->headers += n;
	if (f->headers > HEADERS_MAX)
		return refuse(f, "the server sends headers without end");
	if (n >= sizeof(line))
		return n;
	memcpy(line, data, n);
	line[n] = '\0';
	if (!strncmp(line, "HTTP/", 5)) {
		f->etag[0] = f->modified[0] = '\0';
		f->range_from = f->range_total = -1;
	}
	if ((v = header(line, "ETag")) && strlen(v) < sizeof(f->etag))
		snprintf(f->etag, sizeof(f->etag), "%s", v);
	if ((v = header(line, "Last-Modified")) &&
	    strlen(v) < sizeof(f->modified))
		snprintf(f->modified, sizeof(f->modified), "%s", v);
	if ((v = header(line, "Content-Range")))
		content_range(f, v);
	return n;
}

/* What If-Range accepts: a weak tag promises too little. */
static const char *
validator(const struct fetch *f)
{
	return f->etag[0] == '"' ? f->etag : f->modified;
}

static size_t
too_large(struct fetch *f)
{
	char size[HUMAN_LEN];

	part_drop(&f->part);
	return refuse(f, "it is larger than %s", human_size(f->max, size));
}

/* The headers are there: is this the body that was asked for? 0 if not. */
static size_t
body_begins(struct fetch *f)
{
	curl_off_t length = -1;
	long code = 0;
	int r;

	f->begun = true;
	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &code);
	curl_easy_getinfo(f->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (code == 206) {
		if (f->range_from != f->from)
			return refuse(f, "the server sends another part than"
			    " was asked for");
	} else if (code == 200 || code == 0) {
		if (part_reset(&f->part))
			return refuse(f, "it broke off, and the server cannot"
			    " go on in the middle");
		digest_reset(f->digest);
		f->first = 0;
		r = part_note(&f->part, f->source, validator(f));
		if (r)
			cannot_write(f, r);
	} else {
		return refuse(f, "the server answered %ld", code);
	}
	if (length > 0 && length > f->max - f->part.have)
		return too_large(f);
	return 1;
}

static size_t
on_body(char *data, size_t one, size_t n, void *ctx)
{
	struct fetch *f = ctx;
	long code = 0;
	int r;

	n *= one;
	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &code);
	if (code >= 300 && code < 400) {
		/* What a redirect has to say; libcurl wants it read. */
		f->headers += n;
		return f->headers > HEADERS_MAX ? 0 : n;
	}
	if (!f->begun && !body_begins(f))
		return 0;
	if ((int64_t)n > f->max - f->part.have)
		return too_large(f);
	r = part_write(&f->part, data, n);
	if (r)
		cannot_write(f, r);
	digest_add(f->digest, data, n);
	f->grew |= n > 0;
	return n;
}

static double
seconds_since(const struct timespec *then, struct timespec *ret_now)
{
	clock_gettime(CLOCK_MONOTONIC, ret_now);
	return (double)(ret_now->tv_sec - then->tv_sec) +
	    (double)(ret_now->tv_nsec - then->tv_nsec) / 1e9;
}

static void
show_progress(struct fetch *f, int64_t total, bool end)
{
	static int terminal = -1;
	char have[HUMAN_LEN], all[HUMAN_LEN + 8] = "", rate[HUMAN_LEN];
	char size[HUMAN_LEN];
	struct timespec now;
	double elapsed;

	if (terminal < 0)
		terminal = isatty(STDERR_FILENO);
	if (!end && seconds_since(&f->last, &now) < (terminal ? 0.1 : 5))
		return;
	elapsed = seconds_since(&f->since, &now);
	f->last = now;
	if (total > 0)
		snprintf(all, sizeof(all), " of %s", human_size(total, size));
	human_size((int64_t)((double)(f->part.have - f->first) /
	    (elapsed > 0.001 ? elapsed : 0.001)), rate);
	human_size(f->part.have, have);
	if (terminal)
		fprintf(stderr, "\r%s%s, %s/s\033[K%s", have, all, rate,
		    end ? "\n" : "");
	else
		fprintf(stderr, "%s: %s%s, %s/s\n", msg_name, have, all,
		    rate);
}

static int
on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t utotal,
    curl_off_t unow)
{
	struct fetch *f = ctx;

	(void)now;
	(void)utotal;
	(void)unow;
	if (f->begun && f->part.have)
		show_progress(f, total > 0 ? total + f->from : 0, false);
	return 0;
}

/* Where to start: behind what is there, if its rest can be had. */
static struct curl_slist *
ask_range(struct fetch *f)
{
	struct curl_slist *extra = NULL;
	bool same = !strcmp(f->part.source, f->source) && f->part.validator[0];
	char text[400];

	f->from = same || f->want ? f->part.have : 0;
	if (!f->from || !strncmp(f->url, "file:", 5)) {
		f->from = 0;
		curl_easy_setopt(f->curl, CURLOPT_RANGE, NULL);
		return NULL;
	}
	snprintf(text, sizeof(text), "%lld-", (long long)f->from);
	curl_easy_setopt(f->curl, CURLOPT_RANGE, text);
	if (same) {
		snprintf(text, sizeof(text), "If-Range: %s", f->part.validator);
		extra = curl_slist_append(NULL, text);
	}
	return extra;
}

/* One request. What libcurl said; its words are in error. */
static CURLcode
request(struct fetch *f, const char *url, char *error)
{
	struct curl_slist *extra = ask_range(f);
	CURLcode c;

	f->begun = f->grew = false;
	f->why[0] = f->etag[0] = f->modified[0] = '\0';
	f->headers = 0;
	f->range_from = f->range_total = -1;
	curl_easy_setopt(f->curl, CURLOPT_URL, url);
	curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, extra);
	curl_easy_setopt(f->curl, CURLOPT_ERRORBUFFER, error);
	error[0] = '\0';
	c = curl_easy_perform(f->curl);
	curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(extra);
	if (!error[0])
		snprintf(error, CURL_ERROR_SIZE, "%s", curl_easy_strerror(c));
	return c;
}

/* Follow one redirect, to http or https, never from https to http. */
static char *
redirected(struct fetch *f, const char *url, int count)
{
	bool safe = !strncasecmp(url, "https://", 8);
	char *to = NULL;
	long code = 0;

	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &code);
	curl_easy_getinfo(f->curl, CURLINFO_REDIRECT_URL, &to);
	if (code < 301 || code > 308 || !to)
		return NULL;
	if (count == REDIRECTS)
		cannot(f, "the server redirects too often");
	if (strncasecmp(to, "https://", 8) &&
	    (safe || strncasecmp(to, "http://", 7)))
		cannot(f, safe ? "the server redirects to what is not https" :
		    "the server redirects to what is not http");
	return xstrdup(to);
}

/* Is the same again, from where it broke off, worth a try? */
static bool
broke_off(const struct fetch *f, CURLcode c)
{
	static const CURLcode codes[] = { CURLE_PARTIAL_FILE, CURLE_RECV_ERROR,
		CURLE_OPERATION_TIMEDOUT, CURLE_HTTP2, CURLE_HTTP2_STREAM };

	if (!f->grew || (!f->want && !f->part.validator[0]))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (c == codes[i])
			return true;
	return false;
}

/* 416: there is no such range. Whether that means that all is there. */
static bool
range_refused(struct fetch *f)
{
	int r;

	if (f->range_total == f->part.have)
		return true;
	r = part_reset(&f->part);
	if (r)
		cannot(f, "the server cannot go on in the middle");
	digest_reset(f->digest);
	return false;
}

/* All requests that it takes until the file is there. Dies if it cannot be. */
static void
transfer(struct fetch *f)
{
	char error[CURL_ERROR_SIZE];
	char *url = f->url, *next;
	int redirects = 0, tries = 0;
	long code = 0;
	CURLcode c;

	for (;;) {
		c = request(f, url, error);
		curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &code);
		next = redirected(f, url, redirects);
		if (next) {
			redirects++;
			url = next;
		} else if (code == 416 && f->from && !f->why[0]) {
			if (range_refused(f))
				return;
		} else if (f->why[0]) {
			cannot(f, f->why);
		} else if (c == CURLE_HTTP_RETURNED_ERROR) {
			refuse(f, "the server answered %ld", code);
			cannot(f, f->why);
		} else if (c == CURLE_OK) {
			if (!f->begun && !body_begins(f))
				cannot(f, f->why);
			return;
		} else if (broke_off(f, c) && ++tries < TRIES) {
			/* A redirect may have expired: ask from the start. */
			url = f->url;
			redirects = 0;
		} else {
			cannot(f, error);
		}
	}
}

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
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
	if (f->cafile)
		curl_easy_setopt(c, CURLOPT_CAINFO, f->cafile);
	if (f->progress) {
		curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
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
	if (!r)
		r = part_read(&f->part, add, f->digest);
	if (r)
		cannot_write(f, r);
	f->first = f->part.have;
	return f->want && f->part.have && right(f, got);
}

static int
finish(struct fetch *f)
{
	int r = part_finish(&f->part);

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
	else if (there_already(f))
		return EXIT_YES;
	else if (take_up(f))
		return finish(f);
	kept = f->part.have;
	transfer(f);
	if (!right(f, got) && f->file && kept && f->from) {
		/* The old half may have been another file's. */
		warn("what was there of '%s' was not part of it; again",
		    f->file);
		if (part_reset(&f->part))
			cannot(f, "its part cannot be emptied");
		digest_reset(f->digest);
		f->first = 0;
		transfer(f);
	}
	if (f->progress)
		show_progress(f, f->part.have, true);
	if (right(f, got))
		return finish(f);
	part_drop(&f->part);
	warn("'%s' has the SHA-256 %s instead of %s", f->shown, got, f->want);
	return EXIT_NO;
}

static int
fetch_main(int argc, char *argv[])
{
	struct fetch f = { .max = INT64_MAX, .stall = 60 };
	char want[DIGEST_HEX];
	int c;

	while ((c = getopt(argc, argv, "c:m:o:ps:t:")) != -1)
		switch (c) {
		case 'c': f.cafile = optarg; break;
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
	f.digest = xdigest_new();
	xurl(argv[optind], &f.url, &f.shown);
	digest_of(f.url, f.source);
	setup(&f);
	return fetch(&f);
}

static int
pull_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "fetch", fetch_main },
		{ "unpack", unpack_main },
		{ NULL, NULL },
	};

	opterr = 0;
	return verbs_run(verbs, argc, argv);
}

APPLET(pull, PLAIN);
