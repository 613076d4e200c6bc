/* confine.c - Landlock around a child; see confine.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/userspace-api/landlock.html
 */
#include <elf.h>
#include <limits.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "bng.h"
#include "confine.h"
#include "spawn.h"

/* What is younger than the headers may be: file rights, by ABI. */
#define FS_REFER (1ULL << 13)		/* 2 */
#define FS_TRUNCATE (1ULL << 14)	/* 3 */
#define FS_IOCTL_DEV (1ULL << 15)	/* 5 */
#define NET_BIND_TCP (1ULL << 0)	/* 4 */
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT (1ULL << 0)	/* 6 */
#define SCOPE_SIGNAL (1ULL << 1)

#define FS_READ LANDLOCK_ACCESS_FS_READ_FILE
#define FS_WRITE (FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

/* Rights that a rule about what is no directory may hold. */
#define FS_OF_FILES (LANDLOCK_ACCESS_FS_EXECUTE | FS_WRITE | FS_IOCTL_DEV)

static const uint64_t rights[] = {
	[CONFINE_READ] = FS_READ | LANDLOCK_ACCESS_FS_READ_DIR,
	[CONFINE_WRITE] = FS_WRITE | LANDLOCK_ACCESS_FS_READ_DIR,
	[CONFINE_EXECUTE] = FS_READ | LANDLOCK_ACCESS_FS_READ_DIR |
	    LANDLOCK_ACCESS_FS_EXECUTE,
	[CONFINE_DEVICE] = FS_WRITE | FS_IOCTL_DEV,
	[CONFINE_FILL] = FS_WRITE | LANDLOCK_ACCESS_FS_READ_DIR |
	    LANDLOCK_ACCESS_FS_MAKE_REG,
	[CONFINE_KEEP] = FS_WRITE | LANDLOCK_ACCESS_FS_READ_DIR |
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
	    LANDLOCK_ACCESS_FS_REMOVE_FILE,
	[CONFINE_NAMES] = LANDLOCK_ACCESS_FS_MAKE_REG |
	    LANDLOCK_ACCESS_FS_REMOVE_FILE,
	[CONFINE_SOCKETS] = LANDLOCK_ACCESS_FS_MAKE_SOCK,
};

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

static uint64_t
known_files(int abi)
{
	uint64_t all = FS_REFER - 1;

	if (abi >= 2)
		all |= FS_REFER;
	if (abi >= 3)
		all |= FS_TRUNCATE;
	if (abi >= 5)
		all |= FS_IOCTL_DEV;
	return all;
}

int
confine_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : -EOPNOTSUPP;
}

static void
add(struct confine *c, int fd, enum confine_right right)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights[right] & known_files(c->abi),
		.parent_fd = fd,
	};
	struct stat st;

	if (fstat(fd, &st)) {
		c->failed = c->failed ? c->failed : -errno;
		return;
	}
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_OF_FILES;
	if (rule.allowed_access && syscall(SYS_landlock_add_rule, c->ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) && !c->failed)
		c->failed = -errno;
}

void
confine_file(struct confine *c, int dirfd, const char *path,
    enum confine_right right)
{
	autoclose int fd = -1;

	if (c->ruleset < 0)
		return;
	if (!path[0]) {
		add(c, dirfd, right);
		return;
	}
	fd = openat(dirfd, path, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		add(c, fd, right);
	else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		c->failed = c->failed ? c->failed : -errno;
}

int
confine_init(struct confine *c, int flags)
{
	struct ruleset_attr attr = { .fs = 0 };
	int abi = confine_abi();
	size_t size = sizeof(attr.fs);

	*c = (struct confine){ .ruleset = -1, .abi = abi };
	if (abi < 0)
		return abi;
	attr.fs = known_files(abi);
	if (abi >= 4) {
		attr.net = NET_BIND_TCP;
		if (!(flags & CONFINE_CONNECT))
			attr.net |= NET_CONNECT_TCP;
		size = offsetof(struct ruleset_attr, scoped);
	}
	if (abi >= 6) {
		attr.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
		size = sizeof(attr);
	}
	c->ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (c->ruleset < 0)
		return -errno;
	confine_file(c, AT_FDCWD, "/dev/null", CONFINE_WRITE);
	confine_file(c, AT_FDCWD, "/dev/urandom", CONFINE_READ);
	confine_file(c, AT_FDCWD, "/dev/random", CONFINE_READ);
	return 0;
}

/* --- programs --------------------------------------------------------- */

static const char *const system_dirs[] = { "/bin", "/sbin", "/lib", "/lib64",
	"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/local" };

/* The loader that an executable names: "" for a static one. */
static int
loader(int fd, char path[PATH_MAX])
{
	Elf64_Ehdr e;
	Elf64_Phdr p;
	off_t at;

	path[0] = '\0';
	if (pread(fd, &e, sizeof(e), 0) != sizeof(e) ||
	    memcmp(e.e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_phentsize != sizeof(p))
		return -ENOEXEC;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		at = (off_t)(e.e_phoff + i * sizeof(p));
		if (pread(fd, &p, sizeof(p), at) != sizeof(p))
			return -ENOEXEC;
		if (p.p_type != PT_INTERP)
			continue;
		if (p.p_filesz < 2 || p.p_filesz > PATH_MAX ||
		    pread(fd, path, p.p_filesz, (off_t)p.p_offset) !=
		    (ssize_t)p.p_filesz)
			return -ENOEXEC;
		path[p.p_filesz - 1] = '\0';
	}
	return 0;
}

/* Where a program that lies in PREFIX/bin keeps the rest of it. */
static void
beside(struct confine *c, const char *path)
{
	static const char *const parts[] = { "lib", "lib64", "share",
		"libexec" };
	char real[PATH_MAX], dir[PATH_MAX + 16];
	char *slash;

	if (!realpath(path, real))
		return;
	slash = strrchr(real, '/');
	*slash = '\0';
	slash = strrchr(real, '/');
	if (!slash || (strcmp(slash, "/bin") && strcmp(slash, "/sbin")))
		return;
	*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(dir, sizeof(dir), "%s/%s", real, parts[i]);
		confine_file(c, AT_FDCWD, dir, CONFINE_READ);
	}
}

/* A line "libc.so.6 => /lib/libc.so.6 (0x7f...)": the file. */
static void
library(struct confine *c, const char *line)
{
	char file[PATH_MAX];
	const char *arrow = strstr(line, "=> ");

	if (arrow && sscanf(arrow, "=> %4095s", file) == 1 && file[0] == '/')
		confine_file(c, AT_FDCWD, file, CONFINE_READ);
}

/*
 * Of a program that is not where a distribution puts it, nobody knows where
 * its libraries are but its loader, which says so, as for ldd.
 */
static void
libraries(struct confine *c, char *loads, const char *path)
{
	static char list[] = "--list";
	autofree char *real = realpath(path, NULL);
	char *argv[] = { loads, list, real, NULL };
	struct spawn sp = { .argv = argv, .path = loads,
		.fds = { -1, -1, -1 }, .nfds = 3 };
	autofree char *line = NULL;
	size_t size = 0;
	int out[2];
	FILE *f;
	pid_t pid;

	if (c->ruleset < 0 || !real || !strncmp(real, "/usr/", 5) ||
	    pipe2(out, O_CLOEXEC))
		return;
	sp.fds[1] = out[1];
	pid = spawn(&sp);
	close(out[1]);
	f = fdopen(out[0], "re");
	while (f && getline(&line, &size, f) > 0)
		library(c, line);
	if (f)
		fclose(f);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void
confine_program(struct confine *c, const char *path)
{
	static const char *const read[] = { "/lib", "/lib64", "/usr/lib",
		"/usr/lib64", "/usr/share", "/usr/local/lib",
		"/etc/ld.so.cache", "/etc/localtime",
		"/sys/devices/system/cpu", "/sys/devices/system/node" };
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char interpreter[PATH_MAX];
	bool script = fd < 0 || loader(fd, interpreter);

	confine_file(c, AT_FDCWD, path, CONFINE_EXECUTE);
	if (!script && !interpreter[0])
		return;
	for (size_t i = 0; i < ARRAY_SIZE(read); i++)
		confine_file(c, AT_FDCWD, read[i], CONFINE_READ);
	beside(c, path);
	if (!script) {
		confine_file(c, AT_FDCWD, interpreter, CONFINE_EXECUTE);
		libraries(c, interpreter, path);
	}
	for (size_t i = 0; script && i < ARRAY_SIZE(system_dirs); i++)
		confine_file(c, AT_FDCWD, system_dirs[i], CONFINE_EXECUTE);
}

/* --- the child -------------------------------------------------------- */

int
confine_enter(const struct confine *c)
{
	struct confine own = *c;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	if (files.rlim_max > CONFINE_FILES)
		files.rlim_max = CONFINE_FILES;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	if (c->ruleset < 0)
		return 0;
	/* A directory of its own only once it is there. */
	confine_file(&own, AT_FDCWD, "/proc/self", CONFINE_READ);
	if (own.failed)
		return own.failed;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, c->ruleset, 0))
		return -errno;
	return 0;
}

void
confine_release(struct confine *c)
{
	if (c->ruleset >= 0)
		close(c->ruleset);
	c->ruleset = -1;
}
