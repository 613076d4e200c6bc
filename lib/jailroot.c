/* jailroot.c - a jail's root directory, from inside; see jail.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sched.h>
#include <sys/mount.h>

#include "bng.h"
#include "jail.h"

#define TMPFS "size=64m,mode=755"
#define LOCKED (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* Both ends are below the root directory, where we are. */
static int
bind_to(const char *from, const char *to, unsigned long flags)
{
	if (mount(from, to, NULL, MS_BIND, NULL) ||
	    mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | LOCKED | flags, NULL))
		return -errno;
	return 0;
}

/* A file of a directory that we have open, as DIR/NAME; none needs no rule. */
static int
bring(int dir, const char *to, const char *name, unsigned long flags)
{
	char from[64], path[64];
	int fd;

	snprintf(from, sizeof(from), "/proc/self/fd/%d/%s", dir, name);
	snprintf(path, sizeof(path), "%s/%s", to + 1, name);
	if (faccessat(dir, name, F_OK, 0) && errno == ENOENT)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return bind_to(from, path, flags);
}

static int
bring_all(const struct jail *j)
{
	char from[64];
	int r = bring(j->vm, JAIL_VM, "overlay.ext4", 0);

	if (!r)
		r = bring(j->vm, JAIL_VM, "work.ext4", 0);
	if (!r)
		r = bring(j->image, JAIL_IMAGE, "rootfs.ext4", MS_RDONLY);
	if (!r)
		r = bring(j->kernel, JAIL_KERNEL, "vmlinux", MS_RDONLY);
	if (!r)
		r = bring(j->kernel, JAIL_KERNEL, "initrd", MS_RDONLY);
	if (!r)
		r = bring(j->kernel, JAIL_KERNEL, "modules.ext4", MS_RDONLY);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", j->sockets);
	return r ? r : bind_to(from, &JAIL_SOCKETS[1], 0);
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
	int r = j->cgroup < 0 ? 0 : cgroup_enter(j->cgroup);

	if (r)
		return r;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", j->base, "tmpfs", MS_NOSUID, TMPFS))
		return -errno;
	umask(022);
	r = make_root(j);
	if (!r)
		r = bring_all(j);
	if (!r)
		r = bring_conf(j);
	umask(077);
	return r;
}
