/* restore.c - a machine is what it was at one moment; see snapshot.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "copy.h"
#include "dirs.h"
#include "gc.h"
#include "snap.h"
#include "supervise.h"
#include "vm.h"

void
snapshot_open(struct snapshot *sn, int argc, char *argv[], struct sup *s,
    const struct snapshot_vmm *v)
{
	autofree char *now = NULL;
	char vmm[SNAP_LINE];
	unsigned given;

	memset(sn, 0, sizeof(*sn));
	given = snap_options(argc, argv, "mg", &sn->path);
	sn->move = given & 1;
	if (given & 2)
		(void)gc_run(false, stderr);
	sup_lock(s, argv[optind], -1);
	sn->vm = s->dir;
	sn->vm_name = s->name;
	s->until_ready = true;
	sn->lasting = !snap_ephemeral(sn->vm);
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
		    snap_value(sn->dir, "vmm", vmm, sizeof(vmm)));
	now = snap_base(sn->dir);
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
	char then[SNAP_LINE];

	snap_value(sn->dir, "vmm_version", then, sizeof(then));
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
		snap_fail(sn, r, "restore", disk);
	fd = xopen(path, O_RDONLY, 0);
	if (sn->lasting)
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return fd;
}

/* They have a place on the disk, and what they hold is there. */
static void
copies_written(struct snapshot *sn, const int *fds)
{
	for (size_t i = 0; i < SNAP_DISKS; i++)
		if (sn->lasting && sync_file_range(fds[i], 0, 0,
		    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
		    SYNC_FILE_RANGE_WAIT_AFTER))
			snap_fail(sn, -errno, "restore", snap_disks[i]);
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
	for (size_t i = 0; i < SNAP_DISKS && !sn->move; i++) {
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
	for (size_t i = 0; i < SNAP_DISKS; i++)
		s->old[i] = openat(sn->vm, snap_disks[i], O_RDONLY | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK);
}

static int
restore_values(const struct snapshot *sn)
{
	char now[SNAP_LINE], then[SNAP_LINE];
	size_t n = sn->memory < 0 ? SNAP_OF_MEMORY : SNAP_VALUES;
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		snap_value(sn->dir, snap_values[i], then, sizeof(then));
		snap_value(sn->vm, snap_values[i], now, sizeof(now));
		if (then[0] && strcmp(now, then))
			r = file_put_line(sn->vm, snap_values[i], "%s", then);
	}
	return r;
}

void
snapshot_apply(struct snapshot *sn, struct sup *s)
{
	char aside[SNAP_DISKS][64];
	int fds[SNAP_DISKS] = { -1, -1 }, r;

	for (size_t i = 0; i < SNAP_DISKS; i++) {
		snprintf(aside[i], sizeof(aside[i]), ".%s.%ld", snap_disks[i],
		    (long)getpid());
		if (!sn->move)
			fds[i] = copy_aside(sn, snap_disks[i], aside[i]);
	}
	if (!sn->move)
		copies_written(sn, fds);
	keep_old(sn, s);
	/* That it is there counts, before what is renamed; not what it says. */
	r = file_note_line(sn->vm, "restoring", "%s", sn->path);
	for (size_t i = 0; i < SNAP_DISKS && !r; i++)
		if (renameat(sn->move ? sn->dir : sn->vm,
		    sn->move ? snap_disks[i] : aside[i], sn->vm, snap_disks[i]))
			r = -errno;
	if (!r)
		r = restore_values(sn);
	if (!r)
		r = lasts(sn, fds);
	if (!r && unlinkat(sn->vm, "restoring", 0))
		r = -errno;
	if (r)
		snap_fail(sn, r, "restore", "its disks and values");
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
	char from[SNAP_LINE];

	if (!faccessat(s->dir, "restoring", F_OK, AT_SYMLINK_NOFOLLOW))
		sup_refuse(s, "restoring '%s' was interrupted: restore it "
		    "again", snap_value(s->dir, "restoring", from,
		    sizeof(from)));
}
