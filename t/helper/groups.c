/* groups - make and remove a machine's control group, again and again
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: groups ID TIMES	exit 1 when it could not, once
 */
#include "bng.h"
#include "cgroup.h"

const struct applet *self;

int
main(int argc, char *argv[])
{
	const struct cgroup_limits limits = { 1 << 28, 20, 2 };
	long times = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	for (long i = 0; i < times; i++) {
		int fd = cgroup_make(argv[1], &limits), r = 0;

		if (fd >= 0) {
			close(fd);
			r = cgroup_remove(argv[1]);
		}
		if (fd < 0 || r)
			die_status(1, "%ld: made %d, removed %d", i, fd, r);
	}
	return times > 0 ? 0 : EXIT_USAGE;
}
