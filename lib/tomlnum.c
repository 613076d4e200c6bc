/* tomlnum.c - numbers, booleans and times of TOML; see tomlread.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tomlread.h"

#define DIGITS "0123456789"

/* A word that is being looked at, and where. */
struct word {
	const char *p;
	size_t len;
};

static bool
is(const struct word *w, const char *text)
{
	return w->len == strlen(text) && !memcmp(w->p, text, w->len);
}

static bool
bad(struct toml_reader *r, const struct word *w, const char *why)
{
	return toml_bad(r, "'%.*s' is no value: %s",
	    (int)(w->len < 60 ? w->len : 60), w->p, why);
}

/* So many digits at *p as a number; -1 when there are not. */
static int
digits(const char **p, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		value = value * 10 + (**p - '0');
	}
	return value;
}

static bool
after(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool
date(const char **p)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	int y, m, d, last;

	y = digits(p, 4);
	if (y < 0 || !after(p, '-') || (m = digits(p, 2)) < 1 || m > 12 ||
	    !after(p, '-') || (d = digits(p, 2)) < 1)
		return false;
	last = days[m - 1];
	if (m == 2 && y % 4 == 0 && (y % 100 || y % 400 == 0))
		last++;
	return d <= last;
}

static bool
clock_time(const char **p)
{
	int h, m, s;

	if ((h = digits(p, 2)) < 0 || h > 23 || !after(p, ':') ||
	    (m = digits(p, 2)) < 0 || m > 59 || !after(p, ':') ||
	    (s = digits(p, 2)) < 0 || s > 60)
		return false;
	if (!after(p, '.'))
		return true;
	m = (int)strspn(*p, DIGITS);
	*p += m;
	return m > 0;
}

static bool
offset(const char **p)
{
	int h, m;

	if (after(p, 'Z') || after(p, 'z'))
		return true;
	if (!after(p, '+') && !after(p, '-'))
		return false;
	return (h = digits(p, 2)) >= 0 && h < 24 && after(p, ':') &&
	    (m = digits(p, 2)) >= 0 && m < 60;
}

/* RFC 3339 has a T and a Z, where people also write a blank, t and z. */
static bool
keep_time(struct toml_reader *r, struct toml *v, const struct word *w,
    enum toml_type type)
{
	char *text = memcpy(r->pool, w->p, w->len);

	v->type = type;
	v->text = text;
	v->len = w->len;
	if (w->len > 10 && type != TOML_TIME_LOCAL)
		text[10] = 'T';
	if (text[w->len - 1] == 'z')
		text[w->len - 1] = 'Z';
	text[w->len] = '\0';
	r->pool += w->len + 1;
	return true;
}

static bool
moment(struct toml_reader *r, struct toml *v, const struct word *w)
{
	const char *p = w->p, *end = w->p + w->len;

	if (w->p[2] == ':')
		return clock_time(&p) && p == end ?
		    keep_time(r, v, w, TOML_TIME_LOCAL) :
		    bad(r, w, "no such time of day");
	if (!date(&p))
		return bad(r, w, "no such date");
	if (p == end)
		return keep_time(r, v, w, TOML_DATE_LOCAL);
	if ((!after(&p, 'T') && !after(&p, 't') && !after(&p, ' ')) ||
	    !clock_time(&p))
		return bad(r, w, "no such date and time");
	if (p == end)
		return keep_time(r, v, w, TOML_DATETIME_LOCAL);
	return offset(&p) && p == end ? keep_time(r, v, w, TOML_DATETIME) :
	    bad(r, w, "no such date and time");
}

/*
 * Copy digits to *out without the underscores, each of which must be between
 * two; the number of digits, 0 when that is not so.
 */
static size_t
take_digits(const char **p, const char *set, char **out)
{
	size_t n = 0;

	while (**p && (strchr(set, **p) || **p == '_')) {
		if (**p == '_' && (!n || (*p)[-1] == '_' || !(*p)[1] ||
		    !strchr(set, (*p)[1])))
			return 0;
		if (**p != '_') {
			*(*out)++ = **p;
			n++;
		}
		(*p)++;
	}
	return n;
}

static bool
keep_integer(struct toml_reader *r, struct toml *v, const struct word *w,
    const char *text, int base)
{
	v->type = TOML_INTEGER;
	errno = 0;
	v->integer = strtoll(text, NULL, base);
	return !errno || bad(r, w, "an integer has 64 bits");
}

/* 0x, 0o or 0b: no sign, and zeros in front are fine. */
static bool
based(struct toml_reader *r, struct toml *v, const struct word *w)
{
	const char *p = w->p + 2, *set = "01";
	char *out = r->pool;
	int base = 2;

	if (w->p[1] == 'x') {
		set = DIGITS "abcdefABCDEF";
		base = 16;
	} else if (w->p[1] == 'o') {
		set = "01234567";
		base = 8;
	}
	if (!take_digits(&p, set, &out) || p != w->p + w->len)
		return bad(r, w, "no such number");
	*out = '\0';
	return keep_integer(r, v, w, r->pool, base);
}

/* The whole part of a number: no zero in front of other digits. */
static bool
whole(const char **p, char **out)
{
	const char *began;

	if (**p == '+' || **p == '-')
		*(*out)++ = *(*p)++;
	began = *p;
	return take_digits(p, DIGITS, out) && (*began != '0' ||
	    *p == began + 1);
}

static bool
number(struct toml_reader *r, struct toml *v, const struct word *w)
{
	const char *p = w->p, *end = w->p + w->len;
	char *out = r->pool;

	if (!whole(&p, &out))
		return bad(r, w, strchr(DIGITS "+-.", *w->p) ?
		    "no such number" : "a number, a time, true, false or a "
		    "text in quotes is wanted");
	if (p == end) {
		*out = '\0';
		return keep_integer(r, v, w, r->pool, 10);
	}
	if (after(&p, '.')) {
		*out++ = '.';
		if (!take_digits(&p, DIGITS, &out))
			return bad(r, w, "a digit is wanted on each side of "
			    "the point");
	}
	if (after(&p, 'e') || after(&p, 'E')) {
		*out++ = 'e';
		if (*p == '+' || *p == '-')
			*out++ = *p++;
		if (!take_digits(&p, DIGITS, &out))
			return bad(r, w, "no such exponent");
	}
	if (p != end)
		return bad(r, w, "no such number");
	*out = '\0';
	v->type = TOML_FLOAT;
	v->real = strtod(r->pool, NULL);
	return true;
}

/* inf and nan with a sign or without one; false when it is neither. */
static bool
special(struct toml *v, const struct word *w)
{
	bool sign = *w->p == '+' || *w->p == '-';
	struct word rest = { w->p + sign, w->len - sign };

	if (!is(&rest, "inf") && !is(&rest, "nan"))
		return false;
	v->type = TOML_FLOAT;
	v->real = is(&rest, "inf") ? __builtin_inf() : __builtin_nan("");
	if (*w->p == '-')
		v->real = -v->real;
	return true;
}

bool
toml_plain(struct toml_reader *r, struct toml *v)
{
	struct word w = { r->p, strcspn(r->p, " \t\r\n,]}#=") };

	if (!w.len)
		return toml_odd(r, "a value is wanted");
	/* A date, one blank, a time. */
	if (w.len == 10 && w.p[4] == '-' && w.p[10] == ' ' &&
	    strspn(w.p + 11, DIGITS) == 2 && w.p[13] == ':')
		w.len = 11 + strcspn(r->p + 11, " \t\r\n,]}#=");
	r->p += w.len;
	v->type = TOML_BOOLEAN;
	v->yes = is(&w, "true");
	if (v->yes || is(&w, "false") || special(v, &w))
		return true;
	if (w.len > 4 && ((w.p[4] == '-' && strspn(w.p, DIGITS) == 4) ||
	    (w.p[2] == ':' && strspn(w.p, DIGITS) == 2)))
		return moment(r, v, &w);
	if (w.len > 2 && *w.p == '0' && strchr("xob", w.p[1]))
		return based(r, v, &w);
	return number(r, v, &w);
}
