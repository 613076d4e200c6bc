/* registry - fuzz the JSON that comes from registries and from login files
 *
 * SPDX-License-Identifier: MIT
 *
 * The first byte says as what the rest is read.
 */
#include "../../applets/pull/jsonread.c"
#include "../../applets/pull/login.c"
#include "../../applets/pull/manifest.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;

int
helper_ask(struct login *ret, const char *name, const char *host)
{
	(void)ret;
	(void)name;
	(void)host;
	return 0;
}

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
described(const struct descriptor *d)
{
	check(digest_ok(d->digest) && d->size >= 0 && d->size <= size_max);
	check(!strpbrk(d->type, "\"\\\n "));
}

static void
as_manifest(const char *text, size_t n)
{
	struct manifest m;
	const char *why = NULL;

	if (manifest_read(&m, text, n, "application/vnd.x; y", &why)) {
		check(why);
		return;
	}
	if (m.is_index)
		described(&m.best);
	else
		described(&m.config);
	check(m.n <= LAYERS_MAX);
	for (size_t i = 0; i < m.n; i++)
		described(&m.layers[i]);
	free(m.layers);
}

static void
as_login(const char *text, size_t n)
{
	struct login l = { 0 };
	char *helper = NULL;

	if (login_read(&l, &helper, text, n, "docker.io", "library/a") &&
	    l.user)
		check(l.password);
	free(helper);
	free(l.user);
	free(l.password);
	free(l.identity);
	free(l.token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = NULL;

	if (!size)
		return 0;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (*data & 1)
		as_login(text, size - 1);
	else
		as_manifest(text, size - 1);
	return 0;
}
