/* transfer.c - the requests of bng-pull fetch, one after the other
 *
 * SPDX-License-Identifier: MIT
 */
#include <curl/curl.h>
#include <poll.h>
#include <strings.h>

#include "bng.h"
#include "part.h"
#include "pull.h"

enum {
	REDIRECTS = 5,
	TRIES = 10,		/* as long as each of them brings bytes */
	BARREN = 4,		/* one after the other that bring none */
	WAIT_MS = 250,		/* before the first of those; then twice that */
};

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
	f->headed = false;
	f->range_from = f->range_total = -1;
	curl_easy_setopt(f->curl, CURLOPT_URL, url);
	curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, extra);
	curl_easy_setopt(f->curl, CURLOPT_ERRORBUFFER, error);
	error[0] = '\0';
	c = curl_easy_perform(f->curl);
	curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(extra);
	/* libcurl takes what was cut before an empty line for an answer. */
	if (c == CURLE_OK && !f->headed && strncmp(url, "file:", 5)) {
		c = CURLE_GOT_NOTHING;
		snprintf(error, CURL_ERROR_SIZE,
		    "the connection was cut in the head of the answer");
	}
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
		fetch_cannot(f, "the server redirects too often");
	if (strncasecmp(to, "https://", 8) &&
	    (safe || strncasecmp(to, "http://", 7)))
		fetch_cannot(f, safe ?
		    "the server redirects to what is not https" :
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

/* Nothing came at all: is it worth another try, after a while? */
static bool
barren(const struct fetch *f, CURLcode c, int *count)
{
	if (f->grew || (c != CURLE_GOT_NOTHING && c != CURLE_RECV_ERROR &&
	    c != CURLE_SEND_ERROR) || ++*count >= BARREN)
		return false;
	poll(NULL, 0, WAIT_MS << (*count - 1));
	return true;
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
		fetch_cannot(f, "the server cannot go on in the middle");
	digest_reset(f->digest);
	return false;
}

/* All requests that it takes until the file is there. Dies if it cannot be. */
void
fetch_transfer(struct fetch *f)
{
	char error[CURL_ERROR_SIZE];
	char *url = f->url, *next;
	int redirects = 0, tries = 0, nothing = 0;
	long code = 0;
	CURLcode c;

	for (;;) {
		c = request(f, url, error);
		curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &code);
		if (f->grew)
			nothing = 0;
		next = redirected(f, url, redirects);
		if (next) {
			redirects++;
			url = next;
		} else if (code == 416 && f->from && !f->why[0]) {
			if (range_refused(f))
				return;
		} else if (f->why[0]) {
			fetch_cannot(f, f->why);
		} else if (c == CURLE_HTTP_RETURNED_ERROR) {
			fetch_refuse(f, "the server answered %ld", code);
			fetch_cannot(f, f->why);
		} else if (c == CURLE_OK) {
			if (!f->begun && !fetch_begins(f))
				fetch_cannot(f, f->why);
			return;
		} else if ((broke_off(f, c) && ++tries < TRIES) ||
		    barren(f, c, &nothing)) {
			/* A redirect may have expired: ask from the start. */
			url = f->url;
			redirects = 0;
		} else {
			fetch_cannot(f, error);
		}
	}
}
