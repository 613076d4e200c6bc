/* jailroot.c - a jail's root directory, from inside; see jail.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "bng.h"
#include "jail.h"

#define TMPFS "size=64m,mode=755"
#define LOCKED (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/*
 * What is brought in. A mount is of the namespace that it was opened in, so
 * each is cloned before ours begins, and put in its place thereafter.
 */
struct tree {
	int dir;
	const char *name, *place;
	unsigned long flags;
	int fd;			/* the clone */
};

static int
clone_tree(struct tree *t)
{
	unsigned how = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;

	t->fd = (int)syscall(SYS_open_tree, t->dir, t->name, how);
	return t->fd < 0 && errno != ENOENT ? -errno : 0;
}

/* To a file that is made for it, or a directory that is there. */
static int
place_tree(const struct tree *t)
{
	const char *to = t->place + 1;
	autoclose int fd = -1;

	if (t->fd < 0)
		return 0;
	if (t->name[0])
		fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (t->name[0] && fd < 0)
		return -errno;
	if (syscall(SYS_move_mount, t->fd, "", AT_FDCWD, to,
	    MOVE_MOUNT_F_EMPTY_PATH) || mount(NULL, to, NULL,
	    MS_REMOUNT | MS_BIND | LOCKED | t->flags, NULL))
		return -errno;
	return 0;
}

/* Its configuration has no name outside, or none that it could reach. */
static int
bring_conf(const struct jail *j)
{
	char buf[4096];
	off_t at = 0;
	ssize_t n;
	int r = 0;
	autoclose int fd = open(&JAIL_CONF[1],
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

	if (fd < 0)
		return -errno;
	while (!r && (n = pread(j->conf, buf, sizeof(buf), at)) > 0) {
		r = write_all(fd, buf, (size_t)n);
		at += n;
	}
	return r;
}

/* Where the jailer will look for it: BASE/NAME/ID/root. */
static int
make_root(const struct jail *j)
{
	const char *const steps[] = { strrchr(j->vmm, '/') + 1, j->id, "root" };
	static const char *const dirs[] = { JAIL_VM, JAIL_IMAGE, JAIL_KERNEL,
		JAIL_SOCKETS };

	if (chdir(j->base))
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (mkdir(steps[i], 0755) || chdir(steps[i]))
			return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdir(dirs[i] + 1, 0755))
			return -errno;
	return 0;
}

int
jail_enter(const struct jail *j)
{
	struct tree trees[] = {
		{ j->vm, "overlay.ext4", JAIL_VM "/overlay.ext4", 0, -1 },
		{ j->vm, "work.ext4", JAIL_VM "/work.ext4", 0, -1 },
		{ j->image, "rootfs.ext4", JAIL_IMAGE "/rootfs.ext4",
			MS_RDONLY, -1 },
		{ j->kernel, "vmlinux", JAIL_KERNEL "/vmlinux", MS_RDONLY, -1 },
		{ j->kernel, "initrd", JAIL_KERNEL "/initrd", MS_RDONLY, -1 },
		{ j->kernel, "modules.ext4", JAIL_KERNEL "/modules.ext4",
			MS_RDONLY, -1 },
		{ j->sockets, "", JAIL_SOCKETS, 0, -1 },
	};
	int r = j->cgroup < 0 ? 0 : cgroup_enter(j->cgroup);

	for (size_t i = 0; !r && i < ARRAY_SIZE(trees); i++)
		r = clone_tree(&trees[i]);
	if (r)
		return r;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", j->base, "tmpfs", MS_NOSUID, TMPFS))
		return -errno;
	umask(022);
	r = make_root(j);
	for (size_t i = 0; !r && i < ARRAY_SIZE(trees); i++)
		r = place_tree(&trees[i]);
	if (!r)
		r = bring_conf(j);
	umask(077);
	return r;
}
