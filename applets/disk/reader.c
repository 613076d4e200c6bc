/* reader.c - bytes out of whatever compressed them
 *
 * SPDX-License-Identifier: MIT
 */
#include "disk.h"
#include "lazy.h"

struct archive *
reader_new(void)
{
	struct archive *a;

	lazy_archive();
	a = archive_read_new();
	/* Not all filters: some run a program that the data asks for. */
	if (!a || archive_read_support_filter_gzip(a) ||
	    archive_read_support_filter_xz(a) ||
	    archive_read_support_filter_lzma(a) ||
	    archive_read_support_filter_zstd(a) ||
	    archive_read_support_filter_lz4(a) ||
	    archive_read_support_filter_bzip2(a))
		die("cannot uncompress: libarchive lacks a compression");
	return a;
}

uint8_t *
reader_file(const char *path, size_t max, size_t *ret_n)
{
	struct archive *a = reader_new();
	struct archive_entry *e;
	size_t size = 1 << 16, n = 0;
	uint8_t *buf = xmalloc(size);
	la_ssize_t got;

	if (archive_read_support_format_raw(a) ||
	    archive_read_support_format_empty(a) ||
	    archive_read_open_filename(a, path, 1 << 17))
		die("cannot read '%s': %s", path, archive_error_string(a));
	if (archive_read_next_header(a, &e) != ARCHIVE_OK)
		die("cannot read '%s': it is empty or damaged", path);
	while ((got = archive_read_data(a, buf + n, size - n)) > 0) {
		n += (size_t)got;
		if (n > max)
			die("cannot read '%s': it is larger than %zu MiB",
			    path, max >> 20);
		if (n == size) {
			size *= 2;
			buf = xrealloc(buf, size);
		}
	}
	if (got < 0)
		die("cannot read '%s': %s", path, archive_error_string(a));
	archive_read_free(a);
	*ret_n = n;
	return buf;
}
