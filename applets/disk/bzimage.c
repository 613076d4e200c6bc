/* bzimage.c - the ELF kernel inside a bzImage
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/arch/x86/boot.html
 *
 * The setup header (protocol 2.08 and later) says where the compressed kernel
 * lies. But for gzip, which has it already, the build appends its size.
 */
#include <elf.h>
#include <endian.h>
#include <sys/mman.h>

#include "disk.h"
#include "lazy.h"

enum {
	HEAD = 0x250,		/* up to payload_length's end */
	KERNEL_MAX = 1 << 30,	/* uncompressed */
};

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

int
bzimage_payload(const uint8_t *head, size_t n, uint64_t total,
    struct payload *ret_p, const char **ret_why)
{
	uint64_t setup, off, len;

	*ret_why = "it is not a bzImage";
	if (n < HEAD || head[0x1fe] != 0x55 || head[0x1ff] != 0xaa ||
	    memcmp(head + 0x202, "HdrS", 4))
		return -EBADMSG;
	*ret_why = "its boot protocol is older than 2.08";
	if ((head[0x206] | head[0x207] << 8) < 0x208)
		return -EBADMSG;
	/* No setup sectors means four, a custom older than the protocol. */
	setup = ((head[0x1f1] ? head[0x1f1] : 4) + 1) * UINT64_C(512);
	off = setup + get32(head + 0x248);
	len = get32(head + 0x24c);
	*ret_why = "its payload lies outside the file";
	if (len < 8 || off > total || len > total - off)
		return -EBADMSG;
	*ret_p = (struct payload){ .off = (size_t)off, .len = (size_t)len };
	return 0;
}

#ifndef FUZZ

/* gzip's own size field is its last; all others have one appended. */
static void
trim_payload(const uint8_t *file, struct payload *p)
{
	const uint8_t *data = file + p->off;

	p->size = get32(data + p->len - 4);
	if (data[0] != 0x1f || data[1] != 0x8b)
		p->len -= 4;
}

static void
unpack(const uint8_t *data, size_t n, struct output *o, const char *path,
    uint64_t *ret_size)
{
	struct archive *a = reader_new();
	struct archive_entry *e;
	const void *buf;
	size_t len;
	int64_t off;
	int r;

	if (archive_read_support_format_raw(a) ||
	    archive_read_open_memory(a, data, n) ||
	    archive_read_next_header(a, &e))
		die("cannot unpack '%s': %s", path, archive_error_string(a));
	*ret_size = 0;
	while (!(r = archive_read_data_block(a, &buf, &len, &off))) {
		if (!*ret_size && (len < SELFMAG ||
		    memcmp(buf, ELFMAG, SELFMAG)))
			die("cannot unpack '%s': there is no ELF file in it",
			    path);
		*ret_size += len;
		if (*ret_size > KERNEL_MAX)
			die("cannot unpack '%s': it is larger than 1 GiB",
			    path);
		xwrite(o->fd, buf, len, o->path);
	}
	if (r != ARCHIVE_EOF)
		die("cannot unpack '%s': %s", path, archive_error_string(a));
	archive_read_free(a);
}

/* The ELF file in the bzImage, or the file itself. */
static void
take(struct output *o, const uint8_t *file, uint64_t n, const char *path)
{
	const char *why = "it is not a bzImage";
	struct payload p;
	uint64_t size;

	if (!file || bzimage_payload(file, n, n, &p, &why))
		die("cannot unpack '%s': %s", path, why);
	trim_payload(file, &p);
	unpack(file + p.off, p.len, o, path, &size);
	if ((uint32_t)size != p.size)
		die("cannot unpack '%s': it holds %llu bytes and promises %lu",
		    path, (unsigned long long)size, (unsigned long)p.size);
}

/* NULL when there are fewer bytes than any kernel has. */
static const uint8_t *
map(int fd, const char *path, uint64_t *ret_n)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st))
		die_sys("cannot read '%s'", path);
	*ret_n = (uint64_t)st.st_size;
	if (st.st_size < HEAD)
		return NULL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		die_sys("cannot read '%s'", path);
	return p;
}

static void
check(const struct output *o, const char *path)
{
	uint64_t n;
	const uint8_t *elf = map(o->fd, path, &n);
	const char *why = "it is too small";

	if (!elf || pvh_check(elf, n, &why))
		die("cannot boot '%s': %s", path, why);
}

int
vmlinux_main(int argc, char *argv[])
{
	bool pvh = false;
	const uint8_t *file;
	struct output out;
	const char *path;
	uint64_t n;
	autoclose int fd = -1;
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "+:p")) != -1)
		if (c == 'p')
			pvh = true;
		else
			bad_option(c);
	if (optind + 2 != argc)
		die_usage("vmlinux needs a bzImage and an output");
	path = argv[optind];
	fd = xopen(path, O_RDONLY, 0);
	file = map(fd, path, &n);
	output_open(&out, argv[optind + 1], 0666);
	if (pvh && file && !memcmp(file, ELFMAG, SELFMAG))
		xwrite(out.fd, file, n, out.path);
	else
		take(&out, file, n, path);
	if (pvh)
		check(&out, path);
	output_commit(&out);
	return EXIT_YES;
}

#endif
