/* toml.h - read TOML 1.0 (https://toml.io/en/v1.0.0)
 *
 * A document becomes a tree of values, each knowing its line. Whatever the
 * standard calls invalid is refused; so are documents beyond the bounds below,
 * which are ours: a file of settings is small, and may be anybody's.
 */
#ifndef BNG_TOML_H
#define BNG_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TOML_BYTES = 1 << 20,	/* of a document */
	TOML_VALUES = 16384,	/* in it, tables and arrays included */
	TOML_DEPTH = 64,	/* brackets in one another, parts of a key */
};

enum toml_type {
	TOML_TABLE,
	TOML_ARRAY,
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOLEAN,
	TOML_DATETIME,		/* with an offset */
	TOML_DATETIME_LOCAL,
	TOML_DATE_LOCAL,
	TOML_TIME_LOCAL,
};

struct toml {
	enum toml_type type;
	unsigned line;			/* where it begins, from 1 */
	const char *key;		/* NULL in an array */
	size_t key_len;			/* a key may hold a NUL */
	struct toml *first, *last;	/* what a table or an array holds, */
	struct toml *next;		/* in the order of the document */
	const char *text;		/* a string's bytes and a NUL, or a */
	size_t len;			/* time as RFC 3339 writes it */
	int64_t integer;
	double real;
	bool yes;

	/* the reader's own: how a table came to be, and under which header */
	enum toml_made {
		TOML_IMPLICIT,		/* on the way to another */
		TOML_HEADER,		/* by a header of its own */
		TOML_DOTTED,		/* by a dotted key */
		TOML_CLOSED,		/* inline, or an array of values */
	} made;
	unsigned section;
};

struct toml_error {
	unsigned line;
	char why[192];			/* a clause; bytes as in the document */
};

struct toml_doc;

/*
 * Read len bytes, behind which there is a NUL. 0 and a document that is the
 * caller's to free, or -EINVAL and the reason, or -ENOMEM.
 */
int toml_parse(const char *text, size_t len, struct toml_doc **ret,
    struct toml_error *e);
void toml_free(struct toml_doc *doc);

/* The table that is the document. */
const struct toml *toml_root(const struct toml_doc *doc);

/* What a table holds under a key, or NULL. */
const struct toml *toml_get(const struct toml *table, const char *key);

/* "a string", "an integer", "a table": as a message names it. */
const char *toml_type_name(enum toml_type type);

#endif
