/* ociconfig.c - how an OCI image says that it is run; see ociconfig.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <cjson/cJSON.h>
#include <stdarg.h>

#include "bng.h"
#include "ociconfig.h"
#include "utf8.h"

enum { CWD_MAX = 4096, USER_MAX = 256, SIGNAL_MAX = 32 };

static const struct member {
	const char *name, *oci;
	size_t max;		/* of a string; 0: an array of strings */
} members[] = {
	{ "env", "Env", 0 },
	{ "cwd", "WorkingDir", CWD_MAX },
	{ "user", "User", USER_MAX },
	{ "entrypoint", "Entrypoint", 0 },
	{ "cmd", "Cmd", 0 },
	{ "stop_signal", "StopSignal", SIGNAL_MAX },
};

static cJSON *
need(cJSON *j)
{
	if (!j)
		die("out of memory");
	return j;
}

static void
add(cJSON *config, const char *name, cJSON *item)
{
	if (!cJSON_AddItemToObject(config, name, item))
		die("out of memory");
}

printf_fn(2, 3) static int
bad(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, OCICONFIG_WHY, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

/* A relative directory is meant from the root, as containers take it. */
static int
take_string(cJSON *to, const struct member *m, const char *name,
    const cJSON *from, char *why)
{
	autofree char *text = NULL;

	if (!cJSON_IsString(from))
		return bad(why, "%s is not a string", name);
	if (!*from->valuestring)
		return 0;
	text = xasprintf("%s%s", strcmp(m->name, "cwd") ||
	    *from->valuestring == '/' ? "" : "/", from->valuestring);
	if (strlen(text) >= m->max)
		return bad(why, "%s is longer than %zu bytes", name,
		    m->max - 1);
	add(to, m->name, need(cJSON_CreateString(text)));
	return 0;
}

/* A variable that has no name, or no value to give it, is left out. */
static int
take_array(cJSON *to, const struct member *m, const char *name,
    const cJSON *from, char *why)
{
	bool env = !strcmp(m->name, "env");
	const cJSON *e;
	cJSON *array;

	if (!cJSON_IsArray(from))
		return bad(why, "%s is not an array", name);
	if (cJSON_GetArraySize(from) > OCICONFIG_WORDS)
		return bad(why, "%s has more than %d strings", name,
		    OCICONFIG_WORDS);
	cJSON_ArrayForEach(e, from)
		if (!cJSON_IsString(e))
			return bad(why, "%s holds what is not a string", name);
	array = need(cJSON_CreateArray());
	cJSON_ArrayForEach(e, from) {
		if (env && (*e->valuestring == '=' ||
		    !strchr(e->valuestring, '=')))
			continue;
		cJSON_AddItemToArray(array,
		    need(cJSON_CreateString(e->valuestring)));
	}
	if (array->child)
		add(to, m->name, array);
	else
		cJSON_Delete(array);
	return 0;
}

/* Whether it fits into a message to the agent, with all that goes along. */
static int
check_size(const cJSON *config, char *why)
{
	char *text = cJSON_PrintUnformatted(config);
	size_t len = text ? strlen(text) : SIZE_MAX;

	cJSON_free(text);
	if (len > OCICONFIG_MAX)
		return bad(why, "its environment and command are longer than "
		    "%d bytes", OCICONFIG_MAX);
	return 0;
}

/* All members of an object, whose names are those of OCI or ours. */
static int
take(const cJSON *from, bool oci, struct cJSON **ret_config, char *why)
{
	cJSON *to = need(cJSON_CreateObject());
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(members); i++) {
		const struct member *m = &members[i];
		const char *name = oci ? m->oci : m->name;
		const cJSON *v = cJSON_GetObjectItemCaseSensitive(from, name);

		if (v && !cJSON_IsNull(v))
			r = (m->max ? take_string : take_array)(to, m, name, v,
			    why);
	}
	if (!r)
		r = check_size(to, why);
	if (r)
		cJSON_Delete(to);
	else
		*ret_config = to;
	return r;
}

/* Escaped or as it is: what comes behind it would be lost without a word. */
static bool
has_nul(const char *text, size_t len)
{
	if (memchr(text, '\0', len))
		return true;
	while ((text = strchr(text, '\\'))) {
		if (!strncmp(text, "\\u0000", 6))
			return true;
		text += text[1] ? 2 : 1;
	}
	return false;
}

/* text has a NUL behind its len bytes. */
static int
parse(const char *text, size_t len, struct cJSON **ret_config, char *why)
{
	const cJSON *config;
	cJSON *all;
	int r;

	if (has_nul(text, len))
		return bad(why, "it holds a NUL");
	all = cJSON_ParseWithLengthOpts(text, len + 1, NULL, true);
	config = cJSON_GetObjectItemCaseSensitive(all, "config");
	if (!cJSON_IsObject(all))
		r = bad(why, "it is not a JSON object");
	else if (config && !cJSON_IsObject(config) && !cJSON_IsNull(config))
		r = bad(why, "config is not an object");
	else
		r = take(config, true, ret_config, why);
	cJSON_Delete(all);
	return r;
}

int
ociconfig_load(int dirfd, const char *name, struct cJSON **ret_config,
    char why[OCICONFIG_WHY])
{
	autofree char *text = NULL;
	size_t len;
	int r = file_slurp(dirfd, name, OCICONFIG_FILE_MAX, &text, &len);

	return r ? r : parse(text, len, ret_config, why);
}

int
ociconfig_take(const struct cJSON *config, struct cJSON **ret_config,
    char why[OCICONFIG_WHY])
{
	if (!config || cJSON_IsNull(config)) {
		*ret_config = NULL;
		return 0;
	}
	if (!cJSON_IsObject(config))
		return bad(why, "config is not an object");
	return take(config, false, ret_config, why);
}

void
ociconfig_json(struct json *j, const struct cJSON *config)
{
	if (!config) {
		json_str(j, "config", NULL);
		return;
	}
	json_open(j, "config", '{');
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const char *name = members[i].name;
		const cJSON *e, *v = cJSON_GetObjectItem(config, name);

		if (!v || members[i].max) {
			json_str(j, name, cJSON_GetStringValue(v));
			continue;
		}
		json_open(j, name, '[');
		cJSON_ArrayForEach(e, v)
			json_str(j, NULL, e->valuestring);
		json_close(j, ']');
	}
	json_close(j, '}');
}

/* Variables are a line each; the words of a command share one. */
static void
lines(const char *name, const cJSON *array)
{
	bool env = !strcmp(name, "env");
	const cJSON *e;

	printf("%-12s", name);
	cJSON_ArrayForEach(e, array) {
		utf8_clean(e->valuestring);
		if (env && e->prev->next)
			printf("\n%-12s", "");
		printf(" %s", e->valuestring);
	}
	putchar('\n');
}

void
ociconfig_lines(const struct cJSON *config)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const char *name = members[i].name;
		const cJSON *v = cJSON_GetObjectItem(config, name);

		if (!v)
			continue;
		if (cJSON_IsArray(v)) {
			lines(name, v);
			continue;
		}
		utf8_clean(v->valuestring);
		printf("%-12s %s\n", name, v->valuestring);
	}
}
