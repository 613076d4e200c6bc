/* alike.c - files that nobody has written since; see alike.h
 *
 * SPDX-License-Identifier: MIT
 *
 * That a ctime cannot be set, and of which steps it is:
 * https://www.kernel.org/doc/html/latest/filesystems/multigrain-ts.html
 */
#include <sys/sysmacros.h>
#include <time.h>

#include "alike.h"
#include "bng.h"

enum { STEP = 2 };		/* seconds; the widest of any file system */

bool
alike_line(const int *fds, size_t n, char line[ALIKE_LINE])
{
	struct timespec now;
	size_t len;

	if (file_line(AT_FDCWD, "/proc/sys/kernel/random/boot_id", line,
	    ALIKE_LINE) <= 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	len = strlen(line);
	for (size_t i = 0; i < n; i++) {
		struct stat st;

		if (fstat(fds[i], &st) ||
		    st.st_ctim.tv_sec + STEP >= now.tv_sec)
			return false;
		len += (size_t)snprintf(line + len, ALIKE_LINE - len,
		    " %x:%x:%llu:%lld:%lld.%09ld", major(st.st_dev),
		    minor(st.st_dev), (unsigned long long)st.st_ino,
		    (long long)st.st_size, (long long)st.st_ctim.tv_sec,
		    st.st_ctim.tv_nsec);
		if (len >= ALIKE_LINE)
			return false;
	}
	return true;
}
