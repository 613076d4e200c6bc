/* boot.c - fuzz what reads kernel modules and bzImages
 *
 * With clang, from the top of the tree:
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -std=gnu11 \
 *		-D_GNU_SOURCE -DFUZZ -iquote lib -o boot t/fuzz/boot.c && ./boot
 *
 * What is asserted: nothing found lies outside the input.
 */
#include "../../applets/disk/bzimage.c"
#include "../../applets/disk/modinfo.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(bool good)
{
	if (!good)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const keys[] = { "depends", "softdep", "alias" };
	const char *text, *why, *v;
	struct payload p;
	size_t len;

	if (!modinfo_find(data, n, &text, &len)) {
		check((const uint8_t *)text >= data && len <= n);
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			for (size_t pos = 0; (v = modinfo_next(text, len,
			    keys[i], &pos));)
				check(v + strlen(v) < text + len);
	}
	if (!bzimage_payload(data, n, n, &p, &why))
		check(p.off <= n && p.len <= n - p.off);
	return 0;
}
