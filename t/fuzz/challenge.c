/* challenge - fuzz what reads WWW-Authenticate headers
 *
 * SPDX-License-Identifier: MIT
 */
#include "../../applets/pull/challenge.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;

/* What is sent on, in a URL, must not be able to end a line. */
static void
plain(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = malloc(size + 1);
	struct challenge c;

	memcpy(text, data, size);
	text[size] = '\0';
	if (!challenge_parse(&c, text))
		return 0;
	if (!c.basic && !(c.bearer && c.realm[0]))
		abort();
	plain(c.realm);
	plain(c.service);
	plain(c.scope);
	return 0;
}
