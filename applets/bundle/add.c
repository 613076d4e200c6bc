/* add.c - bng-bundle add: a bundle into the catalog beside it
 *
 * SPDX-License-Identifier: MIT
 *
 * The bundle is read as its receivers will read it, so that none is published
 * that they refuse. What the catalog says already must be signed with the same
 * key: nothing that somebody else wrote there is signed along.
 */
#include <time.h>

#include "bundle.h"
#include "lock.h"
#include "name.h"

struct kept {
	char *text;		/* the manifest */
	size_t len, room;
	bool mine;		/* this member is it */
};

static int
begin(struct members *m, const char *name, uint64_t size)
{
	struct kept *k = m->ctx;

	k->mine = !strcmp(name, "manifest.json");
	if (k->mine) {
		k->room = (size_t)size;
		k->text = xmalloc(k->room + 1);
	}
	return 0;
}

static int
data(struct members *m, const uint8_t *p, size_t n)
{
	struct kept *k = m->ctx;

	if (k->mine && n <= k->room - k->len) {
		memcpy(k->text + k->len, p, n);
		k->len += n;
	}
	return 0;
}

static int
end(struct members *m)
{
	(void)m;
	return 0;
}

static void
set_text(cJSON *e, const char *key, const char *text)
{
	if (text && *text && !cJSON_AddStringToObject(e, key, text))
		die("out of memory");
}

static void
set_number(cJSON *e, const char *key, uint64_t n)
{
	if (!cJSON_AddNumberToObject(e, key, (double)n))
		die("out of memory");
}

/* What the catalog will say of the bundle at path. */
static cJSON *
entry_of(int dirfd, const char *path, const char *file, const char *text)
{
	struct kept k = { 0 };
	struct members m = { .kind = BUNDLE_ANY, .max = INT64_MAX, .ctx = &k,
		.begin = begin, .data = data, .end = end };
	autoclose int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);
	struct bundle_in *b = xbundle_in(fd, INT64_MAX);
	cJSON *manifest = NULL, *e = cJSON_CreateObject();
	const char *why, *keys[] = { "name", "distro", "arch", "kernel",
		"version" };
	char hex[DIGEST_HEX], bad[WHY];
	const cJSON *created;

	if (fd < 0)
		die_sys("cannot read '%s'", path);
	why = bundle_read(b, &m);
	if (!why && manifest_parse(&manifest, k.text, k.len, bad))
		why = bad;
	if (why)
		die_status(EXIT_NO, "refused the bundle '%s': %s", path, why);
	bundle_hex(b, hex);
	set_text(e, "kind", bundle_kinds[m.kind]);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		set_text(e, keys[i], json_text(manifest, keys[i]));
	set_text(e, "file", file);
	set_number(e, "size", bundle_came(b));
	set_text(e, "sha256", hex);
	set_number(e, "unpacked", m.sum);
	set_text(e, "description", text ? text :
	    json_text(manifest, "description"));
	created = cJSON_GetObjectItemCaseSensitive(manifest, "created");
	if (cJSON_IsNumber(created) && created->valuedouble >= 0)
		set_number(e, "created", (uint64_t)created->valuedouble);
	cJSON_Delete(manifest);
	return e;
}

static int
order(const cJSON *a, const cJSON *b)
{
	static const char *const keys[] = { "kind", "name", "arch" };
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(keys); i++) {
		const char *x = json_text(a, keys[i]);
		const char *y = json_text(b, keys[i]);

		r = strcmp(x ? x : "", y ? y : "");
	}
	return r;
}

static void
append(cJSON *list, cJSON *e)
{
	if (!cJSON_AddItemToArray(list, e))
		die("out of memory");
}

/*
 * In place of the one with its name, else where it belongs: as another list,
 * for there is a cJSON about that puts nothing into the middle of one.
 */
static cJSON *
insert(cJSON *list, cJSON *e)
{
	cJSON *all = cJSON_CreateArray(), *old;

	while ((old = cJSON_DetachItemFromArray(list, 0))) {
		const char *file = json_text(old, "file");
		int r = e ? order(old, e) : -1;

		if (!r && file && strcmp(file, json_text(e, "file")))
			printf("replaced\t%s\n", file);
		if (r >= 0)
			append(all, steal(&e));
		if (r)
			append(all, old);
		else
			cJSON_Delete(old);
	}
	if (e)
		append(all, e);
	return all;
}

/* The catalog that is there; dies when it is not ours. */
static cJSON *
current(const char *dir, const struct keys *own, int64_t *ret_serial)
{
	autofree char *path = xasprintf("%s/catalog.json", dir);
	unsigned char sig[KEY_SIGNATURE];
	autofree char *text = NULL;
	struct catalog c;
	size_t len;

	xsigned_read(path, NULL, &text, &len, sig);
	if (keys_signer(own, text, len, sig) < 0)
		die_status(EXIT_NO, "refused '%s': it is not signed with this "
		    "key; what is in it would be", path);
	if (catalog_parse(&c, text, len))
		die_status(EXIT_NO, "refused '%s': %s", path, c.why);
	*ret_serial = c.serial;
	free(c.entries);
	return c.json;
}

static void
update(int dirfd, const char *dir, struct evp_pkey_st *key,
    const struct keys *own, cJSON *e)
{
	unsigned char sig[KEY_SIGNATURE];
	int64_t serial = 0, now = time(NULL);
	char *text;
	size_t len;
	cJSON *c;

	if (faccessat(dirfd, "catalog.json", F_OK, 0) && errno == ENOENT)
		c = cJSON_Parse("{\"format\":1,\"serial\":0,\"entries\":[]}");
	else
		c = current(dir, own, &serial);
	if (!c)
		die("out of memory");
	if (serial >= now)
		now = serial + 1;
	e = insert(cJSON_GetObjectItemCaseSensitive(c, "entries"), e);
	if (!cJSON_ReplaceItemInObjectCaseSensitive(c, "entries", e))
		die("out of memory");
	cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(c, "serial"),
	    (double)now);
	text = cJSON_Print(c);
	if (!text)
		die("out of memory");
	len = strlen(text);
	text[len++] = '\n';	/* in place of the NUL */
	xkey_sign(key, text, len, sig);
	xsigned_write(dirfd, "catalog.json", text, len, sig);
	cJSON_free(text);
	cJSON_Delete(c);
}

int
add_main(int argc, char *argv[])
{
	const char *secret = NULL, *text = NULL, *path, *file;
	autofree char *dir = NULL;
	struct evp_pkey_st *key;
	struct keys own;
	char by[KEY_TEXT];
	int c, dirfd;
	cJSON *e;

	while ((c = getopt(argc, argv, "d:k:")) != -1)
		if (c == 'd')
			text = optarg;
		else if (c == 'k')
			secret = optarg;
		else
			bad_option("add");
	if (argc - optind != 1 || !secret)
		die_usage("add: -k and one bundle are wanted");
	path = argv[optind];
	key = xkey_private(secret);
	xkey_public(key, &own);
	dirfd = xopen_parent(path, &file);
	dir = file == path ? xstrdup(".") :
	    xasprintf("%.*s", (int)(file - path) - 1, path);
	if (!bundle_file_ok(file))
		die_usage("'%s' is not called NAME.tar.zst", file);
	e = entry_of(dirfd, path, file, text);
	if (lock_open(dirfd, ".lock", true) < 0)
		die_sys("cannot lock '%s'", dir);
	update(dirfd, dir, key, &own, e);
	key_text(own.raw[0], by);
	printf("key\t%s\n", by);
	xflush();
	return EXIT_YES;
}
