/* pax.c - what a tar stream's extended headers say; see pax.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pax.h"

/* "123.000456"; of "-1.25" the fraction counts backwards too. */
static bool
parse_time(const char *text, struct timespec *ret)
{
	char *end;
	long scale = 100000000;

	errno = 0;
	ret->tv_sec = strtoll(text, &end, 10);
	ret->tv_nsec = 0;
	if (errno || end == text || (*end && *end != '.'))
		return false;
	for (; *end && isdigit((unsigned char)end[1]) && scale; end++) {
		ret->tv_nsec += (end[1] - '0') * scale;
		scale /= 10;
	}
	if (*text == '-' && ret->tv_nsec) {
		ret->tv_sec--;
		ret->tv_nsec = 1000000000 - ret->tv_nsec;
	}
	return true;
}

static bool
parse_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && !errno &&
	    *ret <= INT64_MAX;
}

static bool
keep_name(char *out, const char *value, size_t len)
{
	if (len >= TAR_NAME || memchr(value, '\0', len))
		return false;
	memcpy(out, value, len + 1);
	return true;
}

/* Version 1.0: the map of the pieces is before the content itself. */
static bool
sparse_record(struct pax *x, const char *key, const char *value, size_t len)
{
	if (!strcmp(key, "major"))
		return x->sparse = !strcmp(value, "1");
	if (!strcmp(key, "minor"))
		return !strcmp(value, "0");
	if (!strcmp(key, "realsize"))
		return parse_number(value, &x->v.real_size);
	if (!strcmp(key, "name"))
		return x->has_path = x->has_sparse_path =
		    keep_name(x->path, value, len);
	return false;
}

/* One "key=value", both terminated. */
static bool
pax_record(struct pax *x, const char *key, const char *value, size_t len)
{
	static const char xattr[] = "SCHILY.xattr.";
	uint64_t n = 0;

	if (!strcmp(key, "path")) /* a sparse file's is made up */
		return x->has_sparse_path ||
		    (x->has_path = keep_name(x->path, value, len));
	if (!strcmp(key, "linkpath"))
		return x->has_link = keep_name(x->link, value, len);
	if (!strcmp(key, "mtime"))
		return x->has_mtime = parse_time(value, &x->v.mtime);
	if (!strcmp(key, "size"))
		return x->has_size = parse_number(value, &x->v.size);
	if (!strcmp(key, "uid")) {
		x->has_uid = parse_number(value, &n);
		x->v.uid = (uid_t)n;
		return x->has_uid;
	}
	if (!strcmp(key, "gid")) {
		x->has_gid = parse_number(value, &n);
		x->v.gid = (gid_t)n;
		return x->has_gid;
	}
	if (!strncmp(key, "GNU.sparse.", 11))
		return sparse_record(x, key + 11, value, len);
	if (!strncmp(key, xattr, sizeof(xattr) - 1) &&
	    x->v.n_xattrs < TAR_XATTRS)
		x->v.xattrs[x->v.n_xattrs++] = (struct tar_xattr){
			key + sizeof(xattr) - 1, value, len };
	return true;
}

bool
pax_parse(struct pax *x, char *text, size_t size)
{
	while (size) {
		char *end, *eq;
		size_t len = strtoul(text, &end, 10);

		if (!isdigit((unsigned char)*text) || *end != ' ' ||
		    len > size || len < (size_t)(end - text) + 3 ||
		    text[len - 1] != '\n')
			return false;
		end++;
		text[len - 1] = '\0';
		eq = memchr(end, '=', len - 1 - (size_t)(end - text));
		if (!eq)
			return false;
		*eq++ = '\0';
		if (!pax_record(x, end, eq, (size_t)(text + len - 1 - eq)))
			return false;
		text += len;
		size -= len;
	}
	return true;
}

