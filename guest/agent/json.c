/* json.c - just enough JSON, read in place; see json.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

enum { DEPTH_MAX = 8 };

static const char *
space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* Four hexadecimal digits, or -1. */
static long
hex4(const char *p)
{
	long v = 0;

	for (int i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)p[i]))
			return -1;
		v = v * 16 + (isdigit((unsigned char)p[i]) ? p[i] - '0' :
		    (p[i] | 0x20) - 'a' + 10);
	}
	return v;
}

/* The character behind "\u", a surrogate pair taken together; -1 if bad. */
static long
code_point(const char *p, size_t *ret_used)
{
	long hi = hex4(p), lo;

	*ret_used = 4;
	if (hi < 0xd800 || hi > 0xdfff)
		return hi == 0 ? -1 : hi;
	if (hi > 0xdbff || p[4] != '\\' || p[5] != 'u')
		return -1;
	lo = hex4(p + 6);
	if (lo < 0xdc00 || lo > 0xdfff)
		return -1;
	*ret_used = 10;
	return 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
}

/* Past a string, or NULL. */
static const char *
skip_string(const char *p)
{
	size_t used;

	if (*p++ != '"')
		return NULL;
	for (;;) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p == '"')
			return p + 1;
		if (*p++ != '\\')
			continue;
		if (*p == 'u') {
			if (code_point(p + 1, &used) < 0)
				return NULL;
			p += 1 + used;
		} else if (*p && strchr("\"\\/bfnrt", *p)) {
			p++;
		} else {
			return NULL;
		}
	}
}

static const char *
skip_digits(const char *p)
{
	if (!isdigit((unsigned char)*p))
		return NULL;
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

static const char *
skip_number(const char *p)
{
	if (*p == '-')
		p++;
	p = skip_digits(p);
	if (p && *p == '.')
		p = skip_digits(p + 1);
	if (p && (*p == 'e' || *p == 'E')) {
		p++;
		if (*p == '+' || *p == '-')
			p++;
		p = skip_digits(p);
	}
	return p;
}

static const char *skip_value(const char *p, int depth);

/* Past an object or an array, p being behind its opening bracket. */
static const char *
skip_list(const char *p, char closing, int depth)
{
	p = space(p);
	if (*p == closing)
		return p + 1;
	for (;;) {
		if (closing == '}') {
			p = skip_string(space(p));
			if (!p)
				return NULL;
			p = space(p);
			if (*p++ != ':')
				return NULL;
		}
		p = skip_value(p, depth);
		if (!p)
			return NULL;
		p = space(p);
		if (*p == closing)
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
}

static const char *
skip_value(const char *p, int depth)
{
	static const char *const words[] = { "true", "false", "null" };

	p = space(p);
	if (*p == '"')
		return skip_string(p);
	if (*p == '{' || *p == '[')
		return depth == DEPTH_MAX ? NULL :
		    skip_list(p + 1, *p == '{' ? '}' : ']', depth + 1);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strncmp(p, words[i], strlen(words[i])))
			return p + strlen(words[i]);
	return skip_number(p);
}

bool
json_ok(const char *text, size_t len)
{
	const char *p = space(text);

	if (*p != '{' || strlen(text) != len)
		return false;
	p = skip_value(p, 0);
	return p && !*space(p);
}

/* Whether the string at v, unescaped, is text. */
static bool
is(const char *v, const char *text)
{
	char name[64];

	return json_str(v, name, sizeof(name)) >= 0 && !strcmp(name, text);
}

const char *
json_get(const char *obj, const char *key)
{
	const char *p, *v;

	if (!obj || *space(obj) != '{')
		return NULL;
	for (p = space(space(obj) + 1); *p == '"'; p = space(p + 1)) {
		v = skip_string(p);
		v = v ? space(space(v) + 1) : NULL;
		if (!v || is(p, key))
			return v;
		p = skip_value(v, 0);
		p = p ? space(p) : NULL;
		if (!p || *p != ',')
			return NULL;
	}
	return NULL;
}

const char *
json_first(const char *array)
{
	const char *p;

	if (!array || *array != '[')
		return NULL;
	p = space(array + 1);
	return *p == ']' ? NULL : p;
}

const char *
json_next(const char *element)
{
	const char *p = skip_value(element, 0);

	p = p ? space(p) : NULL;
	return p && *p == ',' ? space(p + 1) : NULL;
}

size_t
json_size(const char *v)
{
	return (size_t)(skip_value(v, 0) - v);
}

bool
json_is_str(const char *v)
{
	return v && *v == '"';
}

static size_t
put_utf8(char *out, long c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

long
json_str(const char *v, char *out, size_t size)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	size_t n = 0, used;
	const char *p;

	if (!json_is_str(v))
		return -1;
	for (p = v + 1; *p != '"';) {
		if (n + 5 > size && (n + 2 > size || *p == '\\'))
			return -1;
		if (*p != '\\') {
			out[n++] = *p++;
		} else if (p[1] == 'u') {
			n += put_utf8(out + n, code_point(p + 2, &used));
			p += 2 + used;
		} else {
			const char *f = strchr(from, p[1]);

			out[n++] = f ? to[f - from] : p[1];
			p += 2;
		}
	}
	if (n >= size)
		return -1;
	out[n] = '\0';
	return (long)n;
}

int64_t
json_int(const char *v, int64_t min, int64_t max, int64_t other)
{
	long long n;
	char *end;

	if (!v || (*v != '-' && !isdigit((unsigned char)*v)))
		return other;
	errno = 0;
	n = strtoll(v, &end, 10);
	if (errno || (*end && strchr(".eE", *end)) || n < min || n > max)
		return other;
	return n;
}

bool
json_true(const char *v)
{
	return v && *v == 't';
}

void
json_escape(char *out, size_t size, size_t *len, const char *text)
{
	size_t n = *len;

	for (; *text && n + 7 < size; text++) {
		if (*text == '"' || *text == '\\') {
			out[n++] = '\\';
			out[n++] = *text;
		} else if ((unsigned char)*text < 0x20) {
			n += (size_t)snprintf(out + n, size - n, "\\u%04x",
			    (unsigned char)*text);
		} else {
			out[n++] = *text;
		}
	}
	out[n] = '\0';
	*len = n;
}
