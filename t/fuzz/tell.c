/* tell - fuzz what a supervisor reads from a guest's agent, however it is cut
 *
 * SPDX-License-Identifier: MIT
 *
 * What is asserted: it ends once at most, and as it does however the bytes are
 * cut; what it says is a text that fits.
 */
#include "../../lib/tell.c"
#include "../../lib/frame.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;

static char said[2 * TELL_WHY];
static int ends;

static void
done(struct tell *t, enum tell_end how, const char *why)
{
	(void)t;
	ends++;
	if (how == TELL_LOST || (how == TELL_REFUSED) != (*why != '\0') ||
	    strlen(why) >= sizeof(said))
		abort();
	snprintf(said, sizeof(said), "%s", *why ? why : "well");
}

/* What came of it; "" when it would go on. */
static const char *
feed(const uint8_t *data, size_t size, size_t cut)
{
	struct tell t = { .w.fd = -1, .done = done, .frame.answer = true };

	said[0] = '\0';
	ends = 0;
	while (size && !ends) {
		size_t n = size < cut ? size : cut;
		size_t line = skip_line(&t, data, n);

		if ((take(&t, data + line, n - line) == OVER) != (ends == 1))
			abort();
		data += n;
		size -= n;
	}
	return said;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char whole[sizeof(said)];

	snprintf(whole, sizeof(whole), "%s",
	    feed(data, size, size ? size : 1));
	if (strcmp(whole, feed(data, size, 1)) ||
	    strcmp(whole, feed(data, size, 7)))
		abort();
	return 0;
}
