/* guest-say - all that is in an image FROM scratch: what was it run with?
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: say [ARGUMENT ...]
 *
 * Its arguments, directory, user, group and $SAY, a line each; status 7.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	const char *said = getenv("SAY");
	char cwd[PATH_MAX];

	for (int i = 1; i < argc; i++)
		puts(argv[i]);
	printf("%s\n%d %d\n%s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?",
	    (int)getuid(), (int)getgid(), said ? said : "?");
	return 7;
}
