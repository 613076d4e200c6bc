/* auth.c - what a registry wants to see before it answers
 *
 * SPDX-License-Identifier: MIT
 * https://distribution.github.io/distribution/spec/auth/token/
 *
 * 1. Nothing secret is sent before a 401 asked for it.
 * 2. One token at a time is asked for; whoever else needs it waits.
 * 3. A token is never shown and never written down.
 */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <curl/curl.h>
#include <openssl/evp.h>

#include "bng.h"
#include "pull.h"

enum { TOKEN_LEN = 32 << 10 };

struct token {
	struct exchange x;
	char *form;
	size_t n;
	char text[TOKEN_MAX + 1];
};

bool
auth_known(const struct origin *o)
{
	return o->login.user || o->login.identity || o->login.token;
}

static char *
basic(const struct login *l)
{
	autofree char *plain = xasprintf("%s:%s", l->user, l->password);
	size_t n = strlen(plain);
	autofree char *code = xmalloc(n / 3 * 4 + 5);

	EVP_EncodeBlock((unsigned char *)code, (unsigned char *)plain, (int)n);
	return xasprintf("Authorization: Basic %s", code);
}

/* Ask all that wait again, or tell them why not. */
static void
settle(struct origin *o, const char *why)
{
	struct exchange *x, *next, *list = o->waiting;

	o->waiting = NULL;
	for (x = list; x; x = next) {
		next = x->next;
		if (why)
			exchange_fail(x, why);
		else
			exchange_again(x);
	}
}

static void
use(struct origin *o, char *header)
{
	free(o->authorization);
	o->authorization = header;
	o->generation++;
	settle(o, NULL);
}

/* Something that may stand in a header, and is no longer than one. */
static bool
sane(const char *token)
{
	if (!token || !*token || strlen(token) > TOKEN_LEN)
		return false;
	for (; *token; token++)
		if (!isgraph((unsigned char)*token))
			return false;
	return true;
}

/* A new header for o out of the answer; false when there is none in it. */
static bool
understand(struct origin *o, const struct token *t)
{
	cJSON *j = json_read(t->text, t->n);
	const char *token = json_text(j, "token");
	bool ok;

	if (!token)
		token = json_text(j, "access_token");
	ok = sane(token);
	if (ok)
		use(o, xasprintf("Authorization: Bearer %s", token));
	cJSON_Delete(j);
	return ok;
}

static bool
token_begin(struct exchange *x)
{
	((struct token *)x->owner)->n = 0;
	return true;
}

static bool
token_body(struct exchange *x, const void *data, size_t n)
{
	struct token *t = x->owner;

	if (n > TOKEN_MAX - t->n)
		return exchange_refuse(x, "its answer is too long");
	memcpy(t->text + t->n, data, n);
	t->n += n;
	return true;
}

static void
token_done(struct exchange *x, const char *why)
{
	struct token *t = x->owner;
	struct origin *o = x->at;
	char text[1200];

	o->token = NULL;
	if (!why && !understand(o, t))
		why = "there is none in its answer";
	if (why) {
		snprintf(text, sizeof(text), "no token from '%.200s'%s%s%s: %s",
		    x->path, auth_known(o) ? " with the login of '" : "",
		    auth_known(o) ? o->login.from : "",
		    auth_known(o) ? "'" : " without a login", why);
		settle(o, text);
	}
	exchange_release(x);
	free(t->form);
	free(t);
}

/* "service=…&scope=…", escaped. */
static char *
wishes(const struct origin *o, const struct challenge *c)
{
	autofree char *scope = c->scope[0] ? xstrdup(c->scope) :
	    xasprintf("repository:%s:pull", o->repo);
	char *a = curl_easy_escape(NULL, c->service, 0);
	char *b = curl_easy_escape(NULL, scope, 0);
	char *text;

	if (!a || !b)
		die("out of memory");
	text = xasprintf("%s%s%sscope=%s", c->service[0] ? "service=" : "",
	    c->service[0] ? a : "", c->service[0] ? "&" : "", b);
	curl_free(a);
	curl_free(b);
	return text;
}

static char *
refresh_form(const struct origin *o, const char *asked)
{
	char *secret = curl_easy_escape(NULL, o->login.identity, 0);
	char *form;

	if (!secret)
		die("out of memory");
	form = xasprintf("grant_type=refresh_token&client_id=banger&%s"
	    "&refresh_token=%s", asked, secret);
	curl_free(secret);
	return form;
}

static void
token_start(struct origin *o, const struct challenge *c)
{
	autofree char *asked = wishes(o, c);
	struct token *t = xcalloc(1, sizeof(*t));
	struct exchange *x = &t->x;

	x->at = o;
	x->owner = t;
	x->begin = token_begin;
	x->body = token_body;
	x->done = token_done;
	if (o->login.identity) {
		t->form = refresh_form(o, asked);
		x->form = t->form;
		x->path = xstrdup(c->realm);
	} else {
		x->path = xasprintf("%s%c%s", c->realm,
		    strchr(c->realm, '?') ? '&' : '?', asked);
		if (o->login.user)
			x->basic = basic(&o->login);
	}
	o->token = x;
	exchange_start(x);
}

static void
fail(struct origin *o, const char *what)
{
	autofree char *text = xasprintf("%s%s%s%s", what,
	    auth_known(o) ? " the login of '" : "",
	    auth_known(o) ? o->login.from : "", auth_known(o) ? "'" : "");

	settle(o, text);
}

/* Where one would be looked for, or what stores one. */
static void
fail_unknown(struct origin *o)
{
	static const char what[] = "the server wants a login, and there is "
	    "none for it";
	autofree char *text = o->authfile ?
	    xasprintf("%s in '%s'", what, o->authfile) :
	    xasprintf("%s; 'docker login %s' or 'podman login %s' stores one",
	    what, o->host, o->host);

	settle(o, text);
}

/* A plain login, or a token that needs no server. */
static void
ready_made(struct origin *o, struct challenge *c)
{
	bool had = o->authorization;

	if (o->login.token && !had)
		use(o, xasprintf("Authorization: Bearer %s", o->login.token));
	else if (c->basic && o->login.user && !had)
		use(o, basic(&o->login));
	else if (auth_known(o))
		fail(o, "the server refuses");
	else
		fail_unknown(o);
}

static void
ask(struct origin *o, struct challenge *c)
{
	const char *why;

	if (!o->looked) {
		login_find(&o->login, o->authfile, o->host, o->repo);
		o->looked = true;
		if (o->login.token && !sane(o->login.token))
			o->login.token = NULL;
	}
	if (!c->bearer || o->login.token) {
		ready_made(o, c);
		return;
	}
	why = origin_allows(o, c->realm);
	if (why) {
		autofree char *text = xasprintf("its token server '%s': %s",
		    c->realm, why);

		settle(o, text);
		return;
	}
	token_start(o, c);
}

void
auth_wanted(struct exchange *x)
{
	struct challenge c;
	struct origin *o = x->at;

	if (x->generation != o->generation) {
		exchange_again(x);
		return;
	}
	x->next = o->waiting;
	o->waiting = x;
	if (o->token)
		return;
	if (challenge_parse(&c, x->challenge))
		ask(o, &c);
	else
		settle(o, "the server does not say which login it wants");
}
