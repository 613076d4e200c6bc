/* jail.c - Firecracker's jailer; see jail.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/firecracker-microvm/firecracker/blob/main/docs/jailer.md
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/pidfd.h>

#include "bng.h"
#include "dirs.h"
#include "jail.h"
#include "spawn.h"

/* Above everybody's users and all ranges that namespaces are given. */
enum { FIRST_UID = 0x70000000, UID_DIGITS = 6 };

/* --- outside ---------------------------------------------------------- */

printf_fn(2, 3) static bool
no(char why[JAIL_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, JAIL_WHY, fmt, ap);
	va_end(ap);
	return false;
}

/* Beside the program, as releases have it; else in PATH. */
static bool
find_jailer(struct jail *j, const char *vmm, char why[JAIL_WHY])
{
	const char *named = getenv("BANGER_JAILER");
	char *slash;

	j->vmm = realpath(vmm, NULL);
	if (!j->vmm)
		return no(why, "cannot find '%s': %s", vmm, strerror(errno));
	slash = strrchr(vmm, '/');
	if (named && *named)
		j->jailer = xstrdup(named);
	else
		j->jailer = xasprintf("%.*s/jailer",
		    slash ? (int)(slash - vmm) : 0, vmm);
	if (!access(j->jailer, X_OK))
		return true;
	if (named && *named)
		return no(why, "cannot run the jailer '%s': %s", named,
		    strerror(errno));
	free(j->jailer);
	j->jailer = spawn_find("jailer");
	return j->jailer || no(why, "there is no jailer beside '%s'", vmm);
}

/* Whose it is inside. The id's first digits are as good as a count. */
static bool
find_user(struct jail *j, char why[JAIL_WHY])
{
	char digits[UID_DIGITS + 1] = "";
	struct stat st;

	if (geteuid())
		return no(why, "the jailer needs root");
	if (file_line(j->vm, "id", j->id, sizeof(j->id)) < 0 ||
	    !ident_ok(j->id) || fstat(j->vm, &st))
		return no(why, "the machine has no id");
	memcpy(digits, j->id, UID_DIGITS);
	j->uid = st.st_uid;
	j->gid = st.st_gid;
	if (!j->uid)
		j->uid = j->gid = FIRST_UID + (uid_t)strtoul(digits, NULL, 16);
	return true;
}

/*
 * Where root owns the machine, its disks become its user's. What it shares
 * with others stays root's, and readable: the directories that it is in keep
 * strangers out. Somebody else's machine has to do with what that one may.
 */
static bool
hand_over(const struct jail *j, int dir, const char *name, bool own,
    char why[JAIL_WHY])
{
	autoclose int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK);
	struct stat st;

	if (j->uid < FIRST_UID || (fd < 0 && errno == ENOENT))
		return true;
	if (fd < 0 && errno == ELOOP && !own)
		return no(why, "'%s' is a link to somebody's file, which the "
		    "jailer is not given; banger image promote copies it",
		    name);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return no(why, "cannot use '%s': %s", name,
		    fd < 0 ? strerror(errno) : "it is not a file");
	if (own && fchown(fd, j->uid, j->gid))
		return no(why, "cannot give '%s' to user %u: %s", name,
		    j->uid, strerror(errno));
	if (!own && st.st_uid != j->uid && !(st.st_mode & S_IROTH) &&
	    fchmod(fd, (st.st_mode & 07777) | S_IRGRP | S_IROTH))
		return no(why, "user %u may not read '%s': %s", j->uid, name,
		    strerror(errno));
	return true;
}

static int
new_dir(int dir, const char *name)
{
	struct stat st;
	int fd = mkdirat(dir, name, 0700) ? -1 : openat(dir, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	/* Whoever owns the machine's directory may have swapped it. */
	if (fd >= 0 && (fstat(fd, &st) || st.st_uid)) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* The directory `jail`, and what lies in it. */
static bool
make_dirs(struct jail *j, char why[JAIL_WHY])
{
	autofree char *vm = xfd_path(j->vm);
	autoclose int jail = new_dir(j->vm, "jail");
	autoclose int root = jail < 0 ? -1 : new_dir(jail, "root");

	j->base = xasprintf("%s/jail/root", vm);
	j->sockets = root < 0 ? -1 : new_dir(jail, "sockets");
	if (j->sockets < 0 || fchown(j->sockets, j->uid, j->gid) ||
	    mkfifoat(j->sockets, JAIL_LOG, 0600) ||
	    fchownat(j->sockets, JAIL_LOG, j->uid, j->gid,
	    AT_SYMLINK_NOFOLLOW))
		return no(why, "cannot make its jail: %s", strerror(errno));
	return true;
}

bool
jail_find(struct jail *j, const char *vmm, char why[JAIL_WHY])
{
	j->sockets = j->cgroup = -1;
	return find_user(j, why) && find_jailer(j, vmm, why);
}

/* What an earlier start had of it is not needed any more. */
static void
forget(struct jail *j)
{
	free(steal(&j->base));
	if (j->sockets >= 0)
		close(steal_fd(&j->sockets));
	if (j->cgroup >= 0)
		close(steal_fd(&j->cgroup));
}

bool
jail_make(struct jail *j, char why[JAIL_WHY])
{
	int r = jail_clean(j->vm);

	forget(j);
	if (r)
		return no(why, "cannot remove an earlier jail: %s",
		    strerror(-r));
	if (!hand_over(j, j->vm, "overlay.ext4", true, why) ||
	    !hand_over(j, j->vm, "work.ext4", true, why) ||
	    !hand_over(j, j->image, "rootfs.ext4", false, why) ||
	    !hand_over(j, j->kernel, "vmlinux", false, why) ||
	    !hand_over(j, j->kernel, "initrd", false, why) ||
	    !hand_over(j, j->kernel, "modules.ext4", false, why) ||
	    !make_dirs(j, why))
		return false;
	j->cgroup = cgroup_make(j->id, &j->limits);
	j->unlimited = j->cgroup == -EOPNOTSUPP;
	if (j->cgroup < 0 && !j->unlimited)
		return no(why, "cannot make its cgroup: %s",
		    strerror(-j->cgroup));
	return true;
}

char *const *
jail_argv(const struct jail *j, char *const *args)
{
	static char *argv[JAIL_ARGS];
	autofree char *uid = xasprintf("%u", j->uid);
	autofree char *gid = xasprintf("%u", j->gid);
	const char *const own[] = { "jailer", "--id", j->id, "--exec-file",
		j->vmm, "--uid", uid, "--gid", gid, "--chroot-base-dir",
		j->base, "--" };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		argv[n++] = xstrdup(own[i]);
	while (*args && n < JAIL_ARGS - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	return argv;
}

int
jail_clean(int vmfd)
{
	char id[IDENT_ID];
	struct stat st;
	int r;

	if (fstatat(vmfd, "jail", &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (file_line(vmfd, "id", id, sizeof(id)) >= 0 && ident_ok(id)) {
		r = cgroup_remove(id);
		if (r)
			return r;
	}
	return file_rm_tree(vmfd, "jail");
}

/* --- its end ---------------------------------------------------------- */

noreturn_fn static void
guard(int us, int vmm)
{
	struct pollfd p[] = { { .fd = us, .events = POLLIN },
		{ .fd = vmm, .events = POLLIN } };

	while (poll(p, ARRAY_SIZE(p), -1) < 0)
		;
	if (!p[1].revents)
		pidfd_send_signal(vmm, SIGKILL, NULL, 0);
	_exit(EXIT_YES);
}

int
jail_guard(pid_t vmm)
{
	autoclose int us = pidfd_open(getpid(), 0);
	autoclose int it = us < 0 ? -1 : pidfd_open(vmm, 0);
	pid_t pid = it < 0 ? -1 : fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return 0;
	/* Its locks are not ours, nor are the ends of its pipes. */
	if (dup2(us, 0) < 0 || dup2(it, 1) < 0 || close_range(2, ~0U, 0))
		_exit(EXIT_FAILED);
	setsid();
	guard(0, 1);
}
