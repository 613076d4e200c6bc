/* answer.c - what a server sends to bng-pull fetch: headers, ranges, bytes
 *
 * SPDX-License-Identifier: MIT
 */
#include <curl/curl.h>
#include <stdarg.h>
#include <strings.h>

#include "bng.h"
#include "human.h"
#include "part.h"
#include "pull.h"

enum { HEADERS_MAX = 256 << 10 };

void
fetch_cannot(const struct fetch *f, const char *why)
{
	die("cannot fetch '%s': %s", f->shown, why);
}

void
fetch_cannot_write(const struct fetch *f, int r)
{
	die("cannot write '%s%s': %s", f->file ? f->file : "stdout",
	    f->file ? ".part" : "", strerror(-r));
}

/*
 * A server that has to begin anew sends again what stdout has had; who reads
 * that has the digest to check whether both were the same.
 */
void
fetch_copy(struct fetch *f, int64_t from, const void *p, size_t n)
{
	int64_t had = f->copied - from;

	if (had >= (int64_t)n)
		return;
	if (had < 0)
		had = 0;
	xwrite(STDOUT_FILENO, (const char *)p + had, n - (size_t)had, "stdout");
	f->copied = from + (int64_t)n;
}

/* Take note of why this request has to end; the callback's way to say it. */
size_t
fetch_refuse(struct fetch *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	return 0;
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

size_t
fetch_on_header(char *data, size_t one, size_t n, void *ctx)
{
	struct fetch *f = ctx;
	char line[512];
	char *v;

	n *= one;
	f->headers += n;
	if (f->headers > HEADERS_MAX)
		return fetch_refuse(f, "the server sends headers without end");
	if (n >= sizeof(line))
		return n;
	memcpy(line, data, n);
	line[n] = '\0';
	if (!strncmp(line, "HTTP/", 5)) {
		f->etag[0] = f->modified[0] = '\0';
		f->range_from = f->range_total = -1;
		f->headed = false;
	}
	/* Behind a body in chunks there may be more of them. */
	f->headed |= !line[strspn(line, "\r\n")];
	if ((v = answered_value(line, "ETag")) && strlen(v) < sizeof(f->etag))
		snprintf(f->etag, sizeof(f->etag), "%s", v);
	if ((v = answered_value(line, "Last-Modified")) &&
	    strlen(v) < sizeof(f->modified))
		snprintf(f->modified, sizeof(f->modified), "%s", v);
	if ((v = answered_value(line, "Content-Range")))
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
	return fetch_refuse(f, "it is larger than %s",
	    human_size(f->max, size));
}

/* The headers are there: is this the body that was asked for? 0 if not. */
size_t
fetch_begins(struct fetch *f)
{
	curl_off_t length = -1;
	long code = 0;
	int r;

	f->begun = true;
	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &code);
	curl_easy_getinfo(f->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (code == 206) {
		if (f->range_from != f->from)
			return fetch_refuse(f, "the server sends another part "
			    "than was asked for");
	} else if (code == 200 || code == 0) {
		if (part_reset(&f->part))
			return fetch_refuse(f, "it broke off, and the server "
			    "cannot go on in the middle");
		digest_reset(f->digest);
		f->first = 0;
		r = part_note(&f->part, f->source, validator(f));
		if (r)
			fetch_cannot_write(f, r);
	} else {
		return fetch_refuse(f, "the server answered %ld", code);
	}
	if (length > 0 && length > f->max - f->part.have)
		return too_large(f);
	return 1;
}

size_t
fetch_on_body(char *data, size_t one, size_t n, void *ctx)
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
	if (!f->begun && !fetch_begins(f))
		return 0;
	if ((int64_t)n > f->max - f->part.have)
		return too_large(f);
	if (f->copy)
		fetch_copy(f, f->part.have, data, n);
	r = part_write(&f->part, data, n);
	if (r)
		fetch_cannot_write(f, r);
	digest_add(f->digest, data, n);
	f->grew |= n > 0;
	return n;
}
