/* answered.c - what of an answer's headers counts, and an error's words
 *
 * SPDX-License-Identifier: MIT
 */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <strings.h>

#include "bng.h"
#include "pull.h"

enum { HEADERS_MAX = 256 << 10 };

void
answered_reset(struct exchange *x)
{
	x->status = 0;
	x->headed = false;
	x->length = x->from = x->to = x->total = -1;
	x->type[0] = x->digest[0] = x->challenge[0] = '\0';
	x->said_had = 0;
}

char *
answered_value(char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) || line[n] != ':')
		return NULL;
	line += n + 1;
	line += strspn(line, " \t");
	for (n = strlen(line); n && strchr(" \t\r\n", line[n - 1]); n--)
		;
	line[n] = '\0';
	return line;
}

static void
keep(char *buf, size_t size, const char *value)
{
	if (value && strlen(value) < size)
		memcpy(buf, value, strlen(value) + 1);
}

static void
content_range(struct exchange *x, const char *v)
{
	long long from, to, total;
	int n = sscanf(v, "bytes %lld-%lld/%lld", &from, &to, &total);

	if (n < 2 || from < 0 || to < from)
		return;
	x->from = from;
	x->to = to;
	if (n == 3)
		x->total = total;
}

static void
challenge(struct exchange *x, const char *v)
{
	size_t n = strlen(x->challenge);

	if (n + strlen(v) + 3 < sizeof(x->challenge))
		snprintf(x->challenge + n, sizeof(x->challenge) - n, "%s%s",
		    n ? ", " : "", v);
}

size_t
answered_header(char *data, size_t one, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	char line[2048];
	char *v;

	n *= one;
	x->headers_had += n;
	if (x->headers_had > HEADERS_MAX) {
		exchange_refuse(x, "the server sends headers without end");
		return 0;
	}
	if (n >= sizeof(line))
		return n;
	memcpy(line, data, n);
	line[n] = '\0';
	if (!strncmp(line, "HTTP/", 5))
		answered_reset(x);
	/* Behind a body in chunks there may be more of them. */
	x->headed |= !line[strspn(line, "\r\n")];
	keep(x->type, sizeof(x->type), answered_value(line, "Content-Type"));
	keep(x->digest, sizeof(x->digest),
	    answered_value(line, "Docker-Content-Digest"));
	if ((v = answered_value(line, "Content-Range")))
		content_range(x, v);
	if ((v = answered_value(line, "WWW-Authenticate")))
		challenge(x, v);
	return n;
}

/* {"errors":[{"code":…,"message":…}]}: the first one's words, or NULL. */
static const char *
first_error(const cJSON *j)
{
	const cJSON *e = cJSON_GetArrayItem(
	    cJSON_GetObjectItemCaseSensitive(j, "errors"), 0);
	const char *text = json_text(e, "message");

	if (!text || !*text)
		text = json_text(e, "code");
	return text && *text ? text : NULL;
}

void
answered_error(struct exchange *x, char *buf, size_t size)
{
	cJSON *j = json_read(x->said, x->said_had);
	const char *words = first_error(j);

	const char *who = "";

	if ((x->status == 401 || x->status == 403) && *x->path == '/')
		who = auth_known(x->at) ? " (with a login)" :
		    " (without a login)";
	snprintf(buf, size, "the server answered %ld%s%.200s%s", x->status,
	    words ? ": " : "", words ? words : "", who);
	cJSON_Delete(j);
}
