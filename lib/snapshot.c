/* snapshot.c - a machine at one moment is saved; see snapshot.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/wait.h>

#include "bng.h"
#include "clock.h"
#include "copy.h"
#include "dirs.h"
#include "hold.h"
#include "lock.h"
#include "name.h"
#include "scratch.h"
#include "snap.h"
#include "vm.h"

enum {
	CLOCK_SECONDS = 3,
	AGAIN_SECONDS = 60,	/* for a guest whose agent dials again */
	TURN_MS = 600000,	/* for others who save the same machine */
};

/* The directory that it is to be in, made if need be; sets path and name. */
static int
open_parent(struct snapshot *sn, char *path, char **ret_parent)
{
	char *slash = strrchr(path, '/');
	int fd;

	*ret_parent = slash ? xasprintf("%.*s", (int)(slash - path), path) :
	    xstrdup(".");
	sn->path = path;
	sn->name = slash ? slash + 1 : path;
	if (!name_ok(sn->name))
		die_usage("bad name of a snapshot: '%s'", sn->name);
	if (mkdir(*ret_parent, 0700) && errno != EEXIST)
		die_sys("cannot make '%s'", *ret_parent);
	fd = xopen(*ret_parent, O_RDONLY | O_DIRECTORY, 0);
	if (!faccessat(fd, sn->name, F_OK, AT_SYMLINK_NOFOLLOW))
		die_status(EXIT_NO, "there is a '%s' already", path);
	return fd;
}

static void
copy_values(struct snapshot *sn)
{
	autofree char *shared = NULL;
	char line[SNAP_LINE];
	int r = 0;

	for (size_t i = 0; i < SNAP_VALUES && !r; i++)
		if (file_line(sn->vm, snap_values[i], line, sizeof(line)) >= 0)
			r = vm_put_new(sn->dir, snap_values[i], "%s", line);
	if (!r)
		r = vm_put_new(sn->dir, "created", "%lld",
		    (long long)time(NULL));
	shared = snap_base(sn->dir);
	if (!r)
		r = vm_put_new(sn->dir, "base", "%s", shared);
	if (r)
		snap_fail(sn, r, "snapshot", "its values");
}

static void
copy_disks(struct snapshot *sn)
{
	for (size_t i = 0; i < SNAP_DISKS; i++) {
		int r = copy_disk_at(sn->vm, snap_disks[i], sn->dir,
		    snap_disks[i]);

		if (r)
			snap_fail(sn, r, "snapshot", snap_disks[i]);
	}
}

/* A verb of bng-agent, for so long: whether it does it is its own matter. */
static void
ask_agent(const struct snapshot *sn, const char *verb, unsigned seconds)
{
	autofree char *path = xfd_path(sn->vm);
	pid_t pid = fork();
	int null;

	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (pid)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	alarm(seconds);
	execl("/proc/self/exe", "bng-agent", verb, path, (char *)NULL);
	_exit(127);
}

/*
 * Others may be saving it, or forking it: they are waited for. Under
 * Firecracker its agent then comes anew. The lock.
 */
static int
take_turn(const struct snapshot *sn)
{
	int lock = lock_open(sn->vm, "save.lock", false);

	if (lock == -EAGAIN) {
		lock = lock_open_within(sn->vm, "save.lock", TURN_MS);
		if (lock >= 0 && faccessat(sn->vm, "ready", F_OK, 0))
			ask_agent(sn, "wait", AGAIN_SECONDS);
	}
	if (lock == -ETIMEDOUT)
		die("cannot snapshot '%s': others have been at it for %d s",
		    sn->vm_name, TURN_MS / 1000);
	if (lock < 0)
		snap_fail(sn, lock, "snapshot", "save.lock");
	return lock;
}

/* It cannot be held still, or does not go on; why, if the VMM says that. */
noreturn_fn static void
no_hold(const struct snapshot *sn, const struct snapshot_vmm *v, int r,
    const char *what, const char *why)
{
	if (r == -ETIMEDOUT)
		die("cannot %s '%s': no answer from %s in %d s", what,
		    sn->vm_name, v->title, HOLD_SECONDS);
	die("cannot %s '%s': %s", what, sn->vm_name, r == -EREMOTEIO ? why :
	    r == -ECANCELED ? "it has ended" : strerror(-r));
}

/* Of one that runs. For how many milliseconds it stood still. */
static int64_t
copy_running(struct snapshot *sn, const struct snapshot_vmm *v)
{
	autoclose int turn = take_turn(sn);
	char why[HOLD_WHY];
	int64_t began, still;
	int hold, r;

	if (faccessat(sn->vm, "ready", F_OK, 0))
		die_status(EXIT_NO, "machine '%s' is not ready yet",
		    sn->vm_name);
	sn->memory = openat(sn->dir, "memory", O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600);
	if (sn->memory < 0)
		snap_fail(sn, -errno, "snapshot", "memory");
	hold = hold_take(sn->vm, why);
	if (hold < 0)
		no_hold(sn, v, hold, "pause", why);
	began = clock_ms(CLOCK_MONOTONIC);
	v->begin(sn);
	copy_disks(sn);
	v->finish(sn);
	r = hold_release(hold, why);
	if (r == -ECANCELED)
		die("cannot snapshot '%s': it was resumed or ended meanwhile",
		    sn->vm_name);
	if (r)
		no_hold(sn, v, r, "resume", why);
	still = clock_ms(CLOCK_MONOTONIC) - began;
	/*
	 * Its clock stood still, too. One that was paused before does not
	 * answer, and under Firecracker its agent comes anew, and is told
	 * anyway: no failure.
	 */
	ask_agent(sn, "clock", CLOCK_SECONDS);
	close(steal_fd(&turn));
	if (v->tidy)
		v->tidy(sn);
	return still;
}

/* Of one that does not: nobody starts it meanwhile. */
static void
copy_stopped(struct snapshot *sn)
{
	autoclose int lock = lock_open(sn->vm, "lock", true);
	autoclose int run = lock < 0 ? lock : lock_take(sn->vm, "run.lock");

	if (run == -EAGAIN)
		die_status(EXIT_NO, "machine '%s' is not ready yet",
		    sn->vm_name);
	if (run < 0)
		snap_fail(sn, run, "snapshot", "run.lock");
	if (!faccessat(sn->vm, "restoring", F_OK, 0))
		die("cannot snapshot '%s': a restore of it was interrupted",
		    sn->vm_name);
	copy_disks(sn);
}

int
snapshot_make(int argc, char *argv[], const struct snapshot_vmm *v)
{
	struct snapshot sn = { .memory = -1 };
	autofree char *parent = NULL, *part = NULL, *vm = NULL;
	autofree char *sizes = NULL;
	char *path;
	int64_t still = 0;
	int in, undo, r;

	sn.lasting = !snap_options(argc, argv, "t", &path);
	sn.vm = xvm_open(argv[optind]);
	vm = xfd_path(sn.vm);
	sn.vm_name = strrchr(vm, '/') + 1;
	sn.lasting &= !snap_ephemeral(sn.vm);
	in = open_parent(&sn, path, &parent);
	part = xscratch_new(in, parent, sn.name, getpid(), &undo);
	sn.dir = xopen(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	copy_values(&sn);
	if (lock_held(sn.vm, "run.lock") == 1)
		still = copy_running(&sn, v);
	else
		copy_stopped(&sn);
	sizes = snap_sizes(sn.dir);
	r = file_put_line(sn.dir, "sizes", "%s", sizes);
	if (!r && sn.lasting)
		r = scratch_sync(sn.dir);
	if (!r)
		r = scratch_commit(in, strrchr(part, '/') + 1, sn.name,
		    true);
	if (r == -EEXIST || r == -ENOTEMPTY || r == -ENOTDIR)
		die_status(EXIT_NO, "there is a '%s' already", path);
	if (r)
		snap_fail(&sn, r, "snapshot", sn.name);
	undo_forget(undo);
	printf("%lld\n", (long long)still);
	return EXIT_YES;
}
