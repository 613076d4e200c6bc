/* listing.h - a list of named things, as a table and as JSON, on stdout
 *
 * Names that a command line gave, or all there are; a row, an object or the
 * name alone for each; a line on stderr for one that there is not.
 */
#ifndef BNG_LISTING_H
#define BNG_LISTING_H

#include <stdbool.h>

#include "json.h"
#include "names.h"
#include "table.h"

struct list_how {
	bool json, quiet, running;
	char **names;	/* these, or all when there are none */
	int count;
};

struct listing {
	const struct list_how *how;
	const char *noun;		/* "machine" */
	const char *const *heads;	/* of the columns, ended by NULL */
	/* All names, sorted. */
	void (*every)(struct names *n, const void *ctx);
	/* List one; false when there is none of this name. */
	bool (*one)(struct listing *l, const char *name);
	const void *ctx;

	/* what `one` adds to */
	struct table table;
	struct json json;
};

/*
 * The options of a verb, argv[0], that lists: those of "jqr" that `allowed`
 * has, in any order; -q overrules -j. Others are wrong usage. What follows
 * them are the names.
 */
struct list_how listing_options(int argc, char *argv[], const char *allowed);

/* An exit status: 1 when a name that was given does not exist. */
int listing_run(struct listing *l);

#endif
