/* exchange.c - a question to a registry, until it has an answer
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. A try begins at the exchange's own URL and follows redirects, each hop a
 *    transfer of its own: a redirect may expire, so none is remembered.
 * 2. What proves who we are goes to the origin itself and nowhere else.
 * 3. A try that brought bytes makes the count of tries begin again.
 */
#include <curl/curl.h>
#include <stdarg.h>
#include <sys/random.h>

#include "bng.h"
#include "pull.h"

enum {
	HOPS = 5,
	TRIES = 5,		/* one after the other without a byte */
	REFUSALS = 2,		/* 401s, each after another token */
	WAIT_MS = 250,		/* before the second try; then twice that */
	WAIT_MAX_MS = 8000,
	ERROR_MAX = 512 << 10,	/* bytes of an error's page */
	ASKED_MAX_S = 60,	/* how long Retry-After may make us wait */
};

static long stall = 60;

void
exchange_stall(long seconds)
{
	stall = seconds;
}

bool
exchange_refuse(struct exchange *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->why, sizeof(x->why), fmt, ap);
	va_end(ap);
	x->refused = true;
	return false;
}

void
exchange_release(struct exchange *x)
{
	if (x->curl)
		curl_easy_cleanup(x->curl);
	curl_slist_free_all(x->headers);
	free(x->url);
	free(x->path);
	free(x->basic);
	x->curl = x->headers = x->url = x->path = x->basic = NULL;
}

void
exchange_fail(struct exchange *x, const char *why)
{
	x->done(x, why);
}

/* An error's body: its beginning, for the words in it. */
static size_t
on_error_body(struct exchange *x, const char *data, size_t n)
{
	size_t room = sizeof(x->said) - x->said_had;

	memcpy(x->said + x->said_had, data, n < room ? n : room);
	x->said_had += n < room ? n : room;
	x->headers_had += n;
	if (x->headers_had <= ERROR_MAX)
		return n;
	exchange_refuse(x, "the server answered %ld, and goes on and on",
	    x->status);
	return 0;
}

static bool
begins(struct exchange *x)
{
	curl_off_t length = -1;

	if (x->begun)
		return true;
	x->begun = true;
	curl_easy_getinfo(x->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	x->length = length;
	return !x->begin || x->begin(x);
}

static size_t
on_body(char *data, size_t one, size_t n, void *ctx)
{
	struct exchange *x = ctx;

	n *= one;
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
	if (x->status < 200 || x->status > 299)
		return on_error_body(x, data, n);
	return begins(x) && x->body(x, data, n) ? n : 0;
}

static void
add_header(struct exchange *x, const char *text)
{
	void *more = curl_slist_append(x->headers, text);

	if (!more)
		die("out of memory");
	x->headers = more;
}

static void
headers(struct exchange *x)
{
	curl_slist_free_all(x->headers);
	x->headers = NULL;
	if (x->accept)
		add_header(x, x->accept);
	if (x->basic)
		add_header(x, x->basic);
	else if (*x->path == '/' && x->at->authorization &&
	    origin_owns(x->at, x->url))
		add_header(x, x->at->authorization);
	x->generation = x->at->generation;
	curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
}

/* Ask x->url. */
static void
hop(struct exchange *x)
{
	char range[64] = "";

	x->curl = net_handle(x->curl, stall);
	answered_reset(x);
	x->begun = false;
	x->refused = false;
	x->why[0] = x->error[0] = '\0';
	x->headers_had = 0;
	headers(x);
	if (x->range)
		x->range(x, range, sizeof(range));
	curl_easy_setopt(x->curl, CURLOPT_URL, x->url);
	curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(x->curl, CURLOPT_HEADERFUNCTION, answered_header);
	curl_easy_setopt(x->curl, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
	if (range[0])
		curl_easy_setopt(x->curl, CURLOPT_RANGE, range);
	if (x->form)
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, x->form);
	net_add(x);
}

void
exchange_again(struct exchange *x)
{
	free(x->url);
	x->url = *x->path == '/' ? xasprintf("%s%s", x->at->base, x->path) :
	    xstrdup(x->path);
	x->hops = 0;
	hop(x);
}

void
exchange_start(struct exchange *x)
{
	x->tries = x->refusals = 0;
	exchange_again(x);
}

void
exchange_due(struct exchange *x)
{
	exchange_again(x);
}

/* Half of the time, and a random part of the other half. */
static int64_t
jitter(int64_t ms)
{
	uint32_t n = 0;

	if (getrandom(&n, sizeof(n), 0) < 0)
		n = 0;
	return ms / 2 + n % (ms / 2 + 1);
}

static void
later(struct exchange *x, int64_t asked_s, const char *why)
{
	char text[600];
	int64_t wait;

	if (x->grew)
		x->tries = 0;
	x->grew = false;
	wait = (int64_t)WAIT_MS << x->tries;
	if (++x->tries >= TRIES) {
		exchange_fail(x, why);
		return;
	}
	if (asked_s > ASKED_MAX_S) {
		snprintf(text, sizeof(text), "%s, and wants to be asked again "
		    "in %lld seconds", why, (long long)asked_s);
		exchange_fail(x, text);
		return;
	}
	wait = jitter(wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS);
	if (asked_s > 0)
		wait += asked_s * 1000;
	x->due = now_ms() + wait + 1;
	net_add(x);
}

static bool
redirected(struct exchange *x)
{
	const char *why;
	char *to = NULL;

	curl_easy_getinfo(x->curl, CURLINFO_REDIRECT_URL, &to);
	if (x->status < 301 || x->status > 308 || !to)
		return false;
	why = ++x->hops > HOPS ? "the server redirects too often" :
	    x->form ? "the token server redirects" :
	    origin_allows(x->at, to);
	if (why) {
		exchange_fail(x, why);
		return true;
	}
	to = xstrdup(to);
	free(x->url);
	x->url = to;
	hop(x);
	return true;
}

static bool
among(int code, const CURLcode *codes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (code == (int)codes[i])
			return true;
	return false;
}

/*
 * Did the connection, rather than the server, fail us? One that cannot be made
 * says so only of a server that has answered before.
 */
static bool
broke_off(const struct exchange *x, int code)
{
	static const CURLcode cut[] = { CURLE_PARTIAL_FILE, CURLE_RECV_ERROR,
		CURLE_SEND_ERROR, CURLE_GOT_NOTHING };
	static const CURLcode unlike[] = { CURLE_OPERATION_TIMEDOUT,
		CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST,
		CURLE_SSL_CONNECT_ERROR, CURLE_WEIRD_SERVER_REPLY,
		CURLE_UNSUPPORTED_PROTOCOL };

	return among(code, cut, ARRAY_SIZE(cut)) ||
	    ((x->at->alive || x->hops) &&
	    among(code, unlike, ARRAY_SIZE(unlike)));
}

/*
 * A registry nobody has spoken with yet may speak the other of two schemes:
 * TLS servers call a request in plain text a bad one. A certificate that is
 * wrong is no such sign, nor is an answer that was cut. A connection that ended
 * before one came may have been cut, too: when the other scheme is not it
 * either, it is the first one's turn again, after a while.
 */
static bool
try_other(struct exchange *x, int code)
{
	static const CURLcode signs[] = { CURLE_SSL_CONNECT_ERROR,
		CURLE_COULDNT_CONNECT, CURLE_GOT_NOTHING, CURLE_RECV_ERROR,
		CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL };
	bool bad = code == CURLE_OK && x->status == 400;
	bool ended = !x->status && among(code, signs, ARRAY_SIZE(signs));
	struct origin *at = x->at;
	char *other = at->other;

	if (!(bad || ended) || !other || at->alive || *x->path != '/')
		return false;
	if (at->turned && (bad || !at->doubt[0] ||
	    code == CURLE_COULDNT_CONNECT))
		return false;
	at->other = at->base;
	at->base = other;
	at->turned = !at->turned;
	if (at->turned) {
		snprintf(at->doubt, sizeof(at->doubt), "%s",
		    bad ? "" : x->error);
		exchange_again(x);
	} else {
		later(x, 0, at->doubt);
	}
	return true;
}

/* The answer has a status: is it one, or what is to be done? */
static void
answered(struct exchange *x)
{
	curl_off_t asked = 0;
	char text[600];

	if (x->status >= 200 && x->status <= 299) {
		if (begins(x))
			x->done(x, NULL);
		else
			exchange_fail(x, x->why);
		return;
	}
	if (redirected(x))
		return;
	if (x->status == 401 && *x->path == '/' && !x->hops &&
	    x->challenge[0] && x->refusals++ < REFUSALS) {
		auth_wanted(x);
		return;
	}
	answered_error(x, text, sizeof(text));
	curl_easy_getinfo(x->curl, CURLINFO_RETRY_AFTER, &asked);
	if (x->status == 429 || x->status >= 500)
		later(x, asked, text);
	else
		exchange_fail(x, text);
}

void
exchange_ended(struct exchange *x, int code)
{
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
	if (x->refused) {
		exchange_fail(x, x->why);
		return;
	}
	/* libcurl takes what was cut before an empty line for an answer. */
	if (code == CURLE_OK && !x->headed) {
		code = CURLE_RECV_ERROR;
		snprintf(x->error, sizeof(x->error),
		    "the connection was cut in the head of the answer");
	}
	if (!x->error[0])
		snprintf(x->error, sizeof(x->error), "%s",
		    curl_easy_strerror((CURLcode)code));
	if (try_other(x, code))
		return;
	if (x->status && *x->path == '/')
		x->at->alive = true;
	if (code == CURLE_OK)
		answered(x);
	else if (broke_off(x, code))
		later(x, 0, x->error);
	else
		exchange_fail(x, x->error);
}
