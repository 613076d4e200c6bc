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

/* A disk then, and now. */
struct disk {
	int from, to;
	bool shared;
};

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

/* The snapshot's disk and the machine's, which need not be there yet. */
static void
open_disk(struct snapshot *sn, struct disk *d, const char *name)
{
	d->from = openat(sn->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (d->from >= 0)
		d->to = openat(sn->vm, name, O_RDWR | O_CREAT | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK, 0600);
	if (d->from < 0 || d->to < 0)
		snap_fail(sn, -errno, "restore", name);
}

/*
 * Write what differs, where it is: a machine has changed little since, mostly.
 * All have room before the first is changed. 0 or -errno; *ret_begun: one was.
 */
static int
write_disks(struct disk disks[SNAP_DISKS], bool *ret_begun)
{
	int r = 0;

	for (size_t i = 0; i < SNAP_DISKS; i++) {
		disks[i].shared = copy_share(disks[i].from, disks[i].to);
		*ret_begun |= disks[i].shared;
	}
	for (size_t i = 0; i < SNAP_DISKS && !r; i++)
		if (!disks[i].shared)
			r = copy_room(disks[i].from, disks[i].to);
	for (size_t i = 0; i < SNAP_DISKS && !r; i++) {
		*ret_begun = true;
		if (!disks[i].shared)
			r = copy_differing(disks[i].from, disks[i].to);
	}
	return r;
}

/* What was written is to be there before nothing says "restoring" any more. */
static int
give_disks_back(struct snapshot *sn, struct disk disks[SNAP_DISKS],
    bool *ret_begun)
{
	int r = sn->lasting && fsync(sn->vm) ? -errno : 0;

	if (!r)
		r = write_disks(disks, ret_begun);
	/* To wait for all at once is to wait once. */
	for (size_t i = 0; i < SNAP_DISKS && !r && sn->lasting; i++)
		sync_file_range(disks[i].to, 0, 0, SYNC_FILE_RANGE_WRITE);
	for (size_t i = 0; i < SNAP_DISKS; i++) {
		if (!r && sn->lasting && fsync(disks[i].to))
			r = -errno;
		close(disks[i].from);
		close(disks[i].to);
	}
	return r;
}

/*
 * Of a snapshot that is given away. A file system that keeps to the order of
 * what was done in one directory knows of `restoring` before these names.
 */
static int
move_disks(struct snapshot *sn, bool *ret_begun)
{
	*ret_begun = true;
	for (size_t i = 0; i < SNAP_DISKS; i++)
		if (renameat(sn->dir, snap_disks[i], sn->vm, snap_disks[i]))
			return -errno;
	return sn->lasting && fsync(sn->vm) ? -errno : 0;
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
snapshot_apply(struct snapshot *sn)
{
	struct disk disks[SNAP_DISKS] = { 0 };
	/* Of one that was interrupted it stays: those are half of it. */
	bool begun = !faccessat(sn->vm, "restoring", F_OK, AT_SYMLINK_NOFOLLOW);
	int r;

	for (size_t i = 0; i < SNAP_DISKS && !sn->move; i++)
		open_disk(sn, &disks[i], snap_disks[i]);
	/* That it is there counts; not what it says. */
	r = file_note_line(sn->vm, "restoring", "%s", sn->path);
	if (!r)
		r = sn->move ? move_disks(sn, &begun) :
		    give_disks_back(sn, disks, &begun);
	if (!r)
		r = restore_values(sn);
	if ((!r || !begun) && unlinkat(sn->vm, "restoring", 0) && !r)
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
