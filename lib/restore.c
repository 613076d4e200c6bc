/* restore.c - a machine is what it was at one moment; see snapshot.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "copy.h"
#include "dirs.h"
#include "gc.h"
#include "overwrite.h"
#include "snap.h"
#include "supervise.h"
#include "undo.h"
#include "vm.h"

/* A disk then, and its file now: the machine's, or one to take its place. */
struct disk {
	const char *name;
	int from, to;
	char aside[64];		/* that one's name; "": it is the machine's */
	struct overwrite_room room;
};

noreturn_fn static void
refuse_part(const struct snapshot *sn, const char *name, const char *why)
{
	die("cannot restore '%s': '%s' of its snapshot '%s': %s", sn->vm_name,
	    name, sn->name, why);
}

/* A part of the snapshot; a fifo is not waited for. */
static int
open_part(const struct snapshot *sn, const char *name)
{
	int fd = openat(sn->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		refuse_part(sn, name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		refuse_part(sn, name, "it is no file");
	return fd;
}

/* Each is as long as it was. One of before that was noted has no `sizes`. */
static void
check_sizes(const struct snapshot *sn)
{
	char line[SNAP_LINE];
	char *rest = line, *name, *size;
	struct stat st;

	snap_value(sn->dir, "sizes", line, sizeof(line));
	while ((name = strsep(&rest, " ")) && (size = strsep(&rest, " "))) {
		if (fstatat(sn->dir, name, &st, AT_SYMLINK_NOFOLLOW))
			refuse_part(sn, name, strerror(errno));
		if (!S_ISREG(st.st_mode))
			refuse_part(sn, name, "it is no file");
		if (st.st_size != strtoll(size, NULL, 10))
			refuse_part(sn, name, "it is not as long as it was");
	}
}

static const char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void
snapshot_open(struct snapshot *sn, int argc, char *argv[], struct sup *s,
    const struct snapshot_vmm *v)
{
	autofree char *now = NULL;
	char vmm[SNAP_LINE];
	unsigned given;

	memset(sn, 0, sizeof(*sn));
	given = snap_options(argc, argv, "mgn", &sn->path);
	sn->move = given & 1;
	sn->only_look = given & 4;
	if (given & 2)
		(void)gc_run(false, stderr);
	if (sn->only_look)
		sup_open(s, argv[optind]);
	else
		sup_lock(s, argv[optind], -1);
	sn->vm = s->dir;
	sn->vm_name = s->name;
	s->until_ready = true;
	sn->lasting = !snap_ephemeral(sn->vm);
	sn->name = name_of(sn->path);
	sn->dir = open(sn->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sn->dir < 0 && errno == ENOENT)
		die_status(EXIT_NO, "there is no snapshot '%s'", sn->path);
	if (sn->dir < 0)
		die_sys("cannot open '%s'", sn->path);
	if (faccessat(sn->dir, "created", F_OK, 0))
		die("cannot restore '%s': '%s' is no snapshot", sn->vm_name,
		    sn->path);
	check_sizes(sn);
	sn->memory = faccessat(sn->dir, "memory", F_OK, AT_SYMLINK_NOFOLLOW) ?
	    -1 : open_part(sn, "memory");
	if (sn->memory >= 0 && !snapshot_says(sn, "vmm", v->name))
		die("cannot restore '%s': its snapshot '%s' was made under "
		    "'%s'", sn->vm_name, sn->name,
		    snap_value(sn->dir, "vmm", vmm, sizeof(vmm)));
	now = snap_base(sn->dir);
	if (!snapshot_says(sn, "base", now))
		die("cannot restore '%s': its image or kernel was replaced "
		    "since the snapshot '%s'", sn->vm_name, sn->name);
	for (size_t i = 0; i < SNAP_DISKS; i++)
		sn->disks[i] = open_part(sn, snap_disks[i]);
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
 * What the machine has, where writing to it is all that has to be done: with
 * room for it, and for its one name. Else -1: it will be another file.
 */
static int
open_to_overwrite(const struct snapshot *sn, const struct disk *d)
{
	autoclose int fd = openat(sn->vm, d->name, O_RDWR | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    st.st_nlink == 1 && overwrite_can(d->from, fd) ?
	    steal_fd(&fd) : -1;
}

/* A copy beside the machine's, which shares its blocks where that is had. */
static int
copy_aside(const struct snapshot *sn, struct disk *d)
{
	autofree char *dir = xfd_path(sn->vm);
	autofree char *path = NULL;
	int r;

	snprintf(d->aside, sizeof(d->aside), ".%s.%ld", d->name,
	    (long)getpid());
	path = xasprintf("%s/%s", dir, d->aside);
	undo_unlink(path);
	r = copy_disk_at(sn->dir, d->name, sn->vm, d->aside);
	d->to = r ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (r || d->to < 0)
		return r ? r : -errno;
	return sn->lasting && fsync(d->to) ? -errno : 0;
}

static void
give_room_back(struct disk disks[SNAP_DISKS])
{
	for (size_t i = 0; i < SNAP_DISKS; i++)
		if (disks[i].to >= 0 && !disks[i].aside[0])
			overwrite_back(disks[i].to, &disks[i].room);
}

/* All that needs room has it afterwards, and nothing has changed yet. Dies. */
static void
prepare_disks(const struct snapshot *sn, struct disk disks[SNAP_DISKS])
{
	for (size_t i = 0; i < SNAP_DISKS; i++) {
		struct disk *d = &disks[i];
		int r;

		d->name = snap_disks[i];
		d->from = sn->disks[i];
		d->to = open_to_overwrite(sn, d);
		r = d->to < 0 ? copy_aside(sn, d) :
		    overwrite_room(d->from, d->to, &d->room);
		if (r) {
			give_room_back(disks);
			snap_fail(sn, r, "restore", d->name);
		}
	}
}

/* A machine has changed little since, mostly. */
static int
write_disks(const struct snapshot *sn, struct disk disks[SNAP_DISKS])
{
	int r = 0;

	for (size_t i = 0; i < SNAP_DISKS && !r; i++) {
		if (!disks[i].aside[0])
			r = overwrite_differing(disks[i].from, disks[i].to);
		else if (renameat(sn->vm, disks[i].aside, sn->vm,
		    disks[i].name))
			r = -errno;
		/* To wait for all at once is to wait once. */
		if (!r && sn->lasting)
			sync_file_range(disks[i].to, 0, 0,
			    SYNC_FILE_RANGE_WRITE);
	}
	for (size_t i = 0; i < SNAP_DISKS; i++) {
		if (!r && sn->lasting && fdatasync(disks[i].to))
			r = -errno;
		overwrite_used(&disks[i].room);
		close(disks[i].from);
		close(disks[i].to);
	}
	return r;
}

/* Of a snapshot that is given away. */
static int
move_disks(const struct snapshot *sn)
{
	for (size_t i = 0; i < SNAP_DISKS; i++) {
		close(sn->disks[i]);
		if (renameat(sn->dir, snap_disks[i], sn->vm, snap_disks[i]))
			return -errno;
	}
	return 0;
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

/*
 * `restoring` is on the disk before anything that is neither old nor new. What
 * it says does not count.
 */
void
snapshot_apply(struct snapshot *sn)
{
	struct disk disks[SNAP_DISKS] = { { .to = -1 }, { .to = -1 } };
	int r;

	if (!sn->move)
		prepare_disks(sn, disks);
	r = file_note_line(sn->vm, "restoring", "%s", sn->path);
	if (!r && sn->lasting && !sn->move && fsync(sn->vm))
		r = -errno;
	if (r) {
		give_room_back(disks);
		snap_fail(sn, r, "restore", "restoring");
	}
	r = sn->move ? move_disks(sn) : write_disks(sn, disks);
	if (!r)
		r = restore_values(sn);
	/* Their new names, where they have some. */
	if (!r && sn->lasting && (disks[0].aside[0] || disks[1].aside[0] ||
	    sn->move) && fsync(sn->vm))
		r = -errno;
	if (!r && unlinkat(sn->vm, "restoring", 0))
		r = -errno;
	if (r)
		snap_fail(sn, r, "restore", "its disks and values");
	/* Why it did not start is the past. */
	unlinkat(sn->vm, "error", 0);
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

	if (faccessat(s->dir, "restoring", F_OK, AT_SYMLINK_NOFOLLOW))
		return;
	snap_value(s->dir, "restoring", from, sizeof(from));
	if (!from[0])
		sup_refuse(s, "to restore it was interrupted: restore it "
		    "again, from any snapshot");
	sup_refuse(s, "to restore it was interrupted: restore it again, from "
	    "'%s' or another snapshot", name_of(from));
}
