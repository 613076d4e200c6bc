/* toml.c - tables and arrays of TOML; see toml.h and tomlread.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tomlread.h"
#include "utf8.h"

/* One piece of memory; the kernel finds pages for what is used of it. */
struct toml_doc {
	struct toml root;
	size_t count;
	struct toml values[TOML_VALUES];
	char pool[];
};

bool
toml_bad(struct toml_reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->error->why, sizeof(r->error->why), fmt, ap);
	va_end(ap);
	r->error->line = r->line;
	return false;
}

bool
toml_odd(struct toml_reader *r, const char *wanted)
{
	const char *end = r->p;

	if (!*r->p)
		return toml_bad(r, "the file ends where %s", wanted);
	if (*r->p == '\n' || *r->p == '\r')
		return toml_bad(r, "the line ends where %s", wanted);
	utf8_next(&end);
	return toml_bad(r, "'%.*s' where %s", (int)(end - r->p), r->p, wanted);
}

/* One more value; NULL, and the error, when there are too many. */
static struct toml *
new_value(struct toml_reader *r)
{
	struct toml *v = &r->doc->values[r->doc->count];

	if (r->doc->count == TOML_VALUES) {
		toml_bad(r, "there are more than %d values", TOML_VALUES);
		return NULL;
	}
	r->doc->count++;
	v->line = r->line;
	return v;
}

static void
append(struct toml *to, struct toml *v)
{
	if (to->last)
		to->last->next = v;
	else
		to->first = v;
	to->last = v;
}

static struct toml *
find(const struct toml *table, const struct toml_part *key)
{
	struct toml *v = table->first;

	while (v && (v->key_len != key->len ||
	    memcmp(v->key, key->text, key->len)))
		v = v->next;
	return v;
}

static void
set_key(struct toml *v, const struct toml_part *key)
{
	v->key = key->text;
	v->key_len = key->len;
}

static struct toml *
new_table(struct toml_reader *r, struct toml *in, const struct toml_part *key,
    enum toml_made made)
{
	struct toml *t = new_value(r);

	if (!t)
		return NULL;
	t->type = TOML_TABLE;
	t->made = made;
	t->section = r->section;
	if (key)
		set_key(t, key);
	append(in, t);
	return t;
}

static bool
defined(struct toml_reader *r, const struct toml *v)
{
	return toml_bad(r, "'%s' is defined already, on line %u", v->key,
	    v->line);
}

/*
 * The table that a key's parts but the last lie in, from `in` on. Only what
 * the same section made with dotted keys can be gone through: a table that
 * has a header, or braces, is complete.
 */
static struct toml *
dotted(struct toml_reader *r, struct toml *in, const struct toml_name *name)
{
	for (size_t i = 0; in && i + 1 < name->n; i++) {
		struct toml *t = find(in, &name->part[i]);

		if (t && (t->type != TOML_TABLE || t->made != TOML_DOTTED ||
		    t->section != r->section)) {
			defined(r, t);
			return NULL;
		}
		in = t ? t : new_table(r, in, &name->part[i], TOML_DOTTED);
	}
	return in;
}

static bool value(struct toml_reader *r, struct toml *v);

/* KEY = VALUE, into a table. */
static bool
pair(struct toml_reader *r, struct toml *in)
{
	struct toml_name name;
	struct toml *v;

	if (!toml_name(r, &name))
		return false;
	if (*r->p != '=')
		return toml_odd(r, "'=' is wanted");
	r->p++;
	toml_blanks(r);
	in = dotted(r, in, &name);
	if (!in)
		return false;
	v = find(in, &name.part[name.n - 1]);
	if (v)
		return defined(r, v);
	v = new_value(r);
	if (!v)
		return false;
	set_key(v, &name.part[name.n - 1]);
	append(in, v);
	return value(r, v);
}

/* After an element: ',' or the end. -1 is neither. */
static int
more(struct toml_reader *r, char end)
{
	char c = *r->p;

	if (c != ',' && c != end) {
		toml_odd(r, end == ']' ? "',' or ']' is wanted" :
		    "',' or '}' is wanted");
		return -1;
	}
	r->p++;
	return c == ',';
}

static bool
array(struct toml_reader *r, struct toml *a)
{
	int go_on = 1;

	a->type = TOML_ARRAY;
	a->made = TOML_CLOSED;
	r->p++;
	while (go_on > 0) {
		struct toml *v;

		toml_blank_lines(r);
		if (*r->p == ']') {
			r->p++;
			return true;
		}
		v = new_value(r);
		if (!v || !value(r, v))
			return false;
		append(a, v);
		toml_blank_lines(r);
		go_on = more(r, ']');
	}
	return !go_on;
}

/* All on one line, without a comma at its end. */
static bool
inline_table(struct toml_reader *r, struct toml *t)
{
	unsigned outer = r->section;
	int go_on = 1;

	t->type = TOML_TABLE;
	t->made = TOML_CLOSED;
	r->section = ++r->sections;
	r->p++;
	toml_blanks(r);
	if (*r->p == '}') {
		r->p++;
		go_on = 0;
	}
	while (go_on > 0) {
		if (!pair(r, t))
			return false;
		toml_blanks(r);
		go_on = more(r, '}');
	}
	r->section = outer;
	return !go_on;
}

static bool
value(struct toml_reader *r, struct toml *v)
{
	bool ok;

	if (*r->p == '"' || *r->p == '\'')
		return toml_string(r, v);
	if (*r->p != '[' && *r->p != '{')
		return toml_plain(r, v);
	if (r->depth == TOML_DEPTH)
		return toml_bad(r, "more than %d brackets are open",
		    TOML_DEPTH);
	r->depth++;
	ok = *r->p == '[' ? array(r, v) : inline_table(r, v);
	r->depth--;
	return ok;
}

/* The table above the one that a header names: of an array, its last. */
static struct toml *
above(struct toml_reader *r, const struct toml_name *name)
{
	struct toml *in = &r->doc->root;

	for (size_t i = 0; in && i + 1 < name->n; i++) {
		struct toml *t = find(in, &name->part[i]);

		if (t && (t->made == TOML_CLOSED || t->type > TOML_ARRAY)) {
			defined(r, t);
			return NULL;
		}
		if (t && t->type == TOML_ARRAY)
			t = t->last;
		in = t ? t : new_table(r, in, &name->part[i], TOML_IMPLICIT);
	}
	return in;
}

/* [NAME]: not there yet, or only on the way to another table. */
static struct toml *
define_table(struct toml_reader *r, struct toml *in,
    const struct toml_part *key)
{
	struct toml *t = find(in, key);

	if (!t)
		return new_table(r, in, key, TOML_HEADER);
	if (t->type != TOML_TABLE || t->made != TOML_IMPLICIT) {
		defined(r, t);
		return NULL;
	}
	t->made = TOML_HEADER;
	t->line = r->line;
	return t;
}

/* [[NAME]]: one more in an array of them. */
static struct toml *
define_element(struct toml_reader *r, struct toml *in,
    const struct toml_part *key)
{
	struct toml *a = find(in, key);

	if (a && (a->type != TOML_ARRAY || a->made == TOML_CLOSED)) {
		defined(r, a);
		return NULL;
	}
	if (!a) {
		a = new_table(r, in, key, TOML_HEADER);
		if (!a)
			return NULL;
		a->type = TOML_ARRAY;
	}
	return new_table(r, a, NULL, TOML_HEADER);
}

/* A header; what follows goes into *ret. */
static bool
header(struct toml_reader *r, struct toml **ret)
{
	bool element = r->p[1] == '[';
	struct toml_name name;
	struct toml *in;

	r->p += element ? 2 : 1;
	if (!toml_name(r, &name))
		return false;
	if (*r->p != ']' || (element && r->p[1] != ']'))
		return toml_odd(r, element ? "']]' is wanted" :
		    "']' is wanted");
	r->p += element ? 2 : 1;
	r->section = ++r->sections;
	in = above(r, &name);
	if (in)
		in = element ? define_element(r, in, &name.part[name.n - 1]) :
		    define_table(r, in, &name.part[name.n - 1]);
	*ret = in;
	return in;
}

static bool
document(struct toml_reader *r)
{
	struct toml *in = &r->doc->root;

	for (;;) {
		toml_blank_lines(r);
		if (!*r->p)
			return true;
		if (!(*r->p == '[' ? header(r, &in) : pair(r, in)) ||
		    !toml_line_end(r))
			return false;
	}
}

/* Invariant 1: what may be nowhere in a document. */
static bool
looked_over(struct toml_reader *r, size_t len)
{
	const char *p = r->p, *end = p + len;

	while (p < end) {
		const char *was = p;
		int c = utf8_next(&p);

		if (c < 0)
			return toml_bad(r, "this is not UTF-8");
		if (!c || c == 0x7f || (c < ' ' && c != '\t' && c != '\n' &&
		    !(c == '\r' && *p == '\n')))
			return toml_bad(r, "there is a control character, "
			    "U+%04X", (unsigned char)*was);
		r->line += c == '\n';
	}
	r->line = 1;
	/* Some editors begin a file with a mark of its encoding. */
	if (!strncmp(r->p, "\xef\xbb\xbf", 3))
		r->p += 3;
	return true;
}

int
toml_parse(const char *text, size_t len, struct toml_doc **ret,
    struct toml_error *e)
{
	struct toml_reader r = { .p = text, .line = 1, .error = e };

	if (len > TOML_BYTES) {
		toml_bad(&r, "it has more than %d bytes", TOML_BYTES);
		return -EINVAL;
	}
	r.doc = calloc(1, sizeof(*r.doc) + len + 2);
	if (!r.doc)
		return -ENOMEM;
	r.pool = r.doc->pool;
	r.doc->root.made = TOML_HEADER;
	r.doc->root.line = 1;
	if (looked_over(&r, len) && document(&r)) {
		*ret = r.doc;
		return 0;
	}
	toml_free(r.doc);
	return -EINVAL;
}

void
toml_free(struct toml_doc *doc)
{
	free(doc);
}

const struct toml *
toml_root(const struct toml_doc *doc)
{
	return &doc->root;
}

const struct toml *
toml_get(const struct toml *table, const char *key)
{
	struct toml_part part = { key, strlen(key) };

	return find(table, &part);
}

const char *
toml_type_name(enum toml_type type)
{
	static const char *const names[] = { "a table", "an array", "a string",
		"an integer", "a float", "a boolean", "a date and time",
		"a date and time", "a date", "a time" };

	return names[type];
}
