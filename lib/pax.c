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

/*
 * Version 0.0 has a record for each number. They are joined where they lie,
 * for what they leave out is longer than the comma; so nothing else may lie
 * between them.
 */
static bool
join_map(struct pax *x, char *record, const char *value, size_t len)
{
	if (!x->map_at) {
		x->sparse_map = x->map_at = x->map_end = record;
		x->sparse = true;
	}
	if (record != x->map_end || memchr(value, '\0', len))
		return false;
	memmove(x->map_at, value, len);
	x->map_at += len;
	*x->map_at = '\0';
	/* The comma is written when another number follows. */
	return true;
}

/* An older version's; 1.0 has its map before the content itself. */
static bool
sparse_record(struct pax *x, char *record, const char *key, const char *value,
    size_t len)
{
	if (!strcmp(key, "major"))
		return x->sparse = x->sparse_v1 = !strcmp(value, "1");
	if (!strcmp(key, "minor"))
		return !strcmp(value, "0");
	if (!strcmp(key, "realsize") || !strcmp(key, "size"))
		return parse_number(value, &x->v.real_size);
	if (!strcmp(key, "name"))
		return x->has_path = x->has_sparse_path =
		    keep_name(x->path, value, len);
	if (!strcmp(key, "numblocks"))
		return true;	/* as many as there are */
	if (!strcmp(key, "map")) {
		x->sparse_map = value;
		return x->sparse = !x->map_at && strlen(value) == len;
	}
	if (strcmp(key, "offset") && strcmp(key, "numbytes"))
		return false;
	if (x->map_at && x->map_at < record)
		*x->map_at++ = ',';
	return join_map(x, record, value, len);
}

static bool
keep_xattr(struct pax *x, const char *name, const char *value, size_t len)
{
	if (x->v.n_xattrs == TAR_XATTRS)
		return false;
	x->v.xattrs[x->v.n_xattrs++] = (struct tar_xattr){ name, value, len };
	return true;
}

static bool
keep_id(bool *ret_has, uint32_t *ret, const char *value)
{
	uint64_t n;

	*ret_has = parse_number(value, &n) && n <= UINT32_MAX;
	*ret = (uint32_t)n;
	return *ret_has;
}

/* One "key=value", both terminated, and where the record begins. */
static bool
pax_record(struct pax *x, char *record, const char *key, const char *value,
    size_t len)
{
	static const char xattr[] = "SCHILY.xattr.";

	if (!strcmp(key, "path")) /* a sparse file's is made up */
		return x->has_sparse_path ||
		    (x->has_path = keep_name(x->path, value, len));
	if (!strcmp(key, "linkpath"))
		return x->has_link = keep_name(x->link, value, len);
	if (!strcmp(key, "mtime"))
		return x->has_mtime = parse_time(value, &x->v.mtime);
	if (!strcmp(key, "atime"))
		return x->has_atime = parse_time(value, &x->v.atime);
	if (!strcmp(key, "size"))
		return x->has_size = parse_number(value, &x->v.size);
	if (!strcmp(key, "uid"))
		return keep_id(&x->has_uid, &x->v.uid, value);
	if (!strcmp(key, "gid"))
		return keep_id(&x->has_gid, &x->v.gid, value);
	if (!strncmp(key, "GNU.sparse.", 11))
		return sparse_record(x, record, key + 11, value, len);
	if (!strncmp(key, xattr, sizeof(xattr) - 1))
		return keep_xattr(x, key + sizeof(xattr) - 1, value, len);
	if (!strcmp(key, "RHT.security.selinux"))
		return keep_xattr(x, key + 4, value, len);
	if (!strcmp(key, "SCHILY.acl.access"))
		x->v.acl = value;
	if (!strcmp(key, "SCHILY.acl.default"))
		x->v.default_acl = value;
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
		if (!pax_record(x, text, end, eq,
		    (size_t)(text + len - 1 - eq)))
			return false;
		if (x->map_end == text)
			x->map_end = text + len;
		text += len;
		size -= len;
	}
	return true;
}

