/* names.h - the entries of a directory, sorted */
#ifndef BNG_NAMES_H
#define BNG_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct names {
	char **name;
	size_t count, room;
};

void names_add(struct names *n, const char *name);

/* Add those entries that ok() likes; an absent directory has none. Dies. */
void names_read(struct names *n, const char *dir, bool (*ok)(const char *));

/* By bytes; each once. */
void names_sort(struct names *n);

#endif
