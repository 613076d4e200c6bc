/* libtest.c - one function of lib/ at a time, for the tests of it
 *
 * usage: libtest VERB ARGUMENT ...
 *
 * Tables, processes and signals are the business of t/000?-*.sh; here is only
 * what has to be C.
 */
#include <signal.h>
#include <sys/wait.h>

#include "bng.h"
#include "dirs.h"
#include "lock.h"
#include "name.h"
#include "overwrite.h"
#include "proc.h"

static const struct applet libtest = { "libtest",
	"usage: libtest num NUMBER\n       libtest VERB ...\n\n", NULL, PLAIN };
const struct applet *self = &libtest;

/* 0 done; else the name of the error on stdout, and exit 1. */
static int
answer(int r)
{
	if (r >= 0)
		return EXIT_YES;
	puts(strerrorname_np(-r));
	return EXIT_NO;
}

static int
do_name(int argc, char *argv[])
{
	const char *bad = argc > 1 ? vm_name_error(argv[1]) : NULL;

	puts(bad ? bad : "good");
	return EXIT_YES;
}

static int
do_component(int argc, char *argv[])
{
	return argc > 1 && name_ok(argv[1]) ? EXIT_YES : EXIT_NO;
}

static int
do_num(int argc, char *argv[])
{
	if (argc != 2)
		return EXIT_USAGE;
	printf("%lld\n", (long long)xnum(argv[1], -5, 100, "number"));
	return EXIT_YES;
}

static int
do_size(int argc, char *argv[])
{
	if (argc != 2)
		return EXIT_USAGE;
	printf("%lld\n", (long long)xsize(argv[1], 1 << 20, "size"));
	return EXIT_YES;
}

/* Read a line as an applet would, into 16 bytes. */
static int
do_line(int argc, char *argv[])
{
	char buf[16];
	ssize_t n = argc > 1 ? file_line(AT_FDCWD, argv[1], buf, sizeof(buf)) :
	    -EINVAL;

	if (n >= 0)
		puts(buf);
	return answer((int)n);
}

static int
do_filenum(int argc, char *argv[])
{
	int64_t n = 0;
	int r = argc > 1 ? file_num(AT_FDCWD, argv[1], 0, 1000, &n) : -EINVAL;

	if (!r)
		printf("%lld\n", (long long)n);
	return answer(r);
}

static int
do_put(int argc, char *argv[])
{
	return answer(argc > 2 ? file_put_line(AT_FDCWD, argv[1], "%s",
	    argv[2]) : -EINVAL);
}

static int
do_mark(int argc, char *argv[])
{
	return answer(argc > 2 ? file_mark_line(AT_FDCWD, argv[1], "%s",
	    argv[2]) : -EINVAL);
}

static int
do_slurp(int argc, char *argv[])
{
	autofree char *buf = NULL;
	size_t len;
	int r = argc > 1 ? file_slurp(AT_FDCWD, argv[1], 1000, &buf, &len) :
	    -EINVAL;

	if (!r)
		xwrite(STDOUT_FILENO, buf, len, "stdout");
	return answer(r);
}

static int
do_rmtree(int argc, char *argv[])
{
	return answer(argc > 1 ? file_rm_tree(AT_FDCWD, argv[1]) : -EINVAL);
}

enum { WHOLE = 100000 };

/* Replace a file by all a, all b, all a, ... until killed. */
static int
do_writer(int argc, char *argv[])
{
	static char buf[WHOLE];

	for (int i = 0; argc > 1; i++) {
		memset(buf, i & 1 ? 'b' : 'a', sizeof(buf));
		if (file_put(AT_FDCWD, argv[1], buf, sizeof(buf), 0600))
			return EXIT_FAILED;
	}
	return EXIT_USAGE;
}

/* Read until the file has changed N times; it must always be whole. */
static int
do_reader(int argc, char *argv[])
{
	char last = 0;
	int64_t changes = argc > 2 ? xnum(argv[2], 1, 1000, "changes") : 1;

	alarm(60);
	while (changes > 0) {
		autofree char *buf = NULL;
		size_t len = 0;

		if (file_slurp(AT_FDCWD, argv[1], WHOLE, &buf, &len))
			return EXIT_FAILED;
		if (len != WHOLE || memcmp(buf, buf + 1, WHOLE - 1))
			return EXIT_NO;
		changes -= buf[0] != last;
		last = buf[0];
	}
	return EXIT_YES;
}

/* Hold the lock of a file and become a command, which holds it then. */
static int
do_locked(int argc, char *argv[])
{
	int fd;

	if (argc < 3)
		return EXIT_USAGE;
	fd = lock_open(AT_FDCWD, argv[1], false);
	if (fd < 0)
		return answer(fd);
	fcntl(fd, F_SETFD, 0);
	execvp(argv[2], argv + 2);
	return 127;
}

static int
do_held(int argc, char *argv[])
{
	int r = argc > 1 ? lock_held(AT_FDCWD, argv[1]) : -EINVAL;

	printf("%d\n", r);
	return r < 0;
}

static int
do_waitfree(int argc, char *argv[])
{
	return answer(argc > 2 ? lock_wait_free(AT_FDCWD, argv[1],
	    (int)xnum(argv[2], -1, 60000, "timeout")) : -EINVAL);
}

/*
 * undo FILE DIR KEEP: make all three undone but the last, start a child that
 * would outlive us and holds the lock of "alive", say so on stdout, and wait
 * for a signal, or for the end of stdin to end well.
 */
static int
do_undo(int argc, char *argv[])
{
	int keep, alive = lock_open(AT_FDCWD, "alive", false);
	char c;
	pid_t child;

	if (argc != 4 || alive < 0)
		return EXIT_USAGE;
	undo_rm_tree(argv[2]);
	undo_unlink(argv[1]);
	keep = undo_unlink(argv[3]);
	undo_forget(keep);
	child = fork();
	if (child == 0) {
		close(STDIN_FILENO);
		alarm(60);
		pause();
		_exit(0);
	}
	close(alive);
	undo_kill(child);
	if (fork() == 0)
		exit(0);	/* a copy of the list that is not its own */
	wait(NULL);
	puts("up");
	fflush(stdout);
	return read(STDIN_FILENO, &c, 1) == 0 ? EXIT_YES : EXIT_FAILED;
}

static int
do_proc(int argc, char *argv[])
{
	pid_t pid;

	if (argc != 3)
		return EXIT_USAGE;
	if (!strcmp(argv[1], "load")) {
		pid = proc_load(AT_FDCWD, argv[2]);
		printf("%ld\n", (long)pid);
		return pid > 0 ? EXIT_YES : EXIT_NO;
	}
	return answer(proc_save(AT_FDCWD, "pid",
	    (pid_t)xnum(argv[2], 1, INT32_MAX, "pid")));
}

/* A child that has ended and not been waited for: recorded, it is dead. */
static int
do_zombie(int argc, char *argv[])
{
	siginfo_t info;
	int fd[2];
	pid_t child, got;

	(void)argc;
	(void)argv;
	if (pipe(fd))
		return EXIT_FAILED;
	child = fork();
	if (child == 0) {
		close(fd[1]);
		_exit(read(fd[0], &child, 1) != 0);
	}
	if (proc_save(AT_FDCWD, "zombie", child) ||
	    proc_load(AT_FDCWD, "zombie") != child)
		return EXIT_FAILED;
	close(fd[1]);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	got = proc_load(AT_FDCWD, "zombie");
	waitpid(child, NULL, 0);
	return got == 0 ? EXIT_YES : EXIT_NO;
}

/* Bind a socket in a directory, and reach it there. */
static int
do_sock(int argc, char *argv[])
{
	struct stat st;
	autoclose int dir = argc > 1 ? open(argv[1], O_DIRECTORY) : -1;
	autoclose int l = sock_listen_at(dir, "s", 1);
	autoclose int c = sock_connect_at(dir, "s");

	if (l < 0 || c < 0 || fstatat(dir, "s", &st, 0))
		return EXIT_FAILED;
	printf("%o\n", st.st_mode & 0777);
	return EXIT_YES;
}

static int
over(int argc, char *argv[], int (*copy)(int from, int to))
{
	int from = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	int to = argc > 2 ? open(argv[2], O_RDWR) : -1;

	return answer(from < 0 || to < 0 ? -errno : copy(from, to));
}

/* That something will change: once, and before it does. */
static int
changes(void *ctx)
{
	bool *told = ctx;

	if (!*told)
		printf("changes\n");
	*told = true;
	return getenv("NO_CHANGE") ? -EPERM : 0;
}

static int
differing(int from, int to)
{
	bool told = false;

	return overwrite_differing(from, to, changes, &told);
}

static int
do_differing(int argc, char *argv[])
{
	return over(argc, argv, differing);
}

static int
room(int from, int to)
{
	struct overwrite_room room;
	int r = overwrite_room(from, to, &room);

	if (r)
		overwrite_back(to, &room);
	else
		overwrite_used(&room);
	return r;
}

static int
do_room(int argc, char *argv[])
{
	return over(argc, argv, room);
}

int
main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "component", do_component },
		{ "differing", do_differing },
		{ "filenum", do_filenum },
		{ "held", do_held },
		{ "line", do_line },
		{ "locked", do_locked },
		{ "mark", do_mark },
		{ "name", do_name },
		{ "num", do_num },
		{ "proc", do_proc },
		{ "put", do_put },
		{ "reader", do_reader },
		{ "rmtree", do_rmtree },
		{ "room", do_room },
		{ "size", do_size },
		{ "slurp", do_slurp },
		{ "sock", do_sock },
		{ "undo", do_undo },
		{ "waitfree", do_waitfree },
		{ "writer", do_writer },
		{ "zombie", do_zombie },
		{ NULL, NULL },
	};
	int status;

	msg_name = "libtest";
	status = verbs_run(verbs, argc, argv);
	xflush();
	return status;
}
