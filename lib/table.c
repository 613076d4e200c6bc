/* table.c - rows whose columns line up; see table.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "table.h"
#include "utf8.h"

void
table_init(struct table *t, const char *const *heads)
{
	memset(t, 0, sizeof(*t));
	while (heads[t->columns])
		t->columns++;
	table_row(t, heads);
}

void
table_row(struct table *t, const char *const *cells)
{
	struct table_cell *row;

	if (t->rows == t->room) {
		t->room = t->room ? 2 * t->room : 16;
		t->cells = xrealloc(t->cells,
		    t->room * t->columns * sizeof(*t->cells));
	}
	row = t->cells + t->rows++ * t->columns;
	for (size_t i = 0; i < t->columns; i++) {
		row[i].text = xstrdup(cells[i] && *cells[i] ? cells[i] : "-");
		row[i].width = utf8_clean(row[i].text);
		if (row[i].width > t->width[i])
			t->width[i] = row[i].width;
	}
}

void
table_print(const struct table *t)
{
	const struct table_cell *cell = t->cells;

	for (size_t r = 0; r < t->rows; r++)
		for (size_t i = 0; i < t->columns; i++, cell++) {
			int last = i + 1 == t->columns;

			printf("%s%*s", cell->text, last ? 0 :
			    (int)(t->width[i] - cell->width + 2), "");
			if (last)
				putchar('\n');
		}
}

void
table_line(const char *key, const char *value)
{
	autofree char *copy = xstrdup(value);

	utf8_clean(copy);
	if (*copy)
		printf("%-12s %s\n", key, copy);
}
