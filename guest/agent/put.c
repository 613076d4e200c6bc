/* put.c - extract the tar stream on stdin below a directory
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "extract.h"
#include "json.h"
#include "mount.h"
#include "ops.h"

static ssize_t
from_stdin(void *ctx, void *buf, size_t size)
{
	ssize_t n;

	(void)ctx;
	do
		n = read(STDIN_FILENO, buf, size);
	while (n < 0 && errno == EINTR);
	return n;
}

int
put_run(const char *request)
{
	static struct tar_in t;
	static uint8_t rest[65536];
	static char path[TAR_NAME], as[256];
	struct extract x = { .path = path, .t = &t };

	t.read = from_stdin;
	json_str(json_get(request, "path"), path, sizeof(path));
	if (json_str(json_get(request, "as"), as, sizeof(as)) >= 0)
		x.as = as;
	if (*path != '/')
		return complain("cannot extract into '%s': it is not an "
		    "absolute path", path);
	/* Who hangs up ends the stream: what is half written goes first. */
	signal(SIGHUP, SIG_IGN);
	if (!x.as)
		make_dirs(path, 0755);
	switch (extract_run(&x)) {
	case 0:
		break;
	case -1:
		return complain("cannot extract %s", x.why);
	default:
		return complain("cannot read the archive: %s", t.error);
	}
	/* The blocks that fill up tar's last record. */
	while (from_stdin(NULL, rest, sizeof(rest)) > 0)
		;
	return 0;
}
