/* ref - fuzz the names of images: what is accepted means the same again
 *
 * SPDX-License-Identifier: MIT
 */
#include "../../applets/pull/ref.c"
#include "../../lib/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;

static void
check(bool good)
{
	if (!good)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = malloc(size + 1), *again = NULL;
	struct ref a, b;
	const char *why = NULL;
	size_t at = 0;

	memcpy(text, data, size);
	text[size] = '\0';
	if (ref_parse(&a, text, &why, &at)) {
		check(why && at >= 1 && at <= strlen(text) + 1);
		return 0;
	}
	check(name_ok(a.local) && !strstr(a.path, "..") && *a.path != '/');
	check(a.tag[0] || digest_ok(a.digest));
	again = xasprintf("%s/%s%s%s%s%s", a.host, a.path, *a.tag ? ":" : "",
	    a.tag, *a.digest ? "@" : "", a.digest);
	check(!ref_parse(&b, again, &why, &at));
	check(!strcmp(a.host, b.host) && !strcmp(a.path, b.path) &&
	    !strcmp(a.tag, b.tag) && !strcmp(a.digest, b.digest));
	return 0;
}
