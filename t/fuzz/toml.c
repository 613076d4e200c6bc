/* toml - fuzz the TOML reader: what it makes can be walked, within bounds
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "../../lib/toml.c"
#include "../../lib/tomlnum.c"
#include "../../lib/tomltext.c"
#include "../../lib/utf8.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte that was kept, every value once. */
static size_t
walk(const struct toml *v, size_t *bytes)
{
	size_t n = 1;

	if (v->key && v->key[v->key_len])
		abort();
	*bytes += v->key ? v->key_len + 1 : 0;
	if (v->type > TOML_ARRAY && v->text) {
		if (v->text[v->len] || (v->type != TOML_STRING &&
		    strlen(v->text) != v->len))
			abort();
		*bytes += v->len + 1;
	}
	for (const struct toml *e = v->first; e; e = e->next)
		n += walk(e, bytes);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct toml_error e = { 0 };
	struct toml_doc *doc;
	size_t bytes = 0;

	memcpy(text, data, size);
	text[size] = '\0';
	if (!toml_parse(text, size, &doc, &e)) {
		if (walk(toml_root(doc), &bytes) > TOML_VALUES + 1)
			abort();
		toml_free(doc);
	} else if (!e.line || !*e.why) {
		abort();
	}
	free(text);
	return 0;
}
