/* tar - fuzz the tar reader: every byte of every member
 *
 * SPDX-License-Identifier: MIT
 *
 * The check sum of each header is made right first, or nothing would get past
 * it.
 */
#include "../../lib/pax.c"
#include "../../lib/tar.c"
#include "../../lib/tarsparse.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *at, *end;

static ssize_t
give(void *ctx, void *buf, size_t size)
{
	size_t n = (size_t)(end - at);

	(void)ctx;
	if (n > size)
		n = size;
	if (n > 700)
		n = 700; /* pieces that end anywhere */
	memcpy(buf, at, n);
	at += n;
	return (ssize_t)n;
}

static void
mend(uint8_t *h)
{
	unsigned int sum = 0;

	memset(h + SUM, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	for (int i = 5; i >= 0; i--, sum >>= 3)
		h[SUM + i] = (uint8_t)('0' + (sum & 7));
	h[SUM + 6] = '\0';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tar_in t;
	static struct tar_entry e;
	uint8_t *copy_of = malloc(size + 1);
	const uint8_t *p;

	memcpy(copy_of, data, size);
	for (size_t i = 0; i + TAR_BLOCK <= size; i += TAR_BLOCK)
		mend(copy_of + i);
	tar_release(&t);
	t.read = give;
	at = copy_of;
	end = copy_of + size;
	while (tar_next(&t, &e) > 0) {
		size_t sum = 0;
		char *name = tar_clean(e.path);

		if (!tar_climbs(name) && (*name == '/' || !strcmp(name, "..")))
			abort();
		if (e.mtime.tv_nsec < 0 || e.mtime.tv_nsec > 999999999)
			abort();
		for (size_t i = 0; i < e.n_xattrs; i++)
			sum += strlen(e.xattrs[i].name) +
			    e.xattrs[i].value[e.xattrs[i].len];
		while (tar_data(&t, &p) > 0)
			sum += *p;
		__asm__ volatile("" : : "r"(sum));
	}
	free(copy_of);
	return 0;
}
