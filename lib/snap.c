/* snap.c - what the two verbs of a snapshot share; see snap.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "snap.h"
#include "store.h"

const char *const snap_disks[SNAP_DISKS] = { "overlay.ext4", "work.ext4" };

const char *const snap_values[SNAP_VALUES] = { "vcpu", "memory_mib",
	"disk_bytes", "image", "image_dir", "kernel", "kernel_dir", "net",
	"nat", "nested", "accel", "vmm", "vmm_version" };

void
snap_fail(const struct snapshot *sn, int r, const char *verb, const char *what)
{
	die("cannot %s '%s': '%s': %s", verb, sn->vm_name, what, strerror(-r));
}

const char *
snap_value(int dir, const char *key, char *buf, size_t size)
{
	if (file_line(dir, key, buf, size) < 0)
		buf[0] = '\0';
	return buf;
}

bool
snapshot_says(const struct snapshot *sn, const char *key, const char *text)
{
	char line[SNAP_LINE];

	return !strcmp(snap_value(sn->dir, key, line, sizeof(line)), text);
}

bool
snap_ephemeral(int vm)
{
	char yes[8];

	return !strcmp(snap_value(vm, "ephemeral", yes, sizeof(yes)), "yes");
}

/* Size and age of a file of what the machine refers to. */
static char *
age(int dir, const struct store *of, const char *name)
{
	char path[SNAP_LINE];
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

char *
snap_base(int dir)
{
	autofree char *image = age(dir, &store_images, "rootfs.ext4");
	autofree char *modules = age(dir, &store_kernels, "modules.ext4");

	return xasprintf("%s %s", image, modules);
}

char *
snap_sizes(int dir)
{
	static const char *const names[] = { "overlay.ext4", "work.ext4",
		"memory", "state" };
	char *text = xstrdup("");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		autofree char *before = text;
		struct stat st;

		if (fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW))
			text = xstrdup(before);
		else
			text = xasprintf("%s%s%s %lld", before, *before ? " " :
			    "", names[i], (long long)st.st_size);
	}
	return text;
}

unsigned
snap_options(int argc, char *argv[], const char *letters, char **ret_dir)
{
	unsigned given = 0;
	size_t len;
	int c;

	while ((c = getopt(argc, argv, letters)) != -1) {
		if (c == '?')
			die_usage("%s: unknown option", argv[0]);
		given |= 1U << (strchr(letters, c) - letters);
	}
	if (argc - optind < 2 || (argc - optind > 2 && letters[0] != '+'))
		die_usage("%s: a machine and a directory are wanted", argv[0]);
	*ret_dir = xstrdup(argv[optind + 1]);
	for (len = strlen(*ret_dir); len > 1 && (*ret_dir)[len - 1] == '/';)
		(*ret_dir)[--len] = '\0';
	return given;
}
