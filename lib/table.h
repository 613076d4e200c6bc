/* table.h - rows whose columns line up */
#ifndef BNG_TABLE_H
#define BNG_TABLE_H

#include <stddef.h>

enum { TABLE_COLUMNS = 12 };

struct table {
	size_t columns, rows, room;
	size_t width[TABLE_COLUMNS];
	struct table_cell {
		char *text;
		size_t width;
	} *cells;
};

/* The first row: the headings, ending with NULL. */
void table_init(struct table *t, const char *const *heads);

/* One more row of as many cells; cleaned, an empty one becomes "-". */
void table_row(struct table *t, const char *const *cells);

/* To stdout, two spaces between columns, nothing at a line's end. */
void table_print(const struct table *t);

/* "key  value" of one thing alone, cleaned; nothing for an empty value. */
void table_line(const char *key, const char *value);

#endif
