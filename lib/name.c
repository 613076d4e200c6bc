/* name.c - names; see name.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "name.h"

#define LOWER_DIGIT "abcdefghijklmnopqrstuvwxyz0123456789"

const char *
vm_name_error(const char *name)
{
	static char text[96];
	size_t len = strlen(name);
	size_t good = strspn(name, LOWER_DIGIT "-");

	if (!len)
		return "a name is required";
	if (len > 63) {
		snprintf(text, sizeof(text),
		    "a name has at most 63 characters, this one has %zu", len);
		return text;
	}
	if (name[good]) {
		snprintf(text, sizeof(text), "character %zu is not one of a-z,"
		    " 0-9 and '-'", good + 1);
		return text;
	}
	if (name[0] == '-' || name[len - 1] == '-')
		return "a name neither starts nor ends with '-'";
	return NULL;
}

bool
name_ok(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= 128 && name[0] != '.' && name[0] != '-' &&
	    strspn(name, LOWER_DIGIT "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.+-") == len;
}
