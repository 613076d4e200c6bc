/* tarout.c - write a tar stream; see tarout.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "tarout.h"

enum { TAR_BLOCK = 512 };

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8];
	char type, link[100], magic[8], uname[32], gname[32], rest[183];
};

_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is a block");

static const char zeros[2 * TAR_BLOCK];

static void
put(int fd, const void *p, size_t n)
{
	xwrite(fd, p, n, "the tar stream");
}

/* Octal digits and a NUL; where they do not suffice, 64 bits, as GNU does. */
static void
number(char *field, int width, int64_t n)
{
	if (n >= 0 && n < INT64_C(1) << 3 * (width - 1)) {
		snprintf(field, (size_t)width, "%0*llo", width - 1,
		    (unsigned long long)n);
		return;
	}
	memset(field, n < 0 ? 0xff : 0, (size_t)width);
	field[0] = (char)(n < 0 ? 0xff : 0x80);
	for (int i = width - 1; i >= width - 8; i--, n >>= 8)
		field[i] = (char)n;
}

static void
head(int fd, const char *path, char type, mode_t mode, int64_t size,
    int64_t mtime)
{
	struct header h = { .type = type, .magic = "ustar  " };
	unsigned sum = 0;
	size_t n = strlen(path);

	memcpy(h.name, path, n < sizeof(h.name) ? n : sizeof(h.name));
	number(h.mode, sizeof(h.mode), mode & 0777);
	number(h.uid, sizeof(h.uid), 0);
	number(h.gid, sizeof(h.gid), 0);
	number(h.size, sizeof(h.size), size);
	number(h.mtime, sizeof(h.mtime), mtime);
	memset(h.sum, ' ', sizeof(h.sum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((const unsigned char *)&h)[i];
	snprintf(h.sum, sizeof(h.sum), "%06o", sum);
	put(fd, &h, sizeof(h));
}

void
xtar_entry(int fd, const char *path, char type, mode_t mode, int64_t size,
    int64_t mtime)
{
	size_t n = strlen(path);

	if (n >= sizeof(((struct header *)0)->name)) {
		head(fd, "././@LongLink", 'L', 0, (int64_t)n + 1, 0);
		put(fd, path, n + 1);
		xtar_pad(fd, (int64_t)n + 1);
	}
	head(fd, path, type, mode, size, mtime);
}

void
xtar_pad(int fd, int64_t size)
{
	put(fd, zeros, (size_t)(-size & (TAR_BLOCK - 1)));
}

void
xtar_end(int fd)
{
	put(fd, zeros, sizeof(zeros));
}
