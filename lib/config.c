/* config.c - config.toml; see config.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>

#include "bng.h"
#include "config.h"
#include "nearest.h"

static const char system_file[] = "/etc/banger/config.toml";

noreturn_fn printf_fn(3, 4) static void
bad(const char *file, unsigned line, const char *fmt, ...)
{
	autofree char *why = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&why, fmt, ap) < 0)
		why = NULL;
	va_end(ap);
	die("cannot use '%s': line %u: %s", file, line, why ? why : "");
}

/* A value as the message shows it. */
static char *
shown(const struct toml *v)
{
	if (v->type == TOML_STRING)
		return xasprintf("'%.200s'", v->text);
	if (v->type == TOML_INTEGER)
		return xasprintf("%lld", (long long)v->integer);
	if (v->type == TOML_BOOLEAN)
		return xstrdup(v->yes ? "true" : "false");
	return xstrdup(toml_type_name(v->type));
}

/* The keys of a table, from which the nearest to a wrong one is chosen. */
noreturn_fn static void
unknown(const char *file, const struct toml *v, const char *table)
{
	const char *names[CONFIG_KEYS + 2] = { "vm_defaults", "file_sync" };
	size_t n = *table ? 0 : 2, skip = strlen(table);
	const char *near;

	for (int i = 0; i < CONFIG_KEYS; i++)
		if (*table ? !strncmp(config_keys[i].name, table, skip) :
		    !strchr(config_keys[i].name, '.'))
			names[n++] = config_keys[i].name + skip;
	near = nearest(v->key, names, n);
	bad(file, v->line, "there is no key '%s%s'; %s%s", table, v->key,
	    near ? "is this meant: " : "banger config show lists all",
	    near ? near : "");
}

static int
find(const char *table, const struct toml *v)
{
	size_t skip = strlen(table);

	for (int i = 0; i < CONFIG_KEYS; i++)
		if (!strncmp(config_keys[i].name, table, skip) &&
		    !strcmp(config_keys[i].name + skip, v->key) &&
		    strlen(v->key) == v->key_len && !strchr(v->key, '.'))
			return i;
	return -1;
}

static void
take(struct config *c, const char *file, const char *table,
    const struct toml *v)
{
	int i = find(table, v);
	char buf[CONFIG_LEN], wanted[256];

	if (i < 0)
		unknown(file, v, table);
	if (!config_take(&config_keys[i], v, buf))
		bad(file, v->line, "%s is %s: %s is wanted",
		    config_keys[i].name, shown(v),
		    config_wanted(&config_keys[i], wanted, sizeof(wanted)));
	c->value[i] = (struct config_value){ xstrdup(buf), file, v->line };
}

/* The array of tables file_sync. */
static void
take_syncs(struct config *c, const char *file, const struct toml *v)
{
	char why[FILESYNC_WHY];
	unsigned line, n = 0;

	if (v->type != TOML_ARRAY)
		bad(file, v->line, "file_sync is %s: [[file_sync]] entries "
		    "are wanted", shown(v));
	for (const struct toml *e = v->first; e; e = e->next) {
		n++;
		if (!filesync_take(&c->sync, e, file, &line, why))
			bad(file, line, "file_sync entry %u: %s", n, why);
	}
}

static void
take_all(struct config *c, const char *file, const struct toml *root)
{
	for (const struct toml *v = root->first; v; v = v->next) {
		if (!strcmp(v->key, "file_sync")) {
			take_syncs(c, file, v);
		} else if (strcmp(v->key, "vm_defaults")) {
			take(c, file, "", v);
		} else if (v->type != TOML_TABLE) {
			bad(file, v->line, "vm_defaults is %s: a table is "
			    "wanted", shown(v));
		} else {
			for (v = v->first; v; v = v->next)
				take(c, file, "vm_defaults.", v);
			v = toml_get(root, "vm_defaults");
		}
	}
}

static void
load(struct config *c, const char *file, bool must)
{
	struct toml_error e = { 0 };
	struct toml_doc *doc;
	size_t len;
	char *text;
	int r = file_slurp(AT_FDCWD, file, TOML_BYTES, &text, &len);

	if (r == -ENOENT && !faccessat(AT_FDCWD, file, F_OK,
	    AT_SYMLINK_NOFOLLOW))
		die("cannot use '%s': it is a link to what is not there", file);
	if ((r == -ENOENT || r == -ENOTDIR) && !must)
		return;
	if (r == -EINVAL)
		die("cannot use '%s': it is not a regular file", file);
	if (r) {
		errno = -r;
		die_sys("cannot use '%s'", file);
	}
	r = toml_parse(text, len, &doc, &e);
	if (r == -ENOMEM)
		die("cannot use '%s': there is not enough memory", file);
	if (r)
		bad(file, e.line, "%s", e.why);
	free(text);
	if (c->count == CONFIG_FILES)
		die("cannot use '%s': more than %d files", file, CONFIG_FILES);
	c->file[c->count++] = file;
	take_all(c, file, toml_root(doc));
	/* What is kept was copied. */
	toml_free(doc);
}

/* The person's own; NULL when there is no home. */
static char *
own_file(void)
{
	const char *dir = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (dir && *dir == '/')
		return xasprintf("%s/banger/config.toml", dir);
	if (home && *home == '/')
		return xasprintf("%s/.config/banger/config.toml", home);
	return NULL;
}

void
xconfig_load(struct config *c)
{
	const char *named = getenv("BANGER_CONFIG");
	char *list, *file;

	memset(c, 0, sizeof(*c));
	if (named) {
		list = xstrdup(named);
		while ((file = strsep(&list, ":")))
			if (*file)
				load(c, file, true);
		return;
	}
	load(c, system_file, false);
	file = own_file();
	if (file)
		load(c, file, false);
}
