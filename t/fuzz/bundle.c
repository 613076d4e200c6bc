/* bundle - fuzz what may be in a bundle: only its members, in their order
 *
 * SPDX-License-Identifier: MIT
 *
 * Past zstd, the tar as a bundle's reader sees it: the first byte is the kind
 * that is asked for, the check sum of each header is made right.
 */
#include "../../lib/pax.c"
#include "../../lib/tar.c"
#undef bad
#include "../../applets/bundle/members.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *at, *end;
static uint64_t left, all;
static int count;

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

static int
begin(struct members *m, const char *name, uint64_t size)
{
	static const char *const good[] = { "manifest.json", "rootfs.ext4",
		"vmlinux", "initrd", "initrd.first", "modules.ext4" };
	bool known = m->kind == BUNDLE_KERNEL && !strncmp(name, "early/", 6) &&
	    !strstr(name, "/.") && !strstr(name, "//");

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		known |= !strcmp(name, good[i]);
	if (!known || (!count++ && strcmp(name, "manifest.json")))
		abort();
	left = size;
	all += size;
	if (all > m->max || (!strcmp(name, "manifest.json") &&
	    size > MANIFEST_MAX))
		abort();
	return 0;
}

static int
data(struct members *m, const uint8_t *p, size_t n)
{
	(void)m;
	__asm__ volatile("" : : "r"(p[0] + p[n - 1]));
	if (n > left)
		abort();
	left -= n;
	return 0;
}

static int
finish(struct members *m)
{
	(void)m;
	if (left)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static struct tar_in t;
	struct members m = { .kind = BUNDLE_ANY, .max = 1 << 20,
		.begin = begin, .data = data, .end = finish };
	uint8_t *copy_of;

	if (!size)
		return 0;
	m.kind = (enum bundle_kind)(*input % 3 - 1);
	copy_of = malloc(size);
	memcpy(copy_of, input + 1, --size);
	for (size_t i = 0; i + TAR_BLOCK <= size; i += TAR_BLOCK)
		mend(copy_of + i);
	tar_release(&t);
	t.read = give;
	t.error = NULL;
	at = copy_of;
	end = copy_of + size;
	all = 0;
	count = 0;
	if (members_read(&m, &t)) {
		if (!m.why[0] && !t.error)
			abort();
	} else if (count < 2) {
		abort();
	}
	free(copy_of);
	return 0;
}
