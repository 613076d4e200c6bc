/* image.c - how the machine's image says that commands are run; see image.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "json.h"

static char *kept;

/* Absent, or an array of strings. */
static bool
strings(const char *v)
{
	for (const char *e = json_first(v); e; e = json_next(e))
		if (!json_is_str(e))
			return false;
	return !v || *v == '[';
}

static bool
string(const char *v)
{
	return !v || json_is_str(v);
}

bool
image_set(const char *config)
{
	char *copy;

	if (*config != '{' || !strings(json_get(config, "env")) ||
	    !strings(json_get(config, "entrypoint")) ||
	    !strings(json_get(config, "cmd")) ||
	    !string(json_get(config, "cwd")) ||
	    !string(json_get(config, "user")) ||
	    !string(json_get(config, "stop_signal")))
		return false;
	copy = strndup(config, json_size(config));
	if (!copy)
		return false;
	free(kept);
	kept = copy;
	return true;
}

const char *
image_get(const char *key)
{
	return json_get(kept, key);
}

bool
image_runs(void)
{
	return json_first(image_get("entrypoint")) ||
	    json_first(image_get("cmd"));
}
