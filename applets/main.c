/* main.c - find the applet by the name we were called by, and run it
 *
 * SPDX-License-Identifier: MIT
 *
 * Compiled twice: into bng with every applet that is not linked apart, and
 * (with ONLY defined) into an executable of one applet. "bng pull ..." finds
 * such an executable beside bng and becomes it.
 */
#include <libgen.h>
#include <limits.h>
#include <sys/mman.h>

#include "bng.h"
#include "applets.h"
#include "clock.h"

const struct applet *self;

/*
 * A closed stdin must not become the first file or socket we open. What is
 * written to a closed stdout is lost, and has to be an error.
 */
static void
open_stdio(void)
{
	int fd = 0;

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = fcntl(fd, F_GETFD) >= 0 ? fd + 1 : open("/dev/null",
		    fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
}

/*
 * A line in the file that BNG_TRACE names (log_level = "debug"): when, who,
 * and its words. It begins anew when it has grown large.
 */
static void
trace(const struct applet *a, int argc, char *argv[])
{
	const char *file = getenv("BNG_TRACE");
	char line[1024];
	struct stat st;
	int n, fd = file && *file == '/' ? open(file, O_WRONLY | O_APPEND |
	    O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size > 4 << 20 && ftruncate(fd, 0))
		warn_sys("cannot empty '%s'", file);
	n = snprintf(line, sizeof(line), "%lld %d %s",
	    (long long)clock_ms(CLOCK_REALTIME), (int)getpid(), a->name);
	for (int i = 1; i < argc && n < (int)sizeof(line) - 1; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, " %s",
		    argv[i]);
	msg_clean(line);
	n = (int)strlen(line);
	line[n] = '\n';
	(void)write_all(fd, line, (size_t)n + 1);
	close(fd);
}

/*
 * Where huge pages are for everybody, the first touch of what is static would
 * be one: 2 MiB to clear at each start, and to keep in each supervisor.
 */
extern char __bss_start[], _end[];

static void
small_pages(void)
{
	uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	uintptr_t from = ((uintptr_t)__bss_start + mask) & ~mask;

	if ((uintptr_t)_end > from)
		madvise((void *)from, (uintptr_t)_end - from, MADV_NOHUGEPAGE);
}

static int
run(const struct applet *a, int argc, char *argv[])
{
	const char *voice = getenv("BNG_NAME");
	const char *failed = getenv("BNG_FAILED");
	int status;

	small_pages();
	self = a;
	msg_name = voice && *voice ? voice : a->name;
	if (failed && *failed)
		msg_failed = (int)xnum(failed, 1, 255, "status");
	open_stdio();
	umask(077);
	trace(a, argc, argv);
	if ((a->flags & NEED_ROOT) && geteuid())
		die("cannot run: root is needed");
	status = a->main(argc, argv);
	xflush();
	return status;
}

static int
execute(char *command[])
{
	execvp(command[0], command);
	msg_failed = errno == ENOENT ? 127 : 126;
	die_sys("cannot execute '%s'", command[0]);
}

#ifdef ONLY

extern const struct applet ONLY;

int
become(char *command[])
{
	return *command ? execute(command) : EXIT_YES;
}

int
main(int argc, char *argv[])
{
	return run(&ONLY, argc, argv);
}

#else

static const struct applet *const applets[] = { APPLETS };

static const char multicall_usage[] =
    "usage: bng APPLET [ARGUMENT ...]\n"
    "       bng [-h]\n"
    "\n"
    "Run one of banger's applets. Without arguments, list them.\n"
    "\n"
    "exit: the applet's; 100 wrong usage, 127 no such applet\n";

static int
bng_main(int argc, char *argv[])
{
	(void)argc;
	(void)argv;
	return EXIT_USAGE;
}

static const struct applet bng = { "bng", multicall_usage, bng_main, PLAIN };

static const struct applet *
by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(applets); i++)
		if (!strcmp(applets[i]->name, name) ||
		    !strcmp(applets[i]->name + strlen("bng-"), name))
			return applets[i];
	return NULL;
}

int
become(char *command[])
{
	const struct applet *a = *command ? by_name(command[0]) : NULL;
	int n = 0;

	if (!*command)
		return EXIT_YES;
	if (!a)
		return execute(command);
	xflush();
	close_range(STDERR_FILENO + 1, ~0U, 0);
	while (command[n])
		n++;
	optind = 0;
	return run(a, n, command);
}

/* The same for bng-NAME, an executable beside this one, if there is one. */
static void
become_apart(const char *name, char *argv[])
{
	char exe[PATH_MAX], path[PATH_MAX + 128];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0 || strchr(name, '/') || strlen(name) > 64)
		return;
	exe[n] = '\0';
	snprintf(path, sizeof(path), "%s/bng-%s", dirname(exe), name);
	execv(path, argv);
}

static int
multicall(int argc, char *argv[])
{
	const struct applet *a;

	self = &bng;
	if (argc < 2) {
		for (size_t i = 0; i < ARRAY_SIZE(applets); i++)
			puts(applets[i]->name);
		puts(LINKED_APART);
		xflush();
		return EXIT_YES;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		usage_help();
	a = by_name(argv[1]);
	if (a)
		return run(a, argc - 1, argv + 1);
	become_apart(argv[1], argv + 1);
	die_status(127, "there is no applet '%s'", argv[1]);
}

int
main(int argc, char *argv[])
{
	const char *base = argc ? strrchr(argv[0], '/') : NULL;
	const struct applet *a;

	base = base ? base + 1 : argc ? argv[0] : "bng";
	if (!strcmp(base, "bng"))
		return multicall(argc, argv);
	a = by_name(base);
	if (!a)
		return multicall(argc, argv);
	return run(a, argc, argv);
}

#endif
