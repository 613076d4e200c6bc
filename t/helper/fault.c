/* fault - a library that lets the n-th call of a command go wrong
 *
 *	LD_PRELOAD=fault.so FAULT=FILE COMMAND...	(t/helper/faults.c does)
 *
 * FILE is a struct plan, shared by all processes of the command: each counts
 * there its calls that change something, or may fail. At the n-th the process
 * dies, or it and its group do, or the call fails; "full" and "short" hold
 * from there on.
 */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault.h"

/* What the fortified headers call in place of open(). */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

enum { OPEN, MAKE, READ, WRITE, SYNC, NAME, FORK, EXEC, PEER, LOCK, MEMORY,
	END, CALLS };

static struct plan *plan;

/* What a call says that fails: full, EIO, no descriptor, interrupted. */
static const int wrong[CALLS][4] = {
	[OPEN] = { 0, EIO, EMFILE, EIO },
	[MAKE] = { ENOSPC, EIO, EMFILE, ENOSPC },
	[READ] = { 0, EIO, EIO, EINTR },
	[WRITE] = { ENOSPC, EIO, ENOSPC, EINTR },
	[SYNC] = { EIO, EIO, EIO, EIO },
	[NAME] = { ENOSPC, EIO, ENOSPC, EIO },
	[FORK] = { 0, EAGAIN, EAGAIN, EAGAIN },
	[EXEC] = { 0, EIO, EMFILE, ENOMEM },
	[PEER] = { 0, ENOBUFS, EMFILE, EINTR },
	[LOCK] = { 0, ENOLCK, ENOLCK, EINTR },
	[MEMORY] = { 0, ENOMEM, ENOMEM, ENOMEM },
};

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("FAULT");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path,
	    O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = (void *)syscall(SYS_mmap, NULL, sizeof(*plan),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (p != MAP_FAILED)
		plan = p;
}

/* Is the descriptor one that a disk can be full for, or that has pieces? */
static bool
is(int fd, mode_t a, mode_t b, mode_t c)
{
	struct stat st;
	mode_t type = fstat(fd, &st) ? 0 : st.st_mode & S_IFMT;

	return type && (type == a || type == b || type == c);
}

/* Is it this call's turn? Whether it fails, errno being set. */
static bool
turn(int call, int fd, const char *name)
{
	int how = plan ? plan->how : F_NONE, e;
	unsigned n = plan ? __atomic_add_fetch(&plan->calls, 1,
	    __ATOMIC_RELAXED) : 0;
	bool lasting = how == F_FULL || how == F_SHORT;

	if (how == F_NONE || n < plan->at || (n > plan->at && !lasting))
		return false;
	if (!plan->hit)
		snprintf(plan->what, sizeof(plan->what), "%s of %s", name,
		    program_invocation_short_name);
	plan->hit = 1;
	if (how == F_KILL)
		syscall(SYS_kill, getpid(), SIGKILL);
	if (how == F_GROUP)
		syscall(SYS_kill, 0, SIGKILL);
	if (how == F_SHORT || call == END)
		return false;
	/* apt goes round for ever when a file cannot be read. */
	if (!strncmp(program_invocation_short_name, "apt", 3))
		return false;
	if (how == F_FULL && call == WRITE && !is(fd, S_IFREG, 0, 0))
		return false;
	e = wrong[call][how - F_FULL];
	if (e)
		errno = e;
	return e;
}

#define fails(call, fd) turn(call, fd, __func__)

/* How much of n bytes may be moved at once. */
static size_t
most(int fd, size_t n)
{
	if (plan && plan->how == F_SHORT && plan->hit && n > 1 &&
	    is(fd, S_IFREG, S_IFIFO, S_IFSOCK))
		return (n + 1) / 2;
	return n;
}

__attribute__((destructor)) static void
end(void)
{
	fails(END, -1);
}

#define REAL(name) __extension__({ \
	static __typeof__(&name) real; \
	if (!real) \
		*(void **)&real = dlsym(RTLD_NEXT, #name); \
	real; \
})

#define WRAP(type, name, call, fd, bad, params, args) \
	type name params \
	{ \
		return fails(call, fd) ? bad : REAL(name) args; \
	}

/* --- files ------------------------------------------------------------ */

/* What is there can be opened when the disk is full, O_CREAT or not. */
static bool
makes(int dir, const char *path, int flags)
{
	return flags & O_CREAT && faccessat(dir, path, F_OK, 0);
}

#define OPENS(name, dir, params, args) \
	int name params \
	{ \
		va_list ap; \
		mode_t mode = 0; \
		if (flags & (O_CREAT | __O_TMPFILE)) { \
			va_start(ap, flags); \
			mode = va_arg(ap, mode_t); \
			va_end(ap); \
		} \
		return fails(makes(dir, path, flags) ? MAKE : OPEN, -1) ? -1 : \
		    REAL(name) args; \
	}
OPENS(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPENS(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPENS(openat, dir, (int dir, const char *path, int flags, ...),
	(dir, path, flags, mode))
OPENS(openat64, dir, (int dir, const char *path, int flags, ...),
	(dir, path, flags, mode))
WRAP(int, __open_2, OPEN, -1, -1, (const char *path, int flags), (path, flags))
WRAP(int, __open64_2, OPEN, -1, -1, (const char *path, int flags),
	(path, flags))
WRAP(int, __openat_2, OPEN, -1, -1, (int dir, const char *path, int flags),
	(dir, path, flags))
WRAP(int, __openat64_2, OPEN, -1, -1, (int dir, const char *path, int flags),
	(dir, path, flags))
WRAP(int, creat, MAKE, -1, -1, (const char *path, mode_t mode), (path, mode))
WRAP(int, creat64, MAKE, -1, -1, (const char *path, mode_t mode), (path, mode))
WRAP(int, mkstemp, MAKE, -1, -1, (char *t), (t))
WRAP(int, mkstemp64, MAKE, -1, -1, (char *t), (t))
WRAP(int, mkostemp, MAKE, -1, -1, (char *t, int flags), (t, flags))
WRAP(int, mkostemp64, MAKE, -1, -1, (char *t, int flags), (t, flags))
WRAP(char *, mkdtemp, MAKE, -1, NULL, (char *t), (t))
WRAP(FILE *, fopen, OPEN, -1, NULL, (const char *path, const char *mode),
	(path, mode))
WRAP(FILE *, fopen64, OPEN, -1, NULL, (const char *path, const char *mode),
	(path, mode))
WRAP(int, pipe, OPEN, -1, -1, (int fds[2]), (fds))
WRAP(int, pipe2, OPEN, -1, -1, (int fds[2], int flags), (fds, flags))
WRAP(int, dup, OPEN, -1, -1, (int fd), (fd))
WRAP(int, ftruncate, WRITE, fd, -1, (int fd, off_t n), (fd, n))
WRAP(int, ftruncate64, WRITE, fd, -1, (int fd, off64_t n), (fd, n))
WRAP(int, fallocate, WRITE, fd, -1, (int fd, int mode, off_t at, off_t n),
	(fd, mode, at, n))
WRAP(int, fallocate64, WRITE, fd, -1, (int fd, int mode, off64_t at,
	off64_t n), (fd, mode, at, n))
WRAP(int, fsync, SYNC, fd, -1, (int fd), (fd))
WRAP(int, fdatasync, SYNC, fd, -1, (int fd), (fd))
WRAP(int, syncfs, SYNC, fd, -1, (int fd), (fd))
WRAP(void *, mmap, MEMORY, -1, MAP_FAILED, (void *p, size_t n, int prot,
	int flags, int fd, off_t at), (p, n, prot, flags, fd, at))
WRAP(void *, mmap64, MEMORY, -1, MAP_FAILED, (void *p, size_t n, int prot,
	int flags, int fd, off64_t at), (p, n, prot, flags, fd, at))

/* --- names ------------------------------------------------------------ */

#define NAMES(name, params, args) WRAP(int, name, NAME, -1, -1, params, args)
NAMES(rename, (const char *a, const char *b), (a, b))
NAMES(renameat, (int d, const char *a, int e, const char *b), (d, a, e, b))
NAMES(renameat2, (int d, const char *a, int e, const char *b, unsigned f),
	(d, a, e, b, f))
NAMES(link, (const char *a, const char *b), (a, b))
NAMES(linkat, (int d, const char *a, int e, const char *b, int f),
	(d, a, e, b, f))
NAMES(symlink, (const char *a, const char *b), (a, b))
NAMES(symlinkat, (const char *a, int d, const char *b), (a, d, b))
NAMES(mkdir, (const char *a, mode_t m), (a, m))
NAMES(mkdirat, (int d, const char *a, mode_t m), (d, a, m))
NAMES(mkfifo, (const char *a, mode_t m), (a, m))
NAMES(fchmod, (int fd, mode_t m), (fd, m))
NAMES(chmod, (const char *a, mode_t m), (a, m))

/* A full disk lets go of names. */
#define GONE(name, params, args) \
	int name params \
	{ \
		return fails(plan && plan->how == F_FULL ? END : NAME, -1) ? \
		    -1 : REAL(name) args; \
	}
GONE(unlink, (const char *a), (a))
GONE(unlinkat, (int d, const char *a, int f), (d, a, f))
GONE(rmdir, (const char *a), (a))
GONE(remove, (const char *a), (a))

/* --- bytes ------------------------------------------------------------ */

#define MOVES(name, call, params, args) \
	ssize_t name params \
	{ \
		if (fails(call, fd)) \
			return -1; \
		n = most(fd, n); \
		return REAL(name) args; \
	}
MOVES(read, READ, (int fd, void *p, size_t n), (fd, p, n))
MOVES(pread, READ, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
MOVES(pread64, READ, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at))
MOVES(recv, READ, (int fd, void *p, size_t n, int f), (fd, p, n, f))
MOVES(write, WRITE, (int fd, const void *p, size_t n), (fd, p, n))
MOVES(pwrite, WRITE, (int fd, const void *p, size_t n, off_t at),
	(fd, p, n, at))
MOVES(pwrite64, WRITE, (int fd, const void *p, size_t n, off64_t at),
	(fd, p, n, at))
MOVES(send, WRITE, (int fd, const void *p, size_t n, int f), (fd, p, n, f))
MOVES(sendfile, WRITE, (int fd, int in, off_t *at, size_t n), (fd, in, at, n))
MOVES(sendfile64, WRITE, (int fd, int in, off64_t *at, size_t n),
	(fd, in, at, n))
MOVES(copy_file_range, WRITE, (int in, off64_t *a, int fd, off64_t *b,
	size_t n, unsigned f), (in, a, fd, b, n, f))
WRAP(ssize_t, writev, WRITE, fd, -1, (int fd, const struct iovec *v, int n),
	(fd, v, n))
WRAP(ssize_t, readv, READ, fd, -1, (int fd, const struct iovec *v, int n),
	(fd, v, n))
WRAP(ssize_t, sendmsg, WRITE, fd, -1, (int fd, const struct msghdr *m, int f),
	(fd, m, f))
WRAP(ssize_t, recvmsg, READ, fd, -1, (int fd, struct msghdr *m, int f),
	(fd, m, f))

/* --- peers and locks -------------------------------------------------- */

WRAP(int, socket, OPEN, -1, -1, (int a, int b, int c), (a, b, c))
WRAP(int, socketpair, OPEN, -1, -1, (int a, int b, int c, int fds[2]),
	(a, b, c, fds))
WRAP(int, connect, PEER, fd, -1, (int fd, const struct sockaddr *a,
	socklen_t n), (fd, a, n))
WRAP(int, bind, NAME, -1, -1, (int fd, const struct sockaddr *a, socklen_t n),
	(fd, a, n))
WRAP(int, listen, PEER, fd, -1, (int fd, int n), (fd, n))
WRAP(int, accept, PEER, fd, -1, (int fd, struct sockaddr *a, socklen_t *n),
	(fd, a, n))
WRAP(int, accept4, PEER, fd, -1, (int fd, struct sockaddr *a, socklen_t *n,
	int f), (fd, a, n, f))

/* A shell goes on without a descriptor that it could not put aside. */
static bool
puts_aside(int cmd)
{
	return (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) &&
	    strcmp(program_invocation_short_name, "sh");
}

#define CONTROLS(name) \
	int name(int fd, int cmd, ...) \
	{ \
		va_list ap; \
		void *arg; \
		va_start(ap, cmd); \
		arg = va_arg(ap, void *); \
		va_end(ap); \
		if (((cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW) && \
		    fails(LOCK, fd)) || (puts_aside(cmd) && fails(OPEN, fd))) \
			return -1; \
		return REAL(name)(fd, cmd, arg); \
	}
CONTROLS(fcntl)
CONTROLS(fcntl64)

/* --- processes -------------------------------------------------------- */

WRAP(pid_t, fork, FORK, -1, -1, (void), ())

/* A child that shared our memory would return from here twice. */
pid_t
vfork(void)
{
	return fork();
}

WRAP(int, execve, EXEC, -1, -1, (const char *path, char *const argv[],
	char *const env[]), (path, argv, env))
WRAP(int, execv, EXEC, -1, -1, (const char *path, char *const argv[]),
	(path, argv))
WRAP(int, execvp, EXEC, -1, -1, (const char *path, char *const argv[]),
	(path, argv))

int
execl(const char *path, const char *arg, ...)
{
	char *argv[64] = { (char *)(uintptr_t)arg };
	va_list ap;

	va_start(ap, arg);
	for (int i = 1; i < 63 && (argv[i] = va_arg(ap, char *)); i++)
		;
	va_end(ap);
	return execv(path, argv);
}

#define SPAWNS(name) \
	int name(pid_t *restrict pid, const char *restrict path, \
	    const posix_spawn_file_actions_t *restrict acts, \
	    const posix_spawnattr_t *restrict attr, \
	    char *const argv[restrict], char *const env[restrict]) \
	{ \
		return fails(FORK, -1) ? errno : \
		    REAL(name)(pid, path, acts, attr, argv, env); \
	}
SPAWNS(posix_spawn)
SPAWNS(posix_spawnp)
