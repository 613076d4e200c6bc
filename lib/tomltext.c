/* tomltext.c - blanks, keys and strings of TOML; see tomlread.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "tomlread.h"

void
toml_blanks(struct toml_reader *r)
{
	r->p += strspn(r->p, " \t");
}

/* A newline, with or without a carriage return. */
static bool
newline(struct toml_reader *r)
{
	if (*r->p == '\r')
		r->p++;
	if (*r->p != '\n')
		return false;
	r->p++;
	r->line++;
	return true;
}

static void
comment(struct toml_reader *r)
{
	if (*r->p == '#')
		r->p += strcspn(r->p, "\r\n");
}

void
toml_blank_lines(struct toml_reader *r)
{
	do {
		toml_blanks(r);
		comment(r);
	} while (newline(r));
}

bool
toml_line_end(struct toml_reader *r)
{
	toml_blanks(r);
	comment(r);
	return !*r->p || newline(r) ||
	    toml_odd(r, "the end of the line is wanted");
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void
put_utf8(struct toml_reader *r, uint32_t c)
{
	int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	*r->pool++ = (char)(lead[more] | c >> 6 * more);
	while (more-- > 0)
		*r->pool++ = (char)(0x80 | (c >> 6 * more & 0x3f));
}

/* The digits after \u or \U: a character, and not half of one. */
static bool
code_point(struct toml_reader *r, int digits)
{
	uint32_t c = 0;

	for (int i = 0; i < digits; i++) {
		int d = hex_digit(r->p[i]);

		if (d < 0)
			return toml_bad(r, "\\%c needs %d hexadecimal digits",
			    digits == 4 ? 'u' : 'U', digits);
		c = c << 4 | (uint32_t)d;
	}
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return toml_bad(r, "there is no character U+%04X",
		    (unsigned)c);
	r->p += digits;
	put_utf8(r, c);
	return true;
}

/* A backslash at the end of a line takes the blank space after it along. */
static bool
line_join(struct toml_reader *r)
{
	const char *after = r->p + strspn(r->p, " \t");

	if (*after != '\n' && *after != '\r')
		return toml_bad(r, "'\\' before a blank, but not at the end "
		    "of its line");
	do
		toml_blanks(r);
	while (newline(r));
	return true;
}

/* What follows a backslash. */
static bool
escape(struct toml_reader *r, bool lines)
{
	static const char names[] = "btnfr\"\\", bytes[] = "\b\t\n\f\r\"\\";
	const char *name;

	if (lines && *r->p && strchr(" \t\r\n", *r->p))
		return line_join(r);
	if (!*r->p)
		return toml_odd(r, "the rest of a string is wanted");
	if (*r->p == 'u' || *r->p == 'U')
		return code_point(r, *r->p++ == 'u' ? 4 : 8);
	name = strchr(names, *r->p);
	if (!name)
		return toml_bad(r, "there is no escape '\\%c'",
		    *r->p & 0x80 ? '?' : *r->p);
	r->p++;
	*r->pool++ = bytes[name - names];
	return true;
}

/* The end of a string of lines: three quotes, after up to two of its own. */
static bool
closes(struct toml_reader *r, char quote)
{
	size_t n = 0;

	while (n < 5 && r->p[n] == quote)
		n++;
	if (n < 3)
		return false;
	memset(r->pool, quote, n - 3);
	r->pool += n - 3;
	r->p += n;
	return true;
}

/* One character of a string, or an escape. */
static bool
one(struct toml_reader *r, char quote, bool lines)
{
	if (!*r->p || (!lines && (*r->p == '\n' || *r->p == '\r')))
		return toml_bad(r, "the string that begins here does not end");
	if (*r->p == '\\' && quote == '"') {
		r->p++;
		return escape(r, lines);
	}
	r->line += *r->p == '\n';
	*r->pool++ = *r->p++;
	return true;
}

bool
toml_string(struct toml_reader *r, struct toml *v)
{
	char quote = *r->p;
	bool lines = r->p[1] == quote && r->p[2] == quote;
	unsigned began = r->line;

	r->p += lines ? 3 : 1;
	if (lines)
		newline(r);
	v->type = TOML_STRING;
	v->text = r->pool;
	while (lines ? !closes(r, quote) : *r->p != quote)
		if (!one(r, quote, lines)) {
			if (!*r->p)
				r->error->line = began;
			return false;
		}
	r->p += !lines;
	v->len = (size_t)(r->pool - v->text);
	*r->pool++ = '\0';
	return true;
}

static bool
part(struct toml_reader *r, struct toml_part *part)
{
	struct toml s;
	size_t n;

	if (*r->p == '"' || *r->p == '\'') {
		if (r->p[1] == *r->p && r->p[2] == *r->p)
			return toml_bad(r, "a key has one quote on each side");
		if (!toml_string(r, &s))
			return false;
		part->text = s.text;
		part->len = s.len;
		return true;
	}
	n = strspn(r->p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789_-");
	if (!n)
		return toml_odd(r, "a key is wanted");
	part->text = memcpy(r->pool, r->p, n);
	part->len = n;
	r->pool[n] = '\0';
	r->pool += n + 1;
	r->p += n;
	return true;
}

bool
toml_name(struct toml_reader *r, struct toml_name *name)
{
	name->n = 0;
	for (;;) {
		if (name->n == TOML_DEPTH)
			return toml_bad(r, "a key has more than %d parts",
			    TOML_DEPTH);
		toml_blanks(r);
		if (!part(r, &name->part[name->n++]))
			return false;
		toml_blanks(r);
		if (*r->p != '.')
			return true;
		r->p++;
	}
}
