/* oci.c - what indexes, manifests and configs of images say
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/opencontainers/image-spec/blob/main/manifest.md
 * https://distribution.github.io/distribution/spec/manifest-v2-2/
 *
 * All of it is somebody else's, and most of it bears a digest that has been
 * checked: what is wrong here was made so.
 */
#include <cjson/cJSON.h>
#include <time.h>

#include "tree.h"
#include "layers.h"

static cJSON *
parse(const char *text, const char *what)
{
	cJSON *j = cJSON_Parse(text);

	if (!cJSON_IsObject(j) && !cJSON_IsArray(j))
		die("cannot read the image: its %s is not JSON", what);
	return j;
}

/* A string of an object, or "". */
static const char *
text_of(const cJSON *j, const char *key)
{
	const char *s = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(j, key));

	return s ? s : "";
}

static const cJSON *
item(const cJSON *j, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(j, key);
}

static void
get_desc(struct desc *d, const cJSON *j, const char *what)
{
	const cJSON *size = item(j, "size");
	double n = cJSON_IsNumber(size) ? cJSON_GetNumberValue(size) : -1;

	if (n < 0 || n > 1e15 || n != (double)(int64_t)n)
		die("cannot read the image: its %s has no size", what);
	if (!desc_set(d, text_of(j, "digest"), (int64_t)n))
		die("cannot read the image: '%.80s' is no digest of its %s",
		    text_of(j, "digest"), what);
}

enum oci_kind
oci_kind(const char *text, const char *what)
{
	cJSON *j = parse(text, what);
	bool many = cJSON_IsArray(item(j, "manifests"));
	bool one = cJSON_IsArray(item(j, "layers"));
	const cJSON *schema = item(j, "schemaVersion");

	if (!many && !one && cJSON_IsNumber(schema) && schema->valueint == 1)
		die("cannot read the image: it is of Docker's schema 1, which "
		    "is out of use");
	if (many == one)
		die("cannot read the image: its %s is neither an index nor a "
		    "manifest", what);
	cJSON_Delete(j);
	return many ? OCI_INDEX : OCI_MANIFEST;
}

/* Whether it runs here, as far as the index says. */
static bool
is_ours(const cJSON *m)
{
	const cJSON *p = item(m, "platform");

	return !p || (!strcmp(text_of(p, "os"), "linux") &&
	    !strcmp(text_of(p, "architecture"), "amd64"));
}

static bool
has_tag(const cJSON *m, const char *tag)
{
	const char *name = text_of(item(m, "annotations"),
	    "org.opencontainers.image.ref.name");
	const char *colon = strrchr(name, ':');

	return !tag || !strcmp(name, tag) || (colon && !strcmp(colon + 1, tag));
}

void
oci_choose(const char *text, const char *tag, bool top, struct desc *ret)
{
	cJSON *j = parse(text, "index");
	const cJSON *m, *found = NULL;
	bool any = false;

	cJSON_ArrayForEach(m, item(j, "manifests")) {
		if (!has_tag(m, tag))
			continue;
		any = true;
		if (!is_ours(m))
			continue;
		/* Of variants of one platform the first is the plain one. */
		if (found && top && strcmp(text_of(found, "digest"),
		    text_of(m, "digest")))
			die("cannot read the image: there are several; name "
			    "one by its tag");
		found = found ? found : m;
	}
	if (!found && tag && !any)
		die("cannot read the image: nothing is tagged '%s'", tag);
	if (!found)
		die("cannot read the image: there is none for linux/amd64");
	get_desc(ret, found, "manifest");
	cJSON_Delete(j);
}

static void
check_layer(const cJSON *l, size_t i)
{
	static const char *const known[] = {
		"application/vnd.oci.image.layer.v1.tar",
		"application/vnd.docker.image.rootfs.diff.tar",
	};
	const char *type = text_of(l, "mediaType");

	if (strstr(type, "nondistributable") || strstr(type, "foreign"))
		die("cannot read the image: layer %zu (%.80s) may not be "
		    "distributed and is not a part of it", i, type);
	if (strstr(type, "encrypted"))
		die("cannot read the image: layer %zu is encrypted", i);
	for (size_t k = 0; k < ARRAY_SIZE(known); k++)
		if (!strncmp(type, known[k], strlen(known[k])))
			return;
	die("cannot read the image: layer %zu is of a type that is no layer's: "
	    "'%.80s'", i, type);
}

static void
set_layers(struct oci *o, int n)
{
	if (n > MAX_LAYERS)
		die("cannot read the image: it has more than %d layers",
		    MAX_LAYERS);
	o->n = (size_t)n;
	o->layers = xcalloc((size_t)n + 1, sizeof(*o->layers));
}

void
oci_manifest(struct oci *o, const char *text)
{
	cJSON *j = parse(text, "manifest");
	const cJSON *l, *config = item(j, "config");
	const char *type = text_of(config, "mediaType");
	size_t i = 0;

	if (strcmp(type, "application/vnd.oci.image.config.v1+json") &&
	    strcmp(type, "application/vnd.docker.container.image.v1+json"))
		die("cannot read the image: it is none, but '%.80s'", type);
	get_desc(&o->config, config, "config");
	set_layers(o, cJSON_GetArraySize(item(j, "layers")));
	cJSON_ArrayForEach(l, item(j, "layers")) {
		check_layer(l, i + 1);
		get_desc(&o->layers[i++].blob, l, "layer");
	}
	cJSON_Delete(j);
}

/* "2024-05-06T07:08:09.123Z" in seconds; 0 for what is none. */
static int64_t
when(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	time_t t = end ? timegm(&tm) : 0;

	return t > 0 && t < UINT32_MAX ? t : 0;
}

static void
check_platform(const cJSON *j)
{
	const char *os = text_of(j, "os"), *arch = text_of(j, "architecture");

	if ((*os && strcmp(os, "linux")) || (*arch && strcmp(arch, "amd64")))
		die("cannot read the image: it is for %.30s/%.30s, not "
		    "linux/amd64", os, arch);
}

void
oci_config(struct oci *o, char *text, size_t len)
{
	cJSON *j = parse(text, "config");
	const cJSON *d, *ids = item(item(j, "rootfs"), "diff_ids");
	size_t i = 0;

	check_platform(j);
	o->config_text = text;
	o->config_len = len;
	o->created = when(text_of(j, "created"));
	if (ids && (size_t)cJSON_GetArraySize(ids) != o->n)
		die("cannot read the image: its config tells of %d layers, and "
		    "there are %zu", cJSON_GetArraySize(ids), o->n);
	cJSON_ArrayForEach(d, ids) {
		const char *s = cJSON_GetStringValue(d);
		struct desc sum;

		if (!s || !desc_set(&sum, s, -1))
			die("cannot read the image: '%.80s' is no digest of a "
			    "layer", s ? s : "");
		o->layers[i++].diff_id = xstrdup(s);
	}
	cJSON_Delete(j);
}

static bool
is_tagged(const cJSON *m, const char *tag)
{
	const cJSON *t;

	cJSON_ArrayForEach(t, item(m, "RepoTags")) {
		const char *s = cJSON_GetStringValue(t);
		size_t n = s ? strlen(s) : 0, end = strlen(tag);

		/* All of it, or from a part on: me/app:1, app:1, 1. */
		if (n >= end && !strcmp(s + n - end, tag) &&
		    (n == end || strchr("/:", s[n - end - 1])))
			return true;
	}
	return false;
}

char *
oci_docker(struct oci *o, const char *text, const char *tag)
{
	cJSON *j = parse(text, "manifest.json");
	const cJSON *m, *l, *found = NULL;
	char *config;
	size_t i = 0;

	cJSON_ArrayForEach(m, j) {
		if (tag && !is_tagged(m, tag))
			continue;
		if (found)
			die("cannot read the image: there are several; name "
			    "one by its tag");
		found = m;
	}
	if (!found || !*text_of(found, "Config"))
		die("cannot read the image: there is none%s%s", tag ?
		    " tagged " : "", tag ? tag : "");
	config = xstrdup(text_of(found, "Config"));
	set_layers(o, cJSON_GetArraySize(item(found, "Layers")));
	cJSON_ArrayForEach(l, item(found, "Layers")) {
		if (!cJSON_IsString(l))
			die("cannot read the image: a layer has no name");
		o->layers[i++].path = xstrdup(l->valuestring);
	}
	cJSON_Delete(j);
	return config;
}
