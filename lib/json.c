/* json.c - write JSON; see json.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "json.h"
#include "utf8.h"

static void
quote(const char *text)
{
	const char *was = text;
	int c;

	putchar('"');
	while ((c = utf8_next(&text))) {
		if (c < 0)
			fputs("\\ufffd", stdout);
		else if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			printf("\\u%04x", (unsigned)c);
		else
			fwrite(was, 1, (size_t)(text - was), stdout);
		was = text;
	}
	putchar('"');
}

/* The comma, the line for an element of the outermost array, the key. */
static void
begin(struct json *j, const char *key)
{
	if (j->more)
		putchar(',');
	if (j->depth == 1)
		putchar('\n');
	if (key) {
		quote(key);
		putchar(':');
	}
	j->more = true;
}

void
json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	putchar(bracket);
	j->more = false;
	j->depth++;
}

void
json_close(struct json *j, char bracket)
{
	j->depth--;
	if (!j->depth && j->more)
		putchar('\n');
	putchar(bracket);
	j->more = true;
	if (!j->depth)
		putchar('\n');
}

void
json_str(struct json *j, const char *key, const char *text)
{
	begin(j, key);
	if (text)
		quote(text);
	else
		fputs("null", stdout);
}

void
json_num(struct json *j, const char *key, int64_t n)
{
	begin(j, key);
	printf("%lld", (long long)n);
}

void
json_bool(struct json *j, const char *key, bool yes)
{
	begin(j, key);
	fputs(yes ? "true" : "false", stdout);
}

void
json_real(struct json *j, const char *key, double n)
{
	if (n < 0) {
		json_str(j, key, NULL);
		return;
	}
	begin(j, key);
	printf("%.2f", n);
}
