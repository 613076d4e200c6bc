/* configform.c - what a key of a configuration may say; see configkey.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>

#include "bng.h"
#include "configkey.h"
#include "name.h"

bool
config_controls(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return true;
	return false;
}

char *
config_path(const char *text)
{
	const char *home = getenv("HOME");

	if (*text == '/')
		return xstrdup(text);
	if (strncmp(text, "~/", 2) || !text[2] || !home || *home != '/')
		return NULL;
	return xasprintf("%s/%s", home, text + 2);
}

static bool
is_word(const struct config_key *k, const char *text)
{
	size_t len = strlen(text);

	for (const char *w = k->words; *w; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");

		if (n == len && !memcmp(w, text, n))
			return true;
		w += n;
	}
	return false;
}

/* As --disk-size has it: a bare number counts MiB, a part of one is one. */
static bool
is_size(const struct config_key *k, const char *text)
{
	static const char powers[] = "KMGT";
	size_t n = strspn(text, "0123456789");
	long long kib = strtoll(text, NULL, 10), mib;
	const char *unit = text + n, *p = strchr(powers, *unit ? *unit : 'M');

	if (!n || n > 8 || *text == '0')
		return false;
	if (!p || (*unit && unit[1] && strcmp(unit + 1, "B") &&
	    strcmp(unit + 1, "iB")))
		return false;
	kib *= INT64_C(1) << (10 * (p - powers));
	mib = (kib + 1023) / 1024;
	return mib >= k->min && mib <= k->max;
}

/* Numbers with a unit each, or 0. */
static bool
is_span(const char *text)
{
	if (!strcmp(text, "0"))
		return true;
	if (!*text)
		return false;
	while (*text) {
		size_t n = strspn(text, "0123456789");

		if (!n || n > 9)
			return false;
		text += n;
		if (!*text || !strchr("smhd", *text++))
			return false;
	}
	return true;
}

static bool
is_ipv4(const char *text)
{
	struct in_addr a;

	return inet_pton(AF_INET, text, &a) == 1;
}

/* A number of at most `most` digits; -1 when it is none. */
static int
decimal(const char *text, size_t most)
{
	size_t n = strlen(text);

	if (!n || n > most || strspn(text, "0123456789") != n)
		return -1;
	return (int)strtol(text, NULL, 10);
}

/* So many bits, or a network's address with them. */
static bool
is_prefix(const char *text)
{
	char address[32];
	const char *bits = strchr(text, '/');

	if (bits) {
		snprintf(address, sizeof(address), "%.*s",
		    (int)(bits - text), text);
		if (!is_ipv4(address))
			return false;
	}
	bits = bits ? bits + 1 : text;
	return *bits != '0' && decimal(bits, 2) >= 8 && decimal(bits, 2) <= 30;
}

/* ADDRESS:PORT, or nothing. */
static bool
is_listen(const char *text)
{
	const char *port = strrchr(text, ':');
	char address[64];
	struct in6_addr a;
	size_t n;

	if (!port || !*text)
		return !*text;
	n = (size_t)(port++ - text);
	if (!n || n >= sizeof(address) || decimal(port, 5) < 1 ||
	    decimal(port, 5) > 65535)
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)n, text);
	if (*address != '[')
		return is_ipv4(address);
	address[n - 1] = '\0';
	return text[n - 1] == ']' && inet_pton(AF_INET6, address + 1, &a) == 1;
}

static bool
is_interface(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n < 16 && *text != '-' && *text != '.' &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789._-") == n;
}

static bool
is_url(const char *text)
{
	static const char *const schemes[] = { "http://", "https://",
		"file:///" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (!strncmp(text, schemes[i], n))
			return text[n] && !strchr(text, ' ');
	}
	return false;
}

/* Each of them, with ~/ replaced, into buf. */
static bool
take_paths(const char *text, char buf[CONFIG_LEN])
{
	autofree char *copy = xstrdup(text);
	size_t used = 0;
	char *rest = copy, *one;

	while ((one = strsep(&rest, ":"))) {
		autofree char *path = config_path(one);
		int n = path ? snprintf(buf + used, CONFIG_LEN - used, "%s%s",
		    used ? ":" : "", path) : -1;

		if (n < 0 || (size_t)n >= CONFIG_LEN - used)
			return false;
		used += (size_t)n;
	}
	return true;
}

/* "ed25519:" and the base64 of 32 bytes. */
static bool
is_key(const char *text)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	return !strncmp(text, "ed25519:", 8) &&
	    strspn(text + 8, base64) == 43 && !strcmp(text + 8 + 43, "=");
}

/* HOST[:PORT], as the name of an image has it; up to end. */
static bool
is_host(const char *text, const char *end)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";

	return end > text && strspn(text, letters) >= (size_t)(end - text);
}

static bool
is_instead(const char *text)
{
	const char *eq = strchr(text, '=');

	return eq && is_host(text, eq) && is_url(eq + 1) && eq[1] == 'h';
}

static bool
is_one(const struct config_key *k, const char *text)
{
	switch (k->form) {
	case CONFIG_URLS:
		return is_url(text);
	case CONFIG_HOSTS:
		return is_host(text, text + strlen(text));
	case CONFIG_INSTEAD:
		return is_instead(text);
	default:
		return is_key(text);
	}
}

/* Each word, if it is one of those, or a key's file, into buf. */
static bool
take_words(const struct config_key *k, const char *text, char buf[CONFIG_LEN])
{
	autofree char *copy = xstrdup(text);
	char *rest = copy, *one;
	size_t used = 0;

	while ((one = strsep(&rest, " "))) {
		autofree char *word = NULL;
		int n;

		if (!*one)
			continue;
		if (is_one(k, one))
			word = xstrdup(one);
		else if (k->form == CONFIG_TRUST)
			word = config_path(one);
		n = word ? snprintf(buf + used, CONFIG_LEN - used, "%s%s",
		    used ? " " : "", word) : -1;
		if (n < 0 || (size_t)n >= CONFIG_LEN - used)
			return false;
		used += (size_t)n;
	}
	return used > 0;
}

static bool
is_good(const struct config_key *k, const char *text)
{
	switch (k->form) {
	case CONFIG_WORD:
		return is_word(k, text);
	case CONFIG_SIZE:
		return is_size(k, text);
	case CONFIG_NAME:
		return name_ok(text);
	case CONFIG_BRIDGE:
		return is_interface(text);
	case CONFIG_URL:
		return is_url(text);
	case CONFIG_MIRROR:
		return is_url(text) || !strncmp(text, "deb ", 4);
	case CONFIG_TEXT:
		return *text;
	case CONFIG_SPAN:
		return is_span(text);
	case CONFIG_IPV4:
		return is_ipv4(text);
	case CONFIG_PREFIX:
		return is_prefix(text);
	case CONFIG_LISTEN:
		return is_listen(text);
	default:
		return false;
	}
}

static bool
take_text(const struct config_key *k, const struct toml *v,
    char buf[CONFIG_LEN])
{
	autofree char *path = NULL;

	if (v->len >= CONFIG_LEN || config_controls(v->text, v->len))
		return false;
	if (k->form == CONFIG_PATHS)
		return take_paths(v->text, buf);
	if (k->form == CONFIG_URLS || k->form == CONFIG_TRUST ||
	    k->form == CONFIG_HOSTS || k->form == CONFIG_INSTEAD)
		return take_words(k, v->text, buf);
	if (k->form == CONFIG_PATH)
		path = config_path(v->text);
	else if (is_good(k, v->text))
		path = xstrdup(v->text);
	return path && snprintf(buf, CONFIG_LEN, "%s", path) < CONFIG_LEN;
}

bool
config_take(const struct config_key *k, const struct toml *v,
    char buf[CONFIG_LEN])
{
	if (k->form == CONFIG_BOOLEAN) {
		snprintf(buf, CONFIG_LEN, "%s", v->yes ? "true" : "false");
		return v->type == TOML_BOOLEAN;
	}
	if (k->form == CONFIG_NUMBER) {
		snprintf(buf, CONFIG_LEN, "%lld", (long long)v->integer);
		return v->type == TOML_INTEGER && v->integer >= k->min &&
		    v->integer <= k->max;
	}
	return v->type == TOML_STRING && take_text(k, v, buf);
}

/* "a b c": as "a, b or c". */
static void
enumerate(const char *words, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	while (*words && used < size) {
		size_t n = strcspn(words, " ");
		const char *after = words + n + strspn(words + n, " ");

		used += (size_t)snprintf(buf + used, size - used, "%.*s%s",
		    (int)n, words, !*after ? "" : strchr(after, ' ') ? ", " :
		    " or ");
		words = after;
	}
}

char *
config_wanted(const struct config_key *k, char *buf, size_t size)
{
	static const char *const wanted[] = {
		[CONFIG_BOOLEAN] = "true or false",
		[CONFIG_SIZE] = "a size from \"64M\" to \"16T\"",
		[CONFIG_NAME] = "a name of letters, digits and ._+-",
		[CONFIG_BRIDGE] = "the name of an interface, of 1 to 15 "
		    "letters, digits and ._-",
		[CONFIG_PATH] = "an absolute path, or one from ~/ on",
		[CONFIG_PATHS] = "absolute paths, or such from ~/ on, "
		    "separated by colons",
		[CONFIG_URL] = "an http, https or file URL",
		[CONFIG_URLS] = "http, https or file URLs, separated by "
		    "blanks",
		[CONFIG_TRUST] = "keys ed25519:BASE64 or absolute paths of "
		    "their files, separated by blanks",
		[CONFIG_HOSTS] = "hosts such as host:5000, separated by blanks",
		[CONFIG_INSTEAD] = "HOST=URL, separated by blanks",
		[CONFIG_MIRROR] = "a URL, or a line as in sources.list(5)",
		[CONFIG_TEXT] = "a text that is not empty, on one line",
		[CONFIG_SPAN] = "a time such as \"90s\", \"1h30m\" or \"0\"",
		[CONFIG_IPV4] = "an IPv4 address",
		[CONFIG_PREFIX] = "a prefix from \"8\" to \"30\", or a "
		    "network such as \"172.16.0.0/24\"",
		[CONFIG_LISTEN] = "an address and a port such as "
		    "\"127.0.0.1:7777\", or \"\"",
	};

	if (k->form == CONFIG_WORD)
		enumerate(k->words, buf, size);
	else if (k->form == CONFIG_NUMBER)
		snprintf(buf, size, "a number from %lld to %lld", k->min,
		    k->max);
	else
		snprintf(buf, size, "%s", wanted[k->form]);
	return buf;
}
