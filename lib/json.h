/* json.h - write JSON without building a tree of it first
 *
 *	json_open(&j, NULL, '[');
 *		json_open(&j, NULL, '{');
 *			json_str(&j, "name", "web");
 *			json_num(&j, "vcpu", 2);
 *		json_close(&j, '}');
 *	json_close(&j, ']');
 */
#ifndef BNG_JSON_H
#define BNG_JSON_H

#include <stdbool.h>
#include <stdint.h>

/* Goes to stdout. All zeros is a fresh one; key is NULL inside an array. */
struct json {
	bool more;		/* something is there: a comma comes first */
	int depth;
};

void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);

/* NULL writes null; what is not UTF-8 becomes U+FFFD. */
void json_str(struct json *j, const char *key, const char *text);
void json_num(struct json *j, const char *key, int64_t n);
void json_bool(struct json *j, const char *key, bool yes);

/* With two digits after the point; below 0 it is null. */
void json_real(struct json *j, const char *key, double n);

#endif
