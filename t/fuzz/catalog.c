/* catalog - fuzz the reader of catalogs and manifests
 *
 * SPDX-License-Identifier: MIT
 *
 * What it lets through can be used: names that are one component, sizes and
 * digests that are some.
 */
#include "../../applets/bundle/catalog.c"
#define wrong wrong_member
#include "../../applets/bundle/members.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;	/* what msg.c wants, and nobody asks */

static void
plain(const char *name)
{
	if (!*name || *name == '.' || strchr(name, '/'))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), why[WHY];
	struct catalog c;
	cJSON *manifest;

	memcpy(text, data, size);
	text[size] = '\0';
	if (catalog_parse(&c, text, size)) {
		if (!*c.why)
			abort();
	} else {
		for (size_t i = 0; i < c.n; i++) {
			const struct entry *e = &c.entries[i];

			plain(e->name);
			plain(e->arch);
			plain(e->file);
			if (e->size < 1 || e->unpacked < 0 ||
			    strlen(e->sha256) != DIGEST_HEX - 1)
				abort();
		}
		catalog_find(&c, BUNDLE_IMAGE, "web");
		catalog_free(&c);
	}
	if (!manifest_parse(&manifest, text, size, why)) {
		plain(json_text(manifest, "name"));
		cJSON_Delete(manifest);
	}
	free(text);
	return 0;
}
