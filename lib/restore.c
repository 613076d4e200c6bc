/* restore.c - a machine is what it was at one moment; see snapshot.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "dirs.h"
#include "gc.h"
#include "lock.h"
#include "snap.h"
#include "supervise.h"
#include "vm.h"

/* What snapshot_open's letters "+mgn" mean. */
enum { MOVE = 1 << 1, GC_FIRST = 1 << 2, ONLY_LOOK = 1 << 3 };

noreturn_fn static void
refuse_part(const struct snapshot *sn, const char *name, const char *why)
{
	die("cannot restore machine '%s': '%s' of its snapshot '%s': %s",
	    sn->vm_name, name, sn->name, why);
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

noreturn_fn static void
refuse_absent(const struct snapshot *sn)
{
	die_status(EXIT_NO, "machine '%s' has no snapshot '%s'", sn->vm_name,
	    sn->name);
}

/*
 * Nobody deletes it from here on until we are done: a VMM opens its parts by
 * their names. Somebody may have, while we waited.
 */
static int
hold(const struct snapshot *sn)
{
	struct stat st, open, named;
	int fd = openat(sn->dir, "created", O_RDONLY | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK);
	int r = fd < 0 ? -errno : lock_fd_shared(fd, true);

	if (r == -ENOENT)
		die("cannot restore machine '%s': '%s' is no snapshot",
		    sn->vm_name, sn->path);
	if (!r && (fstat(fd, &st) || !S_ISREG(st.st_mode)))
		refuse_part(sn, "created", "it is no file");
	if (r)
		refuse_part(sn, "created", strerror(-r));
	if (fstat(sn->dir, &open) || stat(sn->path, &named) ||
	    open.st_dev != named.st_dev || open.st_ino != named.st_ino)
		refuse_absent(sn);
	return fd;
}

void
snapshot_open(struct snapshot *sn, int argc, char *argv[], struct sup *s,
    const struct snapshot_vmm *v)
{
	autofree char *now = NULL;
	char vmm[SNAP_LINE];
	unsigned given;

	memset(sn, 0, sizeof(*sn));
	given = snap_options(argc, argv, "+mgn", &sn->path);
	sn->command = argv + optind + 2;
	sn->move = given & MOVE;
	sn->only_look = given & ONLY_LOOK;
	if (given & GC_FIRST)
		(void)gc_run(false, stderr);
	if (sn->only_look)
		sup_open(s, argv[optind]);
	else
		sup_lock(s, argv[optind], -1);
	sn->vm = s->dir;
	sn->vm_name = s->name;
	/* A command waits by itself, at the machine's door. */
	s->until_ready = !*sn->command;
	s->doing = "restore machine";
	s->words = sn->command;
	sn->lasting = !snap_ephemeral(sn->vm);
	sn->name = name_of(sn->path);
	sn->dir = open(sn->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sn->dir < 0 && errno == ENOENT)
		refuse_absent(sn);
	if (sn->dir < 0)
		die_sys("cannot open '%s'", sn->path);
	s->starters = hold(sn);
	check_sizes(sn);
	sn->memory = faccessat(sn->dir, "memory", F_OK, AT_SYMLINK_NOFOLLOW) ?
	    -1 : open_part(sn, "memory");
	if (sn->memory >= 0 && !snapshot_says(sn, "vmm", v->name))
		die("cannot restore machine '%s': its snapshot '%s' was made "
		    "under '%s'", sn->vm_name, sn->name,
		    snap_value(sn->dir, "vmm", vmm, sizeof(vmm)));
	now = snap_base(sn->dir);
	if (!snapshot_says(sn, "base", now))
		die("cannot restore machine '%s': its image or kernel was "
		    "replaced since the snapshot '%s'", sn->vm_name, sn->name);
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
		die("cannot restore machine '%s': the snapshot was made with "
		    "%s %s, and this is %s", sn->vm_name, vmm,
		    then[0] ? then : "?", here);
}

void
snapshot_used(const struct snapshot *sn)
{
	int r = sn->move ? file_rm_tree(AT_FDCWD, sn->path) : 0;

	if (r) {
		errno = -r;
		die_sys("cannot remove '%s'", sn->path);
	}
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
