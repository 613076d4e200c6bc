/* utf8.c - text of any origin; see utf8.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>

#include "utf8.h"

int
utf8_next(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	static const int least[] = { 0, 0x80, 0x800, 0x10000 };
	int more, c;

	if (!*s)
		return 0;
	more = *s < 0x80 ? 0 : *s < 0xc0 ? -1 : *s < 0xe0 ? 1 : *s < 0xf0 ? 2 :
	    *s < 0xf8 ? 3 : -1;
	*p += 1;
	if (more <= 0)
		return more ? -1 : *s;
	c = *s & (0x3f >> more);
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	*p += more;
	return c;
}

/* Control characters of either set, and what turns the line's direction. */
static bool
acts(int c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	    (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069);
}

size_t
utf8_clean(char *text)
{
	const char *in = text, *was = text;
	char *out = text;
	size_t columns = 0;
	int c;

	while ((c = utf8_next(&in))) {
		if (acts(c))
			*out++ = '?';
		else
			while (was < in)
				*out++ = *was++;
		was = in;
		columns++;
	}
	*out = '\0';
	return columns;
}
