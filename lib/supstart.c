/* supstart.c - from a command line to a detached supervisor; see supervise.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>

#include "bng.h"
#include "dirs.h"
#include "lock.h"
#include "proc.h"
#include "supervise.h"
#include "vm.h"

enum {
	START_MS = 90000,	/* for a VMM to answer, at the very most */
	READY_MS = 3000,	/* for a guest to be, whose agent is there */
	LAST_MS = 10000,	/* for a supervisor to end */
};

/* The directory may have been deleted while we waited for its lock. */
static bool
still_there(int dir, const char *path)
{
	struct stat by_fd, by_path;

	return !fstat(dir, &by_fd) && !stat(path, &by_path) &&
	    by_fd.st_dev == by_path.st_dev && by_fd.st_ino == by_path.st_ino;
}

/* The supervisor must keep none of the locks and pipes of a caller but this. */
static void
keep_only(int fd)
{
	unsigned after = STDERR_FILENO + 1;

	if (fd >= 0) {
		if (fd <= STDERR_FILENO || fcntl(fd, F_SETFD, FD_CLOEXEC))
			die_usage("%d is not an open descriptor", fd);
		if ((unsigned)fd > after)
			close_range(after, (unsigned)fd - 1, 0);
		after = (unsigned)fd + 1;
	}
	close_range(after, ~0U, 0);
}

static char *
open_vm(struct sup *s, const char *vmdir)
{
	char *path;

	memset(s, 0, sizeof(*s));
	s->doing = "start";
	s->starters = -1;
	s->dir = xvm_open(vmdir);
	path = xfd_path(s->dir);
	s->name = xstrdup(strrchr(path, '/') + 1);
	return path;
}

void
sup_open(struct sup *s, const char *vmdir)
{
	free(open_vm(s, vmdir));
}

void
sup_lock(struct sup *s, const char *vmdir, int turn)
{
	autofree char *path = NULL;

	keep_only(turn);
	path = open_vm(s, vmdir);
	s->turn.fd = turn;
	s->lock = lock_open(s->dir, "lock", true);
	if (s->lock < 0) {
		errno = -s->lock;
		die_sys("cannot lock machine '%s'", s->name);
	}
	if (!still_there(s->dir, path))
		die_status(EXIT_NO, "there is no machine '%s'", s->name);
	s->run_lock = lock_take(s->dir, "run.lock");
	if (s->run_lock == -EAGAIN)
		die_status(EXIT_NO, "machine '%s' is already running", s->name);
	if (s->run_lock < 0) {
		errno = -s->run_lock;
		die_sys("cannot lock machine '%s'", s->name);
	}
}

void
sup_refuse(struct sup *s, const char *fmt, ...)
{
	char why[ENDING_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	msg_clean(why);
	if (s->supervising)
		sup_end(s, why);
	file_put_line(s->dir, "error", "%s", why);
	die("cannot %s '%s': %s", s->doing, s->name, why);
}

/*
 * In the child, in a session of its own: nothing of the starter's stays but
 * the locks. The machine's own goes with the starter, but not before the pids
 * are there: whoever waits for it, as `kill` does, is to find them. The
 * starter ends before it does, mostly, and init gets it.
 */
noreturn_fn static void
supervisor(struct sup *s, int to)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (s->starters >= 0)
		close(s->starters);
	/* A command may hold secrets, and we are there for longer than it. */
	for (char **w = s->words; w && *w; w++)
		memset(*w, 0, strlen(*w));
	s->supervising = true;
	s->report = to;
	if (null < 0 || chdir("/") || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(EXIT_FAILED);
	close(null);
	/* Nobody's voice: what its applets say goes into files. */
	unsetenv("BNG_NAME");
	unsetenv("BNG_FAILED");
	unsetenv("BNG_HINT");
	sup_supervise(s);
}

/* The VMM hangs: end it, which is its supervisor's to do. */
noreturn_fn static void
give_up(struct sup *s)
{
	proc_signal(s->dir, "supervisor", SIGTERM);
	lock_wait_free(s->dir, "run.lock", LAST_MS);
	sup_refuse(s, "%s has not answered for %d s", s->vmm->name,
	    START_MS / 1000);
}

/* Pass on what the supervisor says until the VMM runs, or does not. */
static void
hear(struct sup *s, int from)
{
	struct pollfd more = { .fd = from, .events = POLLIN };
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *f = fdopen(from, "r");

	if (!f)
		die_sys("cannot hear from the supervisor");
	/* Unbuffered, or poll would not tell of a line that was read. */
	setvbuf(f, NULL, _IONBF, 0);
	for (;;) {
		if (!poll(&more, 1, START_MS))
			give_up(s);
		n = getline(&line, &size, f);
		if (n <= 0)
			break;
		line[n - 1] = '\0';
		if (line[0] == 'o' && (line[1] || s->until_ready))
			poll(&more, 1, READY_MS);
		if (line[0] == 'o')
			return;
		if (line[0] == 'e') {
			/* A moment, until its state is what we say. */
			lock_wait_free(s->dir, "run.lock", LAST_MS);
			die("cannot %s '%s': %s", s->doing, s->name, line + 1);
		}
		warn("'%s': %s", s->name, line + 1);
	}
	lock_wait_free(s->dir, "run.lock", LAST_MS);
	die("cannot %s '%s': its supervisor ended", s->doing, s->name);
}

static void
remove_old(struct sup *s, const char *file)
{
	if (unlinkat(s->dir, file, 0) && errno != ENOENT)
		die_sys("cannot remove '%s' of machine '%s'", file, s->name);
}

void
sup_start(struct sup *s)
{
	int fds[2];
	pid_t pid;

	remove_old(s, "exit");
	remove_old(s, "error");
	for (const char *const *f = vm_runtime_files; *f; f++)
		remove_old(s, *f);
	if (pipe2(fds, O_CLOEXEC))
		die_sys("cannot %s '%s'", s->doing, s->name);
	pid = fork();
	if (pid < 0)
		die_sys("cannot %s '%s'", s->doing, s->name);
	if (pid == 0) {
		close(fds[0]);
		supervisor(s, fds[1]);
	}
	close(fds[1]);
	close(s->run_lock);
	hear(s, fds[0]);
}
