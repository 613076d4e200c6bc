/* plain.c - what a machine wrote, for a terminal; see plain.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/wait.h>

#include "bng.h"
#include "plain.h"

enum { C1_LEAD = 0xc2 };	/* in UTF-8, what U+0080 to U+009f begin with */

/* n bytes, in place; *held is a C1_LEAD that was not passed on yet. */
static size_t
clean(const unsigned char *in, size_t n, unsigned char *out, bool *held)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = in[i];

		if (*held && c >= 0x80 && c < 0xa0) {
			*held = false;
			continue;
		}
		if (*held)
			out[kept++] = C1_LEAD;
		*held = c == C1_LEAD;
		if (!*held && ((c >= 0x20 && c != 0x7f) || c == '\n' ||
		    c == '\t'))
			out[kept++] = c;
	}
	return kept;
}

noreturn_fn static void
clean_all(void)
{
	unsigned char in[4096], out[sizeof(in) + 1];
	bool held = false;
	ssize_t n;

	for (;;) {
		n = read(STDIN_FILENO, in, sizeof(in));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || write_all(STDOUT_FILENO, out,
		    clean(in, (size_t)n, out, &held)))
			_exit(EXIT_YES);
	}
}

pid_t
plain_filter(int *fd)
{
	int p[2];
	pid_t pid;

	if (!isatty(*fd))
		return 0;
	if (pipe2(p, O_CLOEXEC) || (pid = fork()) < 0)
		die_sys("cannot start a process");
	if (!pid) {
		/* It must not hold another's pipe open. */
		dup2(*fd, STDOUT_FILENO);
		dup2(p[0], STDIN_FILENO);
		close_range(STDERR_FILENO, ~0U, 0);
		clean_all();
	}
	close(p[0]);
	*fd = p[1];
	return pid;
}

void
plain_end(int fd, pid_t filter)
{
	if (!filter)
		return;
	close(fd);
	waitpid(filter, NULL, 0);
}
