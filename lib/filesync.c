/* filesync.c - what a [[file_sync]] entry may say; see filesync.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>

#include "bng.h"
#include "configkey.h"
#include "filesync.h"
#include "nearest.h"

static const char *const keys[] = { "host", "guest", "mode" };

printf_fn(2, 3) static bool
bad(char why[FILESYNC_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, FILESYNC_WHY, fmt, ap);
	va_end(ap);
	return false;
}

/* What is wrong with a path on either side; NULL when nothing is. */
static const char *
path_error(const struct toml *v)
{
	const char *p = v->text;

	if (v->type != TOML_STRING)
		return "a path in quotes is wanted";
	if (!v->len)
		return "it is empty";
	if (v->len >= CONFIG_LEN || config_controls(p, v->len))
		return "it is too long, or holds a control character";
	if (*p == '~' && p[1] && p[1] != '/')
		return "the home directory of another user is not allowed: "
		    "~/ alone";
	if (*p != '/' && *p != '~')
		return "it is relative: it has to begin with ~/ or /";
	for (; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && !memcmp(p, "..", 2))
			return "'..' is not allowed";
		p += n;
	}
	return NULL;
}

/* What follows the first of the prefixes that the path has, or NULL. */
static const char *
below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	while (n > 1 && prefix[n - 1] == '/')
		n--;
	return !strncmp(path, prefix, n) && path[n] == '/' ? path + n : NULL;
}

/* Without doubled slashes, dots and a slash at either end; "" for none. */
static char *
tidy(const char *path)
{
	char *out = xstrdup(path), *to = out;

	while (*(path += strspn(path, "/"))) {
		size_t n = strcspn(path, "/");

		if (n > 1 || *path != '.') {
			if (to > out)
				*to++ = '/';
			memmove(to, path, n);
			to += n;
		}
		path += n;
	}
	*to = '\0';
	return out;
}

static bool
take_host(struct filesync_entry *n, const struct toml *v, char *why)
{
	const char *home = getenv("HOME"), *error = path_error(v), *rest;
	autofree char *real = NULL, *clean = NULL;

	if (error)
		return bad(why, "host: %s", error);
	if (!home || *home != '/')
		return bad(why, "host: there is no home directory, HOME is "
		    "not set");
	real = realpath(home, NULL);
	rest = *v->text == '~' ? v->text + 1 : below(v->text, home);
	if (!rest && real)
		rest = below(v->text, real);
	if (!rest)
		return bad(why, "host: '%.200s' is not inside your home "
		    "directory, '%.100s'", v->text, home);
	clean = tidy(rest);
	if (!*clean)
		return bad(why, "host: it is the whole home directory; "
		    "something in it is wanted");
	n->host = xstrdup(v->text);
	return true;
}

static bool
take_guest(struct filesync_entry *n, const struct toml *v, char *why)
{
	const char *error = path_error(v), *rest;

	if (error)
		return bad(why, "guest: %s", error);
	rest = *v->text == '~' ? v->text + 1 : below(v->text, "/root");
	if (!rest)
		return bad(why, "guest: '%.200s' is not below ~/ or /root/",
		    v->text);
	n->guest = tidy(rest);
	if (!*n->guest)
		return bad(why, "guest: it is all of /root; something below "
		    "it is wanted");
	n->guest_written = xstrdup(v->text);
	return true;
}

static bool
take_mode(struct filesync_entry *n, const struct toml *v, char *why)
{
	n->mode = 0600;
	if (!v)
		return true;
	if (v->type != TOML_STRING || v->len < 3 || v->len > 4 ||
	    strspn(v->text, "01234567") != v->len ||
	    strtoul(v->text, NULL, 8) > 0777)
		return bad(why, "mode: permissions as in \"0755\", from "
		    "\"0000\" to \"0777\", are wanted");
	n->mode = (unsigned)strtoul(v->text, NULL, 8);
	return true;
}

/* There is nothing in the table but what we know. */
static bool
known(const struct toml *table, unsigned *ret_line, char *why)
{
	for (const struct toml *v = table->first; v; v = v->next) {
		const char *near = nearest(v->key, keys, ARRAY_SIZE(keys));

		*ret_line = v->line;
		if (strcmp(v->key, "host") && strcmp(v->key, "guest") &&
		    strcmp(v->key, "mode"))
			return bad(why, "there is no key '%.100s'; %s%s",
			    v->key, near ? "is this meant: " :
			    "there are host, guest and mode", near ? near :
			    "");
	}
	return true;
}

bool
filesync_take(struct filesync *s, const struct toml *table, const char *file,
    unsigned *ret_line, char why[FILESYNC_WHY])
{
	struct filesync_entry n = { .file = file, .line = table->line };
	const struct toml *host, *guest, *mode;

	*ret_line = table->line;
	if (table->type != TOML_TABLE)
		return bad(why, "it is no table");
	if (s->count == FILESYNC_MOST)
		return bad(why, "there are more than %d", FILESYNC_MOST);
	if (!known(table, ret_line, why))
		return false;
	host = toml_get(table, "host");
	guest = toml_get(table, "guest");
	mode = toml_get(table, "mode");
	*ret_line = table->line;
	if (!host || !guest)
		return bad(why, "%s is missing", host ? "guest" : "host");
	*ret_line = host->line;
	if (!take_host(&n, host, why))
		return false;
	*ret_line = guest->line;
	if (!take_guest(&n, guest, why))
		return false;
	*ret_line = mode ? mode->line : table->line;
	if (!take_mode(&n, mode, why))
		return false;
	s->entry = xrealloc(s->entry, (s->count + 1) * sizeof(*s->entry));
	s->entry[s->count++] = n;
	return true;
}
