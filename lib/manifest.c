/* manifest.c - manifest.json; see manifest.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <cjson/cJSON.h>

#include "bng.h"
#include "manifest.h"

/* The incomplete struct of the header keeps cJSON out of everybody's sight. */
static cJSON *
json(const struct manifest *m)
{
	return (cJSON *)(uintptr_t)m;
}

int
manifest_load(int dirfd, const char *name, struct manifest **ret_m)
{
	autofree char *text = NULL;
	size_t len;
	int r = file_slurp(dirfd, name, 256 << 10, &text, &len);
	cJSON *j;

	if (r)
		return r;
	j = cJSON_ParseWithLength(text, len);
	if (!cJSON_IsObject(j)) {
		cJSON_Delete(j);
		return -EBADMSG;
	}
	*ret_m = (struct manifest *)j;
	return 0;
}

struct manifest *
manifest_new(void)
{
	cJSON *j = cJSON_CreateObject();

	if (!j)
		die("out of memory");
	return (struct manifest *)j;
}

void
manifest_free(struct manifest *m)
{
	cJSON_Delete(json(m));
}

const char *
manifest_str(const struct manifest *m, const char *key)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json(m), key));
}

int64_t
manifest_num(const struct manifest *m, const char *key, int64_t missing)
{
	const cJSON *j = cJSON_GetObjectItemCaseSensitive(json(m), key);

	/* Beyond 2^53 a double no longer holds every whole number. */
	if (!cJSON_IsNumber(j) || !(j->valuedouble >= -0x1p53) ||
	    !(j->valuedouble <= 0x1p53))
		return missing;
	return (int64_t)j->valuedouble;
}

const char *
manifest_item(const struct manifest *m, const char *path, int i)
{
	const cJSON *j = json(m);
	char key[128];

	while (j && *path) {
		size_t n = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		j = cJSON_GetObjectItemCaseSensitive(j, key);
		path += n + (path[n] == '.');
	}
	return cJSON_IsArray(j) ?
	    cJSON_GetStringValue(cJSON_GetArrayItem(j, i)) : NULL;
}

static void
put_item(struct manifest *m, const char *key, cJSON *item)
{
	cJSON_DeleteItemFromObjectCaseSensitive(json(m), key);
	if (!item || !cJSON_AddItemToObject(json(m), key, item))
		die("out of memory");
}

void
manifest_set(struct manifest *m, const char *key, const char *text)
{
	cJSON *item = strcmp(key, "created") ? cJSON_CreateString(text) :
	    cJSON_CreateNumber((double)xnum(text, 0, INT64_C(1) << 53, key));

	put_item(m, key, item);
}

const struct cJSON *
manifest_config(const struct manifest *m)
{
	return cJSON_GetObjectItemCaseSensitive(json(m), "config");
}

void
manifest_set_config(struct manifest *m, struct cJSON *config)
{
	put_item(m, "config", config);
}

int
manifest_save(const struct manifest *m, int dirfd, const char *name)
{
	char *text = cJSON_Print(json(m));
	size_t len;
	int r;

	if (!text)
		die("out of memory");
	len = strlen(text);
	text[len] = '\n';	/* in place of the NUL: a line for cat */
	r = file_put(dirfd, name, text, len + 1, 0644);
	cJSON_free(text);
	return r;
}
