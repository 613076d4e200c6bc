/* jsonread.c - JSON of a peer's, bounded
 *
 * SPDX-License-Identifier: MIT
 *
 * cJSON makes a node of some 80 bytes of every value: four million bytes of
 * "1,1,1" would be 160 MB. So values are counted before they are made.
 */
#include <cjson/cJSON.h>

#include "bng.h"
#include "pull.h"

enum { VALUES_MAX = 50000 };

struct cJSON *
json_read(const char *text, size_t n)
{
	size_t values = 0;
	cJSON *j;

	if (memchr(text, '\0', n))
		return NULL;
	for (size_t i = 0; i < n; i++)
		values += strchr(",[{", text[i]) != NULL;
	if (values > VALUES_MAX)
		return NULL;
	j = cJSON_ParseWithLength(text, n);
	if (cJSON_IsObject(j))
		return j;
	cJSON_Delete(j);
	return NULL;
}

const char *
json_text(const struct cJSON *object, const char *key)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, key));
}
