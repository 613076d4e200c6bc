/* dest.c - where a copy goes; see dest.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "dest.h"

enum { DIR_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC };

static int
refuse(char *why, size_t size, const char *path, const char *text)
{
	snprintf(why, size, "'%s': %s", path, text);
	return -1;
}

/* A directory called name in the one that is open: it, made if need be. */
static int
into(struct dest *d, const char *name)
{
	autoclose int above = d->dir;

	d->dir = -1;
	if (!mkdirat(above, name, 0700))
		d->made = true;
	else if (errno != EEXIST)
		return -1;
	/* A link there is the person's own: cp would not follow it either. */
	d->dir = openat(above, name, DIR_FLAGS | O_NOFOLLOW);
	return d->dir < 0 ? -1 : 0;
}

/* What is to become of path does not exist: it is to be made in there. */
static int
above(struct dest *d, const char *path, bool is_dir)
{
	size_t len = strlen(path);
	char dir[4096];
	const char *name;

	while (len && path[len - 1] == '/')
		len--;
	if (len >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(dir, path, len);
	dir[len] = '\0';
	name = strrchr(dir, '/');
	name = name ? name + 1 : dir;
	if (strlen(name) >= sizeof(d->name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(d->name, sizeof(d->name), "%.255s", name);
	dir[name - dir] = '\0';
	d->dir = open(*dir ? dir : ".", DIR_FLAGS);
	if (d->dir < 0 || !is_dir)
		return d->dir < 0 ? -1 : 0;
	if (into(d, d->name))
		return -1;
	d->name[0] = '\0';
	return 0;
}

int
dest_find(struct dest *d, const char *path, const char *name,
    bool is_dir, char *why, size_t size)
{
	struct stat st;
	size_t len = strlen(path);
	bool slash = len && path[len - 1] == '/';

	d->name[0] = '\0';
	d->made = false;
	if (!*path)
		return refuse(why, size, path, strerror(ENOENT));
	d->dir = open(path, DIR_FLAGS);
	if (d->dir >= 0) {
		if (!is_dir)
			snprintf(d->name, sizeof(d->name), "%.255s", name);
		else if (*name && into(d, name))
			return refuse(why, size, name, strerror(errno));
		return 0;
	}
	if (errno == ENOTDIR && is_dir)
		return refuse(why, size, path,
		    "a directory cannot replace what is there");
	if ((errno == ENOENT || errno == ENOTDIR) && slash && !is_dir)
		return refuse(why, size, path, "there is no such directory");
	if (errno == ENOENT && !lstat(path, &st) && is_dir)
		return refuse(why, size, path, "it is a link to nowhere");
	if ((errno != ENOENT && errno != ENOTDIR) || above(d, path, is_dir))
		return refuse(why, size, path, errno == ENOENT ?
		    "there is no directory to put it into" : strerror(errno));
	return 0;
}
