/* nearest.c - see nearest.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "nearest.h"

enum { LONGEST = 64 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters have to be put in, taken out or changed. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[LONGEST + 1], n = strlen(b);

	if (strlen(a) > LONGEST || n > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j];

			row[j] = least(corner + (a[i] != b[j - 1]),
			    1 + least(above, row[j - 1]));
			corner = above;
		}
	}
	return row[n];
}

const char *
nearest(const char *word, const char *const names[], size_t count)
{
	const char *best = NULL;
	size_t far = LONGEST;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(word, names[i]);

		if (d < far && d * 3 <= strlen(names[i]) + 2) {
			best = names[i];
			far = d;
		}
	}
	return best;
}
