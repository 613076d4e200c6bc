/* challenge.c - what a WWW-Authenticate header asks for
 *
 * SPDX-License-Identifier: MIT
 * https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 *
 * A list of challenges, each a scheme with parameters or a token68, all parted
 * by commas: whether a word begins a challenge or a parameter is told by the
 * "=" behind it.
 */
#include <ctype.h>
#include <strings.h>

#include "bng.h"
#include "pull.h"

enum scheme { OTHER, BASIC, BEARER };

struct words {
	const char *p;
	enum scheme scheme;
	bool seen_bearer;	/* the first is what counts */
};

static bool
token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void
skip(struct words *w)
{
	w->p += strspn(w->p, " \t,");
}

static bool
word(struct words *w, char *buf, size_t size)
{
	size_t n = 0;

	while (token_char(w->p[n]))
		n++;
	if (!n || n >= size)
		return false;
	memcpy(buf, w->p, n);
	buf[n] = '\0';
	w->p += n;
	return true;
}

/* A value, quoted or not. Control characters have no business in it. */
static bool
value(struct words *w, char *buf, size_t size)
{
	size_t n = 0;

	if (*w->p != '"')
		return word(w, buf, size);
	for (w->p++; *w->p != '"'; w->p++) {
		if (*w->p == '\\')
			w->p++;
		if (iscntrl((unsigned char)*w->p) || n + 1 >= size)
			return false;
		buf[n++] = *w->p;
	}
	buf[n] = '\0';
	w->p++;
	return true;
}

static bool
parameter(struct words *w, struct challenge *c, const char *key)
{
	char text[1024];

	if (!value(w, text, sizeof(text)))
		return false;
	if (w->scheme != BEARER)
		return true;
	if (!strcasecmp(key, "realm"))
		snprintf(c->realm, sizeof(c->realm), "%s", text);
	else if (!strcasecmp(key, "scope"))
		snprintf(c->scope, sizeof(c->scope), "%s", text);
	else if (!strcasecmp(key, "service") &&
	    strlen(text) < sizeof(c->service))
		memcpy(c->service, text, strlen(text) + 1);
	return true;
}

static void
begins(struct words *w, struct challenge *c, const char *name)
{
	w->scheme = OTHER;
	if (!strcasecmp(name, "Basic")) {
		w->scheme = BASIC;
		c->basic = true;
	} else if (!strcasecmp(name, "Bearer") && !w->seen_bearer) {
		w->scheme = BEARER;
		w->seen_bearer = true;
	}
}

/* A token68, such as Negotiate has: up to the comma. */
static void
skip_token68(struct words *w)
{
	while (token_char(*w->p) || *w->p == '/' || *w->p == '=')
		w->p++;
}

/* A word, and what follows it. */
static bool
next(struct words *w, struct challenge *c)
{
	const char *at = w->p;
	char name[64];
	size_t blanks;

	if (!word(w, name, sizeof(name)))
		return false;
	blanks = strspn(w->p, " \t");
	if (w->p[blanks] == '=' && w->p[blanks + 1] != '=' &&
	    !strchr(",", w->p[blanks + 1])) {
		w->p += blanks + 1;
		w->p += strspn(w->p, " \t");
		return parameter(w, c, name);
	}
	if (*w->p && !strchr(" \t,", *w->p)) {
		w->p = at;
		skip_token68(w);
		return *w->p == '\0' || strchr(" \t,", *w->p);
	}
	begins(w, c, name);
	return true;
}

bool
challenge_parse(struct challenge *ret, const char *text)
{
	struct words w = { .p = text };
	struct challenge c = { 0 };

	for (skip(&w); *w.p; skip(&w))
		if (!next(&w, &c))
			return false;
	c.bearer = c.realm[0];
	if (!c.basic && !c.bearer)
		return false;
	*ret = c;
	return true;
}
