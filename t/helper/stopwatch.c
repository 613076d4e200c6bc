/* stopwatch.c - how long commands take, taken in turns
 *
 * usage: stopwatch N COMMAND [ARGUMENT ...] [// COMMAND [ARGUMENT ...]]
 *
 * N times: the first command, then the second, so that what disturbs the
 * machine disturbs both. A line each time: microseconds of one, a tab, and of
 * the other. Their stdin and stdout are /dev/null. A command that fails ends
 * it with exit 1.
 */
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include "bng.h"

static const struct applet stopwatch = { "stopwatch",
	"usage: stopwatch N COMMAND [// COMMAND]\n\n", NULL, PLAIN };
const struct applet *self = &stopwatch;
extern char **environ;

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t
run(char *argv[], const posix_spawn_file_actions_t *io)
{
	int64_t began = now();
	int status;
	pid_t pid;

	errno = posix_spawnp(&pid, argv[0], io, NULL, argv, environ);
	if (errno)
		die_sys("cannot run '%s'", argv[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die_sys("cannot wait for '%s'", argv[0]);
	if (status)
		die_status(EXIT_NO, "'%s' ended with status %#x", argv[0],
		    (unsigned)status);
	return now() - began;
}

int
main(int argc, char *argv[])
{
	posix_spawn_file_actions_t io;
	char **other = NULL;
	int64_t n;

	msg_name = "stopwatch";
	if (argc < 3)
		die_usage("what to run is missing");
	n = xnum(argv[1], 1, 100000, "number of runs");
	for (int i = 2; i < argc && !other; i++)
		if (!strcmp(argv[i], "//")) {
			argv[i] = NULL;
			other = argv + i + 1;
		}
	posix_spawn_file_actions_init(&io);
	posix_spawn_file_actions_addopen(&io, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&io, 1, "/dev/null", O_WRONLY, 0);
	while (n-- > 0) {
		printf("%lld", (long long)run(argv + 2, &io));
		if (other && *other)
			printf("\t%lld", (long long)run(other, &io));
		putchar('\n');
	}
	xflush();
	return EXIT_YES;
}
