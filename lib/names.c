/* names.c - the entries of a directory, sorted; see names.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>

#include "bng.h"
#include "names.h"

void
names_add(struct names *n, const char *name)
{
	if (n->count == n->room) {
		n->room = n->room ? 2 * n->room : 64;
		n->name = xrealloc(n->name, n->room * sizeof(*n->name));
	}
	n->name[n->count++] = xstrdup(name);
}

void
names_read(struct names *n, const char *dir, bool (*ok)(const char *))
{
	struct dirent *e;
	autoclosedir DIR *d = opendir(dir);

	if (!d && errno != ENOENT)
		die_sys("cannot read '%s'", dir);
	while (d && (e = readdir(d)))
		if (ok(e->d_name))
			names_add(n, e->d_name);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
names_sort(struct names *n)
{
	size_t kept = 0;

	if (n->count)
		qsort(n->name, n->count, sizeof(*n->name), compare);
	for (size_t i = 0; i < n->count; i++) {
		if (kept && !strcmp(n->name[kept - 1], n->name[i]))
			free(n->name[i]);
		else
			n->name[kept++] = n->name[i];
	}
	n->count = kept;
}
