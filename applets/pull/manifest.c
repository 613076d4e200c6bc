/* manifest.c - indexes and manifests of registries
 *
 * SPDX-License-Identifier: MIT
 * https://github.com/opencontainers/image-spec/blob/main/manifest.md
 *
 * What is taken out of them is checked: digests that can become names of
 * files, sizes that can be added up, types of printable characters. Nothing
 * else is looked at.
 */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>

#include "bng.h"
#include "pull.h"

#define DOCKER "application/vnd.docker.distribution.manifest."
#define OCI "application/vnd.oci.image."

static const int64_t size_max = INT64_C(1) << 40;

static bool
printable(const char *text)
{
	for (; *text; text++)
		if (!isgraph((unsigned char)*text) || strchr("\"\\", *text))
			return false;
	return true;
}

/* NULL, or what is wrong with it. */
static const char *
descriptor_read(struct descriptor *d, const cJSON *j)
{
	const char *type = json_text(j, "mediaType");
	const char *digest = json_text(j, "digest");
	const cJSON *size = cJSON_GetObjectItemCaseSensitive(j, "size");

	if (!digest)
		return "a descriptor has no digest";
	if (!digest_ok(digest))
		return "a digest is not of SHA-256 or SHA-512";
	if (!cJSON_IsNumber(size) || size->valuedouble < 0 ||
	    size->valuedouble > (double)size_max ||
	    floor(size->valuedouble) != size->valuedouble)
		return "a size is not a number of bytes";
	if (type && (strlen(type) >= sizeof(d->type) || !printable(type)))
		return "a media type is not one";
	snprintf(d->digest, sizeof(d->digest), "%s", digest);
	snprintf(d->type, sizeof(d->type), "%s", type ? type : "");
	d->size = (int64_t)size->valuedouble;
	return NULL;
}

/*
 * How well an entry of an index serves a linux/amd64 host: 0 not at all. An
 * entry without a platform may be anything, and is asked last; variants of
 * amd64 (v2, v3) want processors of their own.
 */
static int
fits(const cJSON *entry)
{
	const cJSON *p = cJSON_GetObjectItemCaseSensitive(entry, "platform");
	const char *os = json_text(p, "os");
	const char *arch = json_text(p, "architecture");
	const char *variant = json_text(p, "variant");

	if (!p)
		return 1;
	if (!os || !arch || strcmp(os, "linux") || strcmp(arch, "amd64"))
		return 0;
	return !variant || !*variant || !strcmp(variant, "v1") ? 3 : 2;
}

static int
index_read(struct manifest *m, const cJSON *list, const char **why)
{
	const cJSON *entry;
	int best = 0;

	m->is_index = true;
	cJSON_ArrayForEach(entry, list) {
		int fit = cJSON_IsObject(entry) ? fits(entry) : 0;

		if (fit <= best)
			continue;
		*why = descriptor_read(&m->best, entry);
		if (*why)
			return -EBADMSG;
		best = fit;
	}
	if (best)
		return 0;
	*why = "it has no image for linux/amd64";
	return -EBADMSG;
}

static int
layers_read(struct manifest *m, const cJSON *list, const char **why)
{
	int n = cJSON_GetArraySize(list);
	const cJSON *entry;

	if (n > LAYERS_MAX) {
		*why = "it has more than 1000 layers";
		return -EBADMSG;
	}
	m->layers = xcalloc((size_t)n + 1, sizeof(*m->layers));
	cJSON_ArrayForEach(entry, list) {
		*why = descriptor_read(&m->layers[m->n++], entry);
		if (*why)
			return -EBADMSG;
	}
	return 0;
}

static int
image_read(struct manifest *m, const cJSON *j, const char **why)
{
	const cJSON *layers = cJSON_GetObjectItemCaseSensitive(j, "layers");
	const cJSON *config = cJSON_GetObjectItemCaseSensitive(j, "config");

	*why = "it is neither a manifest nor an index";
	if (!cJSON_IsArray(layers) || !cJSON_IsObject(config))
		return -EBADMSG;
	*why = descriptor_read(&m->config, config);
	if (*why)
		return -EBADMSG;
	if (m->config.size > MANIFEST_MAX) {
		*why = "its config is larger than 4 MiB";
		return -EBADMSG;
	}
	return layers_read(m, layers, why);
}

/* What the manifest calls itself, or else the server calls it. */
static void
type_read(struct manifest *m, const cJSON *j, const char *type)
{
	const char *own = json_text(j, "mediaType");
	size_t n;

	if (own && *own)
		type = own;
	n = strcspn(type, "; \t");
	if (n < sizeof(m->type))
		snprintf(m->type, sizeof(m->type), "%.*s", (int)n, type);
	if (!printable(m->type) || strncmp(m->type, "application/vnd.", 16))
		m->type[0] = '\0';
}

/* A manifest that nobody has named is of the kind that it looks like. */
static void
type_guess(struct manifest *m)
{
	if (m->type[0])
		return;
	snprintf(m->type, sizeof(m->type), "%s",
	    !strncmp(m->config.type, "application/vnd.docker.", 23) ?
	    DOCKER "v2+json" : OCI "manifest.v1+json");
}

static int
any_read(struct manifest *m, const cJSON *j, const char *type,
    const char **why)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(j, "manifests");
	const cJSON *version =
	    cJSON_GetObjectItemCaseSensitive(j, "schemaVersion");
	int r;

	type_read(m, j, type);
	if ((cJSON_IsNumber(version) && version->valuedouble < 2) ||
	    !strncmp(m->type, DOCKER "v1", strlen(DOCKER "v1"))) {
		*why = "it is a manifest of schema 1, which the registry made"
		    " up for old clients: the image has to be pushed again";
		return -EBADMSG;
	}
	if (cJSON_IsArray(list))
		return index_read(m, list, why);
	r = image_read(m, j, why);
	type_guess(m);
	return r;
}

int
manifest_read(struct manifest *ret, const char *text, size_t n,
    const char *type, const char **ret_why)
{
	struct manifest m = { 0 };
	cJSON *j = json_read(text, n);
	int r;

	if (!j) {
		*ret_why = "it is not JSON, or too much of it";
		return -EBADMSG;
	}
	r = any_read(&m, j, type, ret_why);
	cJSON_Delete(j);
	if (r)
		free(m.layers);
	else
		*ret = m;
	return r;
}
