/* supconfine.c - what any VMM may touch; see supervise.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>

#include "bng.h"
#include "supervise.h"

/* Not news for who started it, each time: doctor tells it, too. */
static void
tell(struct sup *s)
{
	if (!s->told)
		sup_note(s, "this kernel has no Landlock: the VMM may touch "
		    "files that are not the machine's");
	s->told = true;
}

/*
 * The file that says how the host resolves names. It is replaced when the
 * host moves, and a rule does not follow: hence its directory, unless secrets
 * are in that.
 */
static void
resolver(struct confine *c)
{
	char path[PATH_MAX];

	confine_file(c, AT_FDCWD, "/etc/resolv.conf", CONFINE_READ);
	if (geteuid())
		confine_file(c, AT_FDCWD, "/etc", CONFINE_READ);
	if (!realpath("/etc/resolv.conf", path) || strncmp(path, "/run/", 5))
		return;
	*strrchr(path, '/') = '\0';
	if (strcmp(path, "/run"))
		confine_file(c, AT_FDCWD, path, CONFINE_READ);
}

/*
 * Of the machine's directory the disks alone: the values in it decide what
 * its next start opens, and whom its end signals.
 */
int
sup_confine(struct sup *s, struct launch *l, int image, int kernel, int flags)
{
	static const char *const disks[] = { "overlay.ext4", "work.ext4" };
	static const char *const boot[] = { "vmlinux", "initrd",
		"modules.ext4" };
	struct confine *c = &l->confine;
	int r = confine_init(c, flags);

	if (r == -EOPNOTSUPP)
		tell(s);
	else if (r)
		return r;
	confine_program(c, l->path);
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		confine_file(c, s->dir, disks[i], CONFINE_WRITE);
	confine_file(c, image, "rootfs.ext4", CONFINE_READ);
	for (size_t i = 0; i < ARRAY_SIZE(boot); i++)
		confine_file(c, kernel, boot[i], CONFINE_READ);
	if (flags & CONFINE_CONNECT)
		resolver(c);
	return 0;
}
