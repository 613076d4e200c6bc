/* catalog.c - catalog.json: which bundles there are; see bng-bundle(1)
 *
 * SPDX-License-Identifier: MIT
 *
 *	{ "format": 1, "serial": N, "entries": [ { "kind", "name", "arch",
 *	  "file", "size", "sha256", "unpacked", ... } ] }
 */
#include <stdarg.h>

#include "bundle.h"
#include "name.h"

const char *
json_text(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, key));
}

/* A whole number that a double holds exactly, from least on; else -1. */
static int64_t
number(const cJSON *object, const char *key, int64_t least)
{
	const cJSON *j = cJSON_GetObjectItemCaseSensitive(object, key);
	double v = cJSON_IsNumber(j) ? j->valuedouble : -1;

	if (!(v >= (double)least) || !(v <= 0x1p53) ||
	    (double)(int64_t)v != v)
		return -1;
	return (int64_t)v;
}

bool
bundle_file_ok(const char *name)
{
	static const char end[] = ".tar.zst";
	size_t n = strlen(name);

	return name_ok(name) && n >= sizeof(end) &&
	    !strcmp(name + n - (sizeof(end) - 1), end);
}

/* The first thing that is wrong with an entry, or NULL. */
static const char *
fill(struct entry *e, const cJSON *j)
{
	char hex[DIGEST_HEX];

	e->name = json_text(j, "name");
	e->arch = json_text(j, "arch");
	e->file = json_text(j, "file");
	e->sha256 = json_text(j, "sha256");
	e->distro = json_text(j, "distro");
	e->kernel = json_text(j, "kernel");
	e->version = json_text(j, "version");
	e->description = json_text(j, "description");
	e->size = number(j, "size", 1);
	e->unpacked = number(j, "unpacked", 0);
	e->created = number(j, "created", 0);
	if (!e->name || !name_ok(e->name))
		return "'name' is no name";
	if (!e->arch || !name_ok(e->arch))
		return "'arch' is no architecture";
	if (e->kernel && *e->kernel && !name_ok(e->kernel))
		return "'kernel' is no name";
	if (!e->file || !bundle_file_ok(e->file))
		return "'file' is no NAME.tar.zst";
	if (!e->sha256 || !digest_parse(e->sha256, hex) ||
	    strcmp(hex, e->sha256))
		return "'sha256' is no SHA-256";
	if (e->size < 0 || e->unpacked < 0)
		return "'size' or 'unpacked' is no number of bytes";
	return NULL;
}

printf_fn(2, 3) static int
wrong(struct catalog *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	catalog_free(c);
	return -1;
}

/* Kinds of a later day are passed over. */
static int
entries(struct catalog *c, const cJSON *list)
{
	int n = cJSON_GetArraySize(list), i = 0;
	const cJSON *j;

	if (n > CATALOG_ENTRIES)
		return wrong(c, "it has more than %d entries", CATALOG_ENTRIES);
	c->entries = xcalloc((size_t)n + 1, sizeof(*c->entries));
	cJSON_ArrayForEach(j, list) {
		struct entry *e = &c->entries[c->n];
		const char *kind = json_text(j, "kind"), *bad;

		i++;
		if (!kind)
			return wrong(c, "its entry %d has no kind", i);
		e->kind = bundle_kind(kind);
		if (e->kind == BUNDLE_ANY)
			continue;
		bad = fill(e, j);
		if (bad)
			return wrong(c, "in its entry %d (%s) %s", i,
			    e->name ? e->name : "?", bad);
		c->n++;
	}
	return 0;
}

int
catalog_parse(struct catalog *c, const char *text, size_t len)
{
	const cJSON *list;

	*c = (struct catalog){ .json = cJSON_ParseWithLength(text, len) };
	list = cJSON_GetObjectItemCaseSensitive(c->json, "entries");
	c->serial = number(c->json, "serial", 0);
	if (!cJSON_IsObject(c->json))
		return wrong(c, "it is no JSON object");
	if (number(c->json, "format", 0) != 1)
		return wrong(c, "its format is not 1: a newer banger may know "
		    "it");
	if (c->serial < 0 || !cJSON_IsArray(list))
		return wrong(c, "'serial' or 'entries' is missing");
	return entries(c, list);
}

void
catalog_free(struct catalog *c)
{
	cJSON_Delete(c->json);
	free(c->entries);
	c->json = NULL;
	c->entries = NULL;
	c->n = 0;
}

const struct entry *
catalog_find(const struct catalog *c, enum bundle_kind kind, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->entries[i].kind == kind &&
		    !strcmp(c->entries[i].name, name) &&
		    !strcmp(c->entries[i].arch, "x86_64"))
			return &c->entries[i];
	return NULL;
}

int
manifest_parse(cJSON **ret, const char *text, size_t len, char why[WHY])
{
	cJSON *j = cJSON_ParseWithLength(text, len);
	const char *name = json_text(j, "name"), *arch = json_text(j, "arch");

	if (cJSON_IsObject(j) && name && name_ok(name) && arch &&
	    name_ok(arch)) {
		*ret = j;
		return 0;
	}
	snprintf(why, WHY, "its manifest.json %s", cJSON_IsObject(j) ?
	    "has no name or no arch" : "is no JSON object");
	cJSON_Delete(j);
	return -1;
}
