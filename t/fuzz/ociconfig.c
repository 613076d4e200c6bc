/* ociconfig - fuzz what an image says about how to run it
 *
 * SPDX-License-Identifier: MIT
 *
 * What is asserted: what was taken once is taken again, the same; it is
 * bounded, and its directory is absolute.
 */
#include "../../lib/ociconfig.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;

static void
check(const cJSON *config)
{
	const cJSON *cwd = cJSON_GetObjectItem(config, "cwd");
	char *one = cJSON_PrintUnformatted(config), *two;
	char why[OCICONFIG_WHY];
	cJSON *again;

	if (strlen(one) > OCICONFIG_MAX || (cwd && *cwd->valuestring != '/'))
		abort();
	if (ociconfig_take(config, &again, why))
		abort();
	two = cJSON_PrintUnformatted(again);
	if (strcmp(one, two))
		abort();
	free(one);
	free(two);
	cJSON_Delete(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char why[OCICONFIG_WHY] = "";
	cJSON *config;
	int r;

	memcpy(text, data, size);
	text[size] = '\0';
	r = parse(text, size, &config, why);
	if (r && !*why)
		abort();
	if (!r) {
		check(config);
		cJSON_Delete(config);
	}
	free(text);
	return 0;
}
