/* forwards.c - which ports are forwarded; see forwards.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "dirs.h"
#include "forwards.h"
#include "names.h"
#include "proc.h"

static bool
is_number(const char *name)
{
	return *name && !name[strspn(name, "0123456789")];
}

/* The records' directory; -1: there is none. */
static int
open_all(int vmfd)
{
	return openat(vmfd, "forwards", O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
}

char *
forwards_begin(int vmfd)
{
	autofree char *dir = NULL, *path = NULL;
	autoclose int all = -1;
	char name[24];

	snprintf(name, sizeof(name), "%ld", (long)getpid());
	if (mkdirat(vmfd, "forwards", 0700) && errno != EEXIST)
		return NULL;
	all = open_all(vmfd);
	if (all < 0)
		return NULL;
	dir = xfd_path(all);
	path = xasprintf("%s/%s", dir, name);
	undo_unlink(path);
	return proc_save(all, name, getpid()) ? NULL : steal(&path);
}

void
forwards_add(const char *record, const char *address, uint16_t host,
    uint16_t guest)
{
	autofclose FILE *f = record ? fopen(record, "ae") : NULL;

	if (f)
		fprintf(f, "%s %d %d\n", address, host, guest);
}

static bool
find_in(int all, const char *name, uint16_t guest, char *buf, size_t size)
{
	char line[128], address[64];
	int host, port;
	bool found = false;
	autoclose int fd = openat(all, name, O_RDONLY | O_NOFOLLOW |
	    O_CLOEXEC | O_NONBLOCK);
	autofclose FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f)
		return false;
	steal_fd(&fd);
	while (!found && fgets(line, sizeof(line), f)) {
		found = sscanf(line, "%63s %d %d", address, &host, &port) == 3
		    && port == guest;
		if (found)
			snprintf(buf, size, "%s:%d", address, host);
	}
	return found;
}

const char *
forwards_find(int vmfd, uint16_t guest, char *buf, size_t size)
{
	autoclose int all = open_all(vmfd);
	autofree char *path = NULL;
	struct names n = { 0 };

	if (all < 0)
		return NULL;
	path = xfd_path(all);
	names_read(&n, path, is_number);
	for (size_t i = 0; i < n.count; i++) {
		if (proc_load(all, n.name[i]) <= 0)
			unlinkat(all, n.name[i], 0);
		else if (find_in(all, n.name[i], guest, buf, size))
			return buf;
	}
	return NULL;
}
