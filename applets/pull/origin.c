/* origin.c - registries and mirrors: where they are, and by which scheme
 *
 * SPDX-License-Identifier: MIT
 *
 * https, and plain http for what runs on this host or when the person said so;
 * nothing that a server answers can widen that.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

#include "bng.h"
#include "pull.h"

/* A host as URLs have it, with or without a port and brackets. */
static bool
is_loopback(const char *host)
{
	char name[256];
	struct in_addr a;
	size_t n;

	if (*host == '[')
		return !strncmp(host, "[::1]", 5) && strchr(":", host[5]);
	n = strcspn(host, ":");
	if (n >= sizeof(name))
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	return !strcasecmp(name, "localhost") ||
	    (inet_pton(AF_INET, name, &a) == 1 &&
	    ntohl(a.s_addr) >> 24 == 127);
}

static struct origin *
origin_new(const char *host, bool insecure)
{
	struct origin *o = xcalloc(1, sizeof(*o));

	o->host = xstrdup(host);
	o->insecure = insecure;
	o->plain_ok = insecure || is_loopback(host);
	return o;
}

struct origin *
origin_registry(const char *host, bool insecure)
{
	struct origin *o = origin_new(host, insecure);
	bool plain_first = is_loopback(host);

	if (!strcmp(host, "docker.io"))
		host = "registry-1.docker.io";
	/*
	 * Both are tried where both are allowed. A server that waits for a
	 * request in plain text may wait for ever when it is sent TLS; the
	 * other way round there is an answer.
	 */
	o->base = xasprintf("http%s://%s", plain_first ? "" : "s", host);
	if (o->plain_ok)
		o->other = xasprintf("http%s://%s", plain_first ? "s" : "",
		    host);
	return o;
}

/* A part of a URL, malloc'ed by libcurl, or NULL. */
static char *
part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *text = NULL;

	return curl_url_get(u, what, &text, flags) ? NULL : text;
}

/* Scheme, host and port as "https", "host:443". */
static bool
split(const char *url, char *scheme, size_t size, char *host, size_t hsize)
{
	CURLU *u = curl_url();
	char *s = NULL, *h = NULL, *p = NULL;
	bool ok;

	ok = u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
	    (s = part(u, CURLUPART_SCHEME, 0)) &&
	    (h = part(u, CURLUPART_HOST, 0)) &&
	    (p = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT)) &&
	    (size_t)snprintf(scheme, size, "%s", s) < size &&
	    (size_t)snprintf(host, hsize, "%s:%s", h, p) < hsize;
	curl_free(s);
	curl_free(h);
	curl_free(p);
	curl_url_cleanup(u);
	return ok;
}

struct origin *
origin_mirror(const char *url, bool insecure)
{
	char scheme[16], host[300];
	struct origin *o;
	size_t n = strlen(url);
	const char *from;

	if (!split(url, scheme, sizeof(scheme), host, sizeof(host)) ||
	    (strcmp(scheme, "http") && strcmp(scheme, "https")) ||
	    strpbrk(url, "?#@"))
		return NULL;
	from = strstr(url, "://");
	if (!from)
		return NULL;
	from += 3;
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(from, "/"), from);
	o = origin_new(host, insecure);
	while (n && url[n - 1] == '/')
		n--;
	o->base = xasprintf("%.*s", (int)n, url);
	/* Who names a URL with http has said that it is to be spoken. */
	if (!strcmp(scheme, "http"))
		o->plain_ok = o->insecure = true;
	return o;
}

const char *
origin_allows(const struct origin *o, const char *url)
{
	char scheme[16], host[300];

	if (!split(url, scheme, sizeof(scheme), host, sizeof(host)) ||
	    (strcmp(scheme, "http") && strcmp(scheme, "https")))
		return "it leads to what is not https";
	if (!strcmp(scheme, "https") ||
	    (o->plain_ok && (o->insecure || is_loopback(host))))
		return NULL;
	return "it leads to plain http on another host (-i would allow that)";
}

bool
origin_owns(const struct origin *o, const char *url)
{
	char scheme[16], host[300], own_scheme[16], own_host[300];

	return split(url, scheme, sizeof(scheme), host, sizeof(host)) &&
	    split(o->base, own_scheme, sizeof(own_scheme), own_host,
	    sizeof(own_host)) && !strcmp(scheme, own_scheme) &&
	    !strcasecmp(host, own_host);
}
