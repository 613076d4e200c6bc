/* unpack - extract the tar stream on stdin below a directory, as the agent
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: unpack DIR
 */
#include "bng.h"
#include "extract.h"

const struct applet *self;

static ssize_t
from_stdin(void *ctx, void *buf, size_t size)
{
	(void)ctx;
	return read(STDIN_FILENO, buf, size);
}

int
main(int argc, char *argv[])
{
	static struct tar_in t = { .read = from_stdin };
	struct extract x = { .path = argv[1], .t = &t };

	if (argc != 2)
		return EXIT_USAGE;
	if (extract_run(&x))
		die("cannot extract: %s", t.error ? t.error : x.why);
	return 0;
}
