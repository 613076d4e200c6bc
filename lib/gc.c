/* gc.c - delete machines, and finish what crashes interrupted; see gc.h
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. A machine that runs as it should is left before any lock is taken.
 * 2. Everything else happens under the machine's `lock`, which a start holds
 *    too: run.lock free under it means that nobody is about to take it.
 * 3. A process is killed only when its recorded start time still fits.
 */
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/pidfd.h>

#include "bng.h"
#include "dirs.h"
#include "gc.h"
#include "jail.h"
#include "lock.h"
#include "name.h"
#include "proc.h"
#include "scratch.h"
#include "vm.h"

/* How long a killed VMM may take to let go of run.lock. */
enum { KILL_MS = 10000, DEATH_MS = 1000 };

struct gc {
	bool dry, failed;
	FILE *to;
};

static void
say(const struct gc *g, const char *done, const char *where, const char *what)
{
	static const struct { const char *done, *would; } words[] = {
		{ "removed", "would remove" }, { "deleted", "would delete" },
		{ "cleaned", "would clean" }, { "killed", "would kill" },
	};

	for (size_t i = 0; g->dry && i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].done, done)) {
			done = words[i].would;
			break;
		}
	fprintf(g->to, "%s %s%s\n", done, where, what);
}

static void
failed(struct gc *g, int r, const char *what, const char *subject)
{
	errno = -r;
	warn_sys("cannot %s '%s'", what, subject);
	g->failed = true;
}

bool
gc_is_machine(int vmfd)
{
	static const char *const files[] = { "id", "image", "kernel", "vcpu",
		"created" };
	struct stat st;
	int there = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		there += !fstatat(vmfd, files[i], &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode);
	return there >= 2;
}

int
gc_delete(int vms, int vmfd, const char *name)
{
	char trash[SCRATCH_NAME + 32];
	struct stat ours, now;
	autoclose int run = -1;
	int r;

	if (fstat(vmfd, &ours) || fstatat(vms, name, &now, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (ours.st_ino != now.st_ino || ours.st_dev != now.st_dev)
		return -ENOENT;
	run = lock_take(vmfd, "run.lock");
	if (run < 0)
		return run;
	snprintf(trash, sizeof(trash), ".del.%s.%ld", name, (long)getpid());
	r = jail_clean(vmfd);
	if (!r)
		r = file_rm_tree(vms, trash);
	if (r)
		return r;
	if (renameat(vms, name, vms, trash))
		return -errno;
	return file_rm_tree(vms, trash);
}

/* Kill the very process that a value file names; whether it was there. */
static bool
kill_recorded(int vmfd, const char *key)
{
	pid_t pid = proc_load(vmfd, key);
	autoclose int fd = pid > 0 ? pidfd_open(pid, 0) : -1;

	/* Asked again: between the two, the number may have been reused. */
	return fd >= 0 && proc_load(vmfd, key) == pid &&
	    !pidfd_send_signal(fd, SIGKILL, NULL, 0);
}

/* A temporary of file_put(), .NAME.PID, whose writer is gone. */
static bool
stale_temporary(const char *entry)
{
	const char *dot = strrchr(entry, '.');
	unsigned long long ticks;
	char *end;
	long pid;

	if (entry[0] != '.' || dot == entry || dot[1] < '1' || dot[1] > '9')
		return false;
	pid = strtol(dot + 1, &end, 10);
	return !*end && pid <= INT_MAX &&
	    proc_start((pid_t)pid, &ticks) == -ESRCH;
}

static bool
runtime_file(const char *entry)
{
	for (const char *const *f = vm_runtime_files; *f; f++)
		if (!strcmp(entry, *f))
			return true;
	return !strcmp(entry, "jail") || !strcmp(entry, VM_DUMP);
}

/* Remove one of them; whether it could be. */
static bool
remove_leftover(int vmfd, const char *entry)
{
	if (!strcmp(entry, "jail"))
		return !jail_clean(vmfd);
	if (!strcmp(entry, VM_DUMP))
		return !file_rm_tree(vmfd, entry);
	return !unlinkat(vmfd, entry, 0);
}

/*
 * Go over a machine's files: the number of those that only a running machine
 * has, or that nobody will finish. They are removed if `remove`. *ret_owned:
 * there is an `owner` or a `maker`. Plain getdents, because gc does this for
 * every machine before every verb that changes something.
 */
static int
leftovers(int vmfd, bool remove, bool *ret_owned)
{
	_Alignas(struct dirent64) char buf[4096];
	struct dirent64 *e;
	int found = 0;
	ssize_t n;

	*ret_owned = false;
	if (lseek(vmfd, 0, SEEK_SET))
		return 0;
	while ((n = getdents64(vmfd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n; p += e->d_reclen) {
			e = (struct dirent64 *)p;
			if (!strcmp(e->d_name, "owner") ||
			    !strcmp(e->d_name, "maker"))
				*ret_owned = true;
			if (!runtime_file(e->d_name) &&
			    !stale_temporary(e->d_name))
				continue;
			if (!remove || remove_leftover(vmfd, e->d_name))
				found++;
		}
	return found;
}

/*
 * Thrown away when its run ends, and whoever ran it is gone; or it was never
 * finished, and never will be.
 */
static bool
abandoned(int vmfd)
{
	char yes[8];

	if (proc_load(vmfd, "maker") == 0)
		return gc_is_machine(vmfd);
	return proc_load(vmfd, "owner") == 0 &&
	    file_line(vmfd, "ephemeral", yes, sizeof(yes)) >= 0 &&
	    !strcmp(yes, "yes") && gc_is_machine(vmfd);
}

/* End what still runs of it. Whether nothing of it runs now. */
static bool
put_down(const struct gc *g, int vmfd, const char *name)
{
	if (lock_held(vmfd, "run.lock") != 1)
		return true;
	say(g, "killed", "the VMM of ", name);
	if (g->dry)
		return true;
	kill_recorded(vmfd, "supervisor");
	kill_recorded(vmfd, "pid");
	return !lock_wait_free(vmfd, "run.lock", KILL_MS);
}

/* A running machine without its supervisor: nobody serves it any more. */
static bool
orphaned(int vmfd)
{
	return proc_load(vmfd, "supervisor") == 0 &&
	    proc_load(vmfd, "pid") > 0;
}

/*
 * Does it run, or what is left of it? A VMM that is not on record yet dies
 * with its supervisor, which takes a moment.
 */
static bool
runs(const struct gc *g, int vmfd)
{
	if (lock_held(vmfd, "run.lock") != 1)
		return false;
	return g->dry || proc_load(vmfd, "supervisor") != 0 ||
	    proc_load(vmfd, "pid") > 0 ||
	    lock_wait_free(vmfd, "run.lock", DEATH_MS);
}

static void
settle(struct gc *g, int vms, int vmfd, const char *name)
{
	bool owned;
	int r;

	if (abandoned(vmfd)) {
		if (!put_down(g, vmfd, name))
			return;
		r = g->dry ? 0 : gc_delete(vms, vmfd, name);
		if (r && r != -EAGAIN && r != -ENOENT)
			failed(g, r, "delete", name);
		else if (!r)
			say(g, "deleted", "", name);
		return;
	}
	if (runs(g, vmfd) &&
	    (!orphaned(vmfd) || !put_down(g, vmfd, name)))
		return;
	if (leftovers(vmfd, !g->dry, &owned))
		say(g, "cleaned", "", name);
}

static void
machine(struct gc *g, int vms, const char *name)
{
	bool owned;
	autoclose int lock = -1;
	autoclose int fd = openat(vms, name, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (!leftovers(fd, false, &owned) && !owned)
		return;
	if (!(owned && abandoned(fd)) && proc_load(fd, "supervisor") > 0)
		return;
	if (g->dry) {
		if (lock_held(fd, "lock") != 1)
			settle(g, vms, fd, name);
		return;
	}
	lock = lock_open(fd, "lock", false);
	if (lock >= 0)
		settle(g, vms, fd, name);
	else if (lock != -EAGAIN)
		failed(g, lock, "lock", name);
}

static void
scratch(struct gc *g, int dirfd, const char *where, const char *entry)
{
	char name[SCRATCH_NAME];
	struct stat st;
	pid_t pid;
	int r;

	if (!scratch_parse(entry, NULL, name, &pid) ||
	    fstatat(dirfd, entry, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISDIR(st.st_mode) || scratch_alive(dirfd, entry))
		return;
	r = g->dry ? 0 : scratch_remove(dirfd, entry, name);
	if (r)
		failed(g, r, "remove", entry);
	else
		say(g, "removed", where, entry);
}

/* What was to become a snapshot, and will not. */
static void
snapshots(struct gc *g, int vms, const char *name)
{
	autofree char *path = xasprintf("%s/snapshots", name);
	autofree char *where = xasprintf("%s/", path);
	int fd = openat(vms, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] == '.')
			scratch(g, dirfd(d), where, e->d_name);
}

static void
directory(struct gc *g, const char *sub)
{
	autofree char *path = xasprintf("%s/%s", dir_state(), sub);
	autofree char *where = xasprintf("%s/", sub);
	bool vms = !strcmp(sub, "vms");
	struct dirent *e;
	autoclosedir DIR *d = opendir(path);

	if (!d) {
		if (errno != ENOENT)
			failed(g, -errno, "read", path);
		return;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.') {
			scratch(g, dirfd(d), where, e->d_name);
		} else if (vms && !vm_name_error(e->d_name)) {
			machine(g, dirfd(d), e->d_name);
			snapshots(g, dirfd(d), e->d_name);
		}
	}
}

int
gc_run(bool dry, FILE *to)
{
	struct gc g = { .dry = dry, .to = to };

	directory(&g, "vms");
	directory(&g, "images");
	directory(&g, "kernels");
	return g.failed ? EXIT_FAILED : EXIT_YES;
}
