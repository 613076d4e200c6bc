/* get.c - write a file, or what is in a directory, to stdout as a tar stream
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "json.h"
#include "loop.h"
#include "ops.h"

static void
cannot_read(const char *path)
{
	complain("cannot read '%s': %s", path, strerror(errno));
}

int
get_run(const char *request)
{
	static struct archive a;
	static char path[TAR_NAME];

	loop_yield();
	a.out.fd = STDOUT_FILENO;
	a.complain = cannot_read;
	json_str(json_get(request, "path"), path, sizeof(path));
	return archive_tree(&a, path, !json_true(json_get(request, "link")));
}
