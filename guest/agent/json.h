/* json.h - just enough JSON, read in place
 *
 * A text is checked once as a whole; after that a value is the address of its
 * first byte, and looking one up is a scan. Nothing is allocated. Strings are
 * bytes: what is not ASCII passes through as it came, valid UTF-8 or not; a
 * NUL is refused, since no C string could hold it.
 */
#ifndef AGENT_JSON_H
#define AGENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether NUL-terminated text of len bytes is one object. */
bool json_ok(const char *text, size_t len);

/* The value of a key of an object, or NULL. */
const char *json_get(const char *obj, const char *key);

/* The elements of an array: NULL for what is none; then the one after. */
const char *json_first(const char *array);
const char *json_next(const char *element);

/* How many bytes of text a value is. */
size_t json_size(const char *v);

/* Whether it is a string. */
bool json_is_str(const char *v);

/*
 * A string, unescaped, into out. Its length, or -1 when it is no string or
 * needs more than size bytes with its NUL. out may be where v itself is.
 */
long json_str(const char *v, char *out, size_t size);

/* A whole number in [min, max], else (also for NULL) other. */
int64_t json_int(const char *v, int64_t min, int64_t max, int64_t other);

bool json_true(const char *v);

/*
 * Append text to out, from *len on, as the inside of a string; what does not
 * fit into size is left away.
 */
void json_escape(char *out, size_t size, size_t *len, const char *text);

#endif
