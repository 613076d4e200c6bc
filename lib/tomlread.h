/* tomlread.h - what the parts of the TOML reader share; see toml.h
 *
 * toml.c      tables, arrays and what may be defined where
 * tomltext.c  blanks, keys and strings
 * tomlnum.c   numbers, booleans and times
 *
 * 1. The text was looked over first: it is UTF-8 and has no control character
 *    but tabs and ends of lines, so its NUL ends it, and nothing else does.
 * 2. `pool` has as many bytes as the document. What is read out of it takes no
 *    more room than it had there, its NUL included: that has the place of a
 *    quote or of what must follow a bare key.
 * 3. Each function leaves `p` behind what it read, or has set `error` and
 *    returns false.
 */
#ifndef BNG_TOMLREAD_H
#define BNG_TOMLREAD_H

#include "clean.h"
#include "toml.h"

struct toml_reader {
	const char *p;
	unsigned line;
	char *pool;			/* its free part */
	struct toml_doc *doc;
	struct toml_error *error;
	unsigned section, sections;
	int depth;
};

/* One part of a dotted key. */
struct toml_part {
	const char *text;
	size_t len;
};

struct toml_name {
	struct toml_part part[TOML_DEPTH];
	size_t n;
};

/* Set the error, at the line that is being read. Always false. */
printf_fn(2, 3) bool toml_bad(struct toml_reader *r, const char *fmt, ...);

/* "unexpected 'x'", or the end of the line or document. Always false. */
bool toml_odd(struct toml_reader *r, const char *wanted);

void toml_blanks(struct toml_reader *r);		/* and tabs */
void toml_blank_lines(struct toml_reader *r);		/* and comments */
bool toml_line_end(struct toml_reader *r);	/* with a comment or not */
bool toml_name(struct toml_reader *r, struct toml_name *name);
bool toml_string(struct toml_reader *r, struct toml *v);

/* What is neither a string nor in brackets. */
bool toml_plain(struct toml_reader *r, struct toml *v);

#endif
