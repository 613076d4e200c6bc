/* snapshot.c - a machine at one moment; see snapshot.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/wait.h>

#include "bng.h"
#include "clock.h"
#include "copy.h"
#include "dirs.h"
#include "gc.h"
#include "hold.h"
#include "lock.h"
#include "name.h"
#include "scratch.h"
#include "snapshot.h"
#include "store.h"
#include "supervise.h"
#include "vm.h"

enum {
	LINE = 4096,
	CLOCK_SECONDS = 3,
	AGAIN_SECONDS = 60,	/* for a guest whose agent dials again */
	TURN_MS = 600000,	/* for others who save the same machine */
};

static const char *const disks[] = { "overlay.ext4", "work.ext4" };

/*
 * What a VMM's command line is made of, the name aside; and from OF_MEMORY on
 * what only memory depends on.
 */
static const char *const values[] = { "vcpu", "memory_mib", "disk_bytes",
	"image", "image_dir", "kernel", "kernel_dir", "net", "nat", "nested",
	"accel", "vmm", "vmm_version" };

enum { OF_MEMORY = 10 };

/* --- both ------------------------------------------------------------- */

noreturn_fn static void
fail(const struct snapshot *sn, int r, const char *verb, const char *what)
{
	die("cannot %s '%s': '%s': %s", verb, sn->vm_name, what, strerror(-r));
}

/* A value, or "". */
static const char *
value(int dir, const char *key, char *buf, size_t size)
{
	if (file_line(dir, key, buf, size) < 0)
		buf[0] = '\0';
	return buf;
}

bool
snapshot_says(const struct snapshot *sn, const char *key, const char *text)
{
	char line[LINE];

	return !strcmp(value(sn->dir, key, line, sizeof(line)), text);
}

static bool
ephemeral(int vm)
{
	char yes[8];

	return !strcmp(value(vm, "ephemeral", yes, sizeof(yes)), "yes");
}

/* Size and age of a file of what the machine refers to. */
static char *
age(int dir, const struct store *of, const char *name)
{
	char path[LINE];
	struct stat st = { 0 };
	autofree char *file = NULL;

	if (store_of_vm(of, dir, path, sizeof(path)) < 0)
		return xstrdup("-");
	file = xasprintf("%s/%s", path, name);
	if (stat(file, &st))
		return xstrdup("-");
	return xasprintf("%lld %lld.%09ld", (long long)st.st_size,
	    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* What the machine's memory relies on, and who else may have replaced. */
static char *
base(int dir)
{
	autofree char *image = age(dir, &store_images, "rootfs.ext4");
	autofree char *modules = age(dir, &store_kernels, "modules.ext4");

	return xasprintf("%s %s", image, modules);
}

/* --- make ------------------------------------------------------------- */

/*
 * The options and the two operands that both verbs have. Bit i of the result
 * is whether letters[i] was given.
 */
static unsigned
options(int argc, char *argv[], const char *letters, char **ret_dir)
{
	unsigned given = 0;
	size_t len;
	int c;

	while ((c = getopt(argc, argv, letters)) != -1) {
		if (c == '?')
			die_usage("%s: unknown option", argv[0]);
		given |= 1U << (strchr(letters, c) - letters);
	}
	if (argc - optind != 2)
		die_usage("%s: a machine and a directory are wanted", argv[0]);
	*ret_dir = xstrdup(argv[optind + 1]);
	for (len = strlen(*ret_dir); len > 1 && (*ret_dir)[len - 1] == '/';)
		(*ret_dir)[--len] = '\0';
	return given;
}

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
	char line[LINE];
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(values) && !r; i++)
		if (file_line(sn->vm, values[i], line, sizeof(line)) >= 0)
			r = vm_put_new(sn->dir, values[i], "%s", line);
	if (!r)
		r = vm_put_new(sn->dir, "created", "%lld",
		    (long long)time(NULL));
	shared = base(sn->dir);
	if (!r)
		r = vm_put_new(sn->dir, "base", "%s", shared);
	if (r)
		fail(sn, r, "snapshot", "its values");
}

static void
copy_disks(struct snapshot *sn)
{
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++) {
		int r = copy_disk_at(sn->vm, disks[i], sn->dir, disks[i]);

		if (r)
			fail(sn, r, "snapshot", disks[i]);
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
		fail(sn, lock, "snapshot", "save.lock");
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
		fail(sn, -errno, "snapshot", "memory");
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
		fail(sn, run, "snapshot", "run.lock");
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
	char *path;
	int64_t still = 0;
	int in, undo, r;

	sn.lasting = !options(argc, argv, "t", &path);
	sn.vm = xvm_open(argv[optind]);
	vm = xfd_path(sn.vm);
	sn.vm_name = strrchr(vm, '/') + 1;
	sn.lasting &= !ephemeral(sn.vm);
	in = open_parent(&sn, path, &parent);
	part = xscratch_new(in, parent, sn.name, getpid(), &undo);
	sn.dir = xopen(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	copy_values(&sn);
	if (lock_held(sn.vm, "run.lock") == 1)
		still = copy_running(&sn, v);
	else
		copy_stopped(&sn);
	r = sn.lasting ? scratch_sync(sn.dir) : 0;
	if (!r)
		r = scratch_commit(in, strrchr(part, '/') + 1, sn.name,
		    true);
	if (r == -EEXIST || r == -ENOTEMPTY || r == -ENOTDIR)
		die_status(EXIT_NO, "there is a '%s' already", path);
	if (r)
		fail(&sn, r, "snapshot", sn.name);
	undo_forget(undo);
	printf("%lld\n", (long long)still);
	return EXIT_YES;
}

/* --- restore ---------------------------------------------------------- */

void
snapshot_open(struct snapshot *sn, int argc, char *argv[], struct sup *s,
    const struct snapshot_vmm *v)
{
	autofree char *now = NULL;
	char vmm[LINE];
	unsigned given;

	memset(sn, 0, sizeof(*sn));
	given = options(argc, argv, "mg", &sn->path);
	sn->move = given & 1;
	if (given & 2)
		(void)gc_run(false, stderr);
	sup_lock(s, argv[optind], -1);
	sn->vm = s->dir;
	sn->vm_name = s->name;
	s->until_ready = true;
	sn->lasting = !ephemeral(sn->vm);
	sn->name = strrchr(sn->path, '/') ? strrchr(sn->path, '/') + 1 :
	    sn->path;
	sn->dir = open(sn->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sn->dir < 0 && errno == ENOENT)
		die_status(EXIT_NO, "there is no snapshot '%s'", sn->path);
	if (sn->dir < 0)
		die_sys("cannot open '%s'", sn->path);
	if (faccessat(sn->dir, "created", F_OK, 0))
		die("cannot restore '%s': '%s' is no snapshot", sn->vm_name,
		    sn->path);
	sn->memory = openat(sn->dir, "memory", O_RDONLY | O_CLOEXEC);
	if (sn->memory < 0 && errno != ENOENT)
		die_sys("cannot open '%s/memory'", sn->path);
	if (sn->memory >= 0 && !snapshot_says(sn, "vmm", v->name))
		die("cannot restore '%s': its snapshot '%s' was made under "
		    "'%s'", sn->vm_name, sn->name,
		    value(sn->dir, "vmm", vmm, sizeof(vmm)));
	now = base(sn->dir);
	if (!snapshot_says(sn, "base", now))
		die("cannot restore '%s': its image or kernel was replaced "
		    "since the snapshot '%s'", sn->vm_name, sn->name);
}

/* Up to the second dot: what is after it must not change a machine. */
static bool
same_release(const char *a, const char *b)
{
	size_t n = strcspn(a, ".");

	n += a[n] == '.' ? 1 + strcspn(a + n + 1, ".") : 0;
	return n && !strncmp(a, b, n) && (b[n] == '.' || !b[n]);
}

void
snapshot_check_version(const struct snapshot *sn, const char *vmm,
    const char *here)
{
	char then[LINE];

	value(sn->dir, "vmm_version", then, sizeof(then));
	if (!same_release(then, here))
		die("cannot restore '%s': the snapshot was made with %s %s, "
		    "and this is %s", sn->vm_name, vmm,
		    then[0] ? then : "?", here);
}

/*
 * A copy beside the machine's disk, which a full disk leaves be. Its writing
 * has begun: to wait for all disks at once is to wait once.
 */
static int
copy_aside(struct snapshot *sn, const char *disk, const char *aside)
{
	autofree char *dir = xfd_path(sn->vm);
	autofree char *path = xasprintf("%s/%s", dir, aside);
	int fd, r;

	undo_unlink(path);
	r = copy_disk_at(sn->dir, disk, sn->vm, aside);
	if (r)
		fail(sn, r, "restore", disk);
	fd = xopen(path, O_RDONLY, 0);
	if (sn->lasting)
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return fd;
}

/* They have a place on the disk, and what they hold is there. */
static void
copies_written(struct snapshot *sn, const int *fds)
{
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		if (sn->lasting && sync_file_range(fds[i], 0, 0,
		    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
		    SYNC_FILE_RANGE_WAIT_AFTER))
			fail(sn, -errno, "restore", disks[i]);
}

/*
 * After a crash of the host the disks are what they were before, or these, or
 * there is `restoring`: a file system that keeps to the order of what was done
 * in one directory knows that name before it knows the new ones. To sync them
 * where they are now takes it one turn for all.
 */
static int
lasts(struct snapshot *sn, const int *fds)
{
	int r = 0;

	if (sn->move && sn->lasting && fsync(sn->vm))
		r = -errno;
	for (size_t i = 0; i < ARRAY_SIZE(disks) && !sn->move; i++) {
		if (!r && sn->lasting && fsync(fds[i]))
			r = -errno;
		close(fds[i]);
	}
	return r;
}

/* To free a large file is work: its last user does that, when there is time. */
static void
keep_old(struct snapshot *sn, struct sup *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		s->old[i] = openat(sn->vm, disks[i], O_RDONLY | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK);
}

static int
restore_values(const struct snapshot *sn)
{
	char now[LINE], then[LINE];
	size_t n = sn->memory < 0 ? OF_MEMORY : ARRAY_SIZE(values);
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		value(sn->dir, values[i], then, sizeof(then));
		value(sn->vm, values[i], now, sizeof(now));
		if (then[0] && strcmp(now, then))
			r = file_put_line(sn->vm, values[i], "%s", then);
	}
	return r;
}

void
snapshot_apply(struct snapshot *sn, struct sup *s)
{
	char aside[ARRAY_SIZE(disks)][64];
	int fds[ARRAY_SIZE(disks)] = { -1, -1 }, r;

	for (size_t i = 0; i < ARRAY_SIZE(disks); i++) {
		snprintf(aside[i], sizeof(aside[i]), ".%s.%ld", disks[i],
		    (long)getpid());
		if (!sn->move)
			fds[i] = copy_aside(sn, disks[i], aside[i]);
	}
	if (!sn->move)
		copies_written(sn, fds);
	keep_old(sn, s);
	/* That it is there counts, before what is renamed; not what it says. */
	r = file_note_line(sn->vm, "restoring", "%s", sn->path);
	for (size_t i = 0; i < ARRAY_SIZE(disks) && !r; i++)
		if (renameat(sn->move ? sn->dir : sn->vm,
		    sn->move ? disks[i] : aside[i], sn->vm, disks[i]))
			r = -errno;
	if (!r)
		r = restore_values(sn);
	if (!r)
		r = lasts(sn, fds);
	if (!r && unlinkat(sn->vm, "restoring", 0))
		r = -errno;
	if (r)
		fail(sn, r, "restore", "its disks and values");
}

int
snapshot_used(const struct snapshot *sn)
{
	int r = sn->move ? file_rm_tree(AT_FDCWD, sn->path) : 0;

	if (r) {
		errno = -r;
		die_sys("cannot remove '%s'", sn->path);
	}
	return EXIT_YES;
}

void
snapshot_refuse_half(struct sup *s)
{
	char from[LINE];

	if (!faccessat(s->dir, "restoring", F_OK, AT_SYMLINK_NOFOLLOW))
		sup_refuse(s, "restoring '%s' was interrupted: restore it "
		    "again", value(s->dir, "restoring", from, sizeof(from)));
}
