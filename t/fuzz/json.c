/* json - fuzz the agent's JSON: what is checked can be walked
 *
 * SPDX-License-Identifier: MIT
 */
#include "../../guest/agent/json.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "a", "argv", "op", "\n" };
	char *text = malloc(size + 1), *out = malloc(size + 8);

	memcpy(text, data, size);
	text[size] = '\0';
	if (json_ok(text, size)) {
		for (size_t i = 0; i < 4; i++) {
			const char *v = json_get(text, keys[i]);

			json_str(v, out, size + 8);
			json_str(v, out, size > 3 ? 3 : size);
			json_int(v, 0, 1000, -1);
			for (v = json_first(v); v; v = json_next(v))
				if (json_str(v, out, size + 8) >= (long)size)
					abort();
		}
	}
	free(text);
	free(out);
	return 0;
}
