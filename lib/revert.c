/* revert.c - a machine's disks and values become a snapshot's; see snapshot.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "alike.h"
#include "bng.h"
#include "copy.h"
#include "dirs.h"
#include "overwrite.h"
#include "snap.h"
#include "undo.h"

/* A disk then, and its file now: the machine's, or one to take its place. */
struct disk {
	const char *name;
	int from, to;
	char aside[64];		/* that one's name; "": it is the machine's */
	struct overwrite_room room;
};

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
	struct stat st;
	int r;

	if (!fstatat(sn->vm, d->name, &st, AT_SYMLINK_NOFOLLOW) &&
	    S_ISDIR(st.st_mode))
		return -EISDIR;
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

/* What a restore changes, and how far it is. */
struct change {
	const struct snapshot *sn;
	struct disk disks[SNAP_DISKS];
	const char *what;	/* that failed */
	bool begun;		/* `restoring` is there */
};

static void
give_room_back(struct change *c)
{
	for (size_t i = 0; i < SNAP_DISKS; i++)
		if (c->disks[i].to >= 0 && !c->disks[i].aside[0])
			overwrite_back(c->disks[i].to, &c->disks[i].room);
}

/*
 * Something will be neither old nor new: all that needs room has it first, and
 * `restoring` is on the disk. What that says does not count. Most restores find
 * what they want, and come never here.
 */
static int
begin(void *ctx)
{
	struct change *c = ctx;
	const char *what = c->what;
	int r = 0;

	if (c->begun)
		return 0;
	for (size_t i = 0; i < SNAP_DISKS && !r && !c->sn->move; i++) {
		struct disk *d = &c->disks[i];

		c->what = d->name;
		if (d->to >= 0 && !d->aside[0])
			r = overwrite_room(d->from, d->to, &d->room);
	}
	if (!r) {
		c->what = "restoring";
		r = file_note_line(c->sn->vm, "restoring", "%s", c->sn->path);
	}
	if (!r && c->sn->lasting && !c->sn->move && fsync(c->sn->vm))
		r = -errno;
	if (r) {
		give_room_back(c);
		return r;
	}
	c->begun = true;
	c->what = what;
	return 0;
}

/* What cannot be overwritten is copied, for which nothing has to change yet. */
static int
open_disks(struct change *c)
{
	int r = 0;

	for (size_t i = 0; i < SNAP_DISKS && !r; i++) {
		struct disk *d = &c->disks[i];

		d->name = c->what = snap_disks[i];
		d->to = open_to_overwrite(c->sn, d);
		if (d->to < 0)
			r = copy_aside(c->sn, d);
	}
	return r;
}

/* A machine has changed little since, mostly. */
static int
write_disks(struct change *c)
{
	const struct snapshot *sn = c->sn;
	int r = 0;

	for (size_t i = 0; i < SNAP_DISKS && !r; i++) {
		struct disk *d = &c->disks[i];

		c->what = d->name;
		r = d->aside[0] ? begin(c) :
		    overwrite_differing(d->from, d->to, begin, c);
		if (!r && d->aside[0] &&
		    renameat(sn->vm, d->aside, sn->vm, d->name))
			r = -errno;
		/* To wait for all at once is to wait once. */
		if (!r && sn->lasting)
			sync_file_range(d->to, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	for (size_t i = 0; i < SNAP_DISKS && !r && sn->lasting; i++) {
		c->what = c->disks[i].name;
		if (fdatasync(c->disks[i].to))
			r = -errno;
	}
	return r;
}

/* Nothing will begin any more. */
static void
close_disks(struct change *c)
{
	for (size_t i = 0; i < SNAP_DISKS; i++) {
		overwrite_used(&c->disks[i].room);
		close(c->disks[i].from);
		if (c->disks[i].to >= 0)
			close(c->disks[i].to);
	}
}

/* Of a snapshot that is given away. */
static int
move_disks(struct change *c)
{
	const struct snapshot *sn = c->sn;
	int r = begin(c);

	for (size_t i = 0; i < SNAP_DISKS && !r; i++) {
		c->what = snap_disks[i];
		close(sn->disks[i]);
		if (renameat(sn->dir, snap_disks[i], sn->vm, snap_disks[i]))
			r = -errno;
	}
	return r;
}

static int
restore_values(struct change *c)
{
	const struct snapshot *sn = c->sn;
	char now[SNAP_LINE], then[SNAP_LINE];
	size_t n = sn->memory < 0 ? SNAP_OF_MEMORY : SNAP_VALUES;
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		snap_value(sn->dir, snap_values[i], then, sizeof(then));
		snap_value(sn->vm, snap_values[i], now, sizeof(now));
		if (!then[0] || !strcmp(now, then))
			continue;
		c->what = snap_values[i];
		r = begin(c);
		if (!r)
			r = file_put_line(sn->vm, snap_values[i], "%s", then);
	}
	return r;
}

/* How the machine's disks and the snapshot's are now. */
static bool
disks_are(const struct snapshot *sn, char line[ALIKE_LINE])
{
	int fds[2 * SNAP_DISKS];
	bool known;

	for (size_t i = 0; i < SNAP_DISKS; i++) {
		fds[i] = sn->disks[i];
		fds[SNAP_DISKS + i] = openat(sn->vm, snap_disks[i], O_PATH |
		    O_NOFOLLOW | O_CLOEXEC);
	}
	known = alike_line(fds, ARRAY_SIZE(fds), line);
	for (size_t i = 0; i < SNAP_DISKS; i++)
		if (fds[SNAP_DISKS + i] >= 0)
			close(fds[SNAP_DISKS + i]);
	return known;
}

/* Have they been compared, and not been written since? */
static bool
known_alike(const struct snapshot *sn, const char *now)
{
	char then[ALIKE_LINE];

	return file_line(sn->vm, "alike", then, sizeof(then)) > 0 &&
	    !strcmp(then, now);
}

/*
 * They are, if nobody wrote while we compared; who does not learn it compares
 * them. Where nothing is written to the disk by us, a page that somebody maps
 * may change and not show.
 */
static void
note_alike(const struct snapshot *sn, const char *before)
{
	char now[ALIKE_LINE];

	if (sn->lasting && disks_are(sn, now) && !strcmp(now, before))
		(void)file_note_line(sn->vm, "alike", "%s", now);
}

/* Make the disks what they were, and see that they are on the disk. */
static int
revert_disks(struct change *c, bool was_half)
{
	const struct snapshot *sn = c->sn;
	char before[ALIKE_LINE];
	int r;

	if (sn->move)
		return move_disks(c);
	if (!disks_are(sn, before))
		before[0] = '\0';
	if (!was_half && known_alike(sn, before))
		return 0;
	r = open_disks(c);
	/* Of an earlier one, all may be half done. */
	if (!r && was_half)
		r = begin(c);
	if (!r)
		r = write_disks(c);
	if (!r)
		note_alike(sn, before);
	return r;
}

void
snapshot_apply(struct snapshot *sn)
{
	struct change c = { .sn = sn, .what = "restoring",
		.disks = { { .from = sn->disks[0], .to = -1 },
		    { .from = sn->disks[1], .to = -1 } } };
	int r = revert_disks(&c, !faccessat(sn->vm, "restoring", F_OK,
	    AT_SYMLINK_NOFOLLOW));

	if (!r)
		r = restore_values(&c);
	/* Their new names, where they have some. */
	if (!r && sn->lasting && (c.disks[0].aside[0] || c.disks[1].aside[0] ||
	    sn->move) && fsync(sn->vm))
		r = -errno;
	if (!r && c.begun && unlinkat(sn->vm, "restoring", 0))
		r = -errno;
	if (r)
		snap_fail(sn, r, "restore machine", c.what);
	if (!sn->move)
		close_disks(&c);
	/* Why it did not start is the past. */
	unlinkat(sn->vm, "error", 0);
}
