/* store.c - where images and kernels are found; see store.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>

#include "bng.h"
#include "dirs.h"
#include "name.h"
#include "store.h"

const struct store store_images = {
	"image", "images", "image_dir", "BANGER_IMAGE_PATH", "rootfs.ext4"
};
const struct store store_kernels = {
	"kernel", "kernels", "kernel_dir", "BANGER_KERNEL_PATH", "vmlinux"
};

char *
store_dir(const struct store *s, int n)
{
	const char *p = getenv(s->path_env);

	if (n == 0)
		return xasprintf("%s/%s", dir_state(), s->dir);
	while (p && *p) {
		size_t len = strcspn(p, ":");

		/* A relative entry would mean something else everywhere. */
		if (*p == '/' && --n == 0)
			return xasprintf("%.*s", (int)len, p);
		p += len + (p[len] == ':');
	}
	return NULL;
}

char *
store_find(const struct store *s, const char *name)
{
	char *dir;

	if (!name_ok(name))
		return NULL;
	for (int n = 0; (dir = store_dir(s, n)); n++) {
		char *found = xasprintf("%s/%s", dir, name);
		autofree char *file = xasprintf("%s/%s", found, s->file);
		autofree char *manifest = xasprintf("%s/manifest.json", found);

		free(dir);
		/* A link to what is gone is something to be told of. */
		if (!faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) &&
		    !access(manifest, F_OK))
			return found;
		free(found);
	}
	return NULL;
}

const char *
store_ref(const struct store *s, const char *dir)
{
	autofree char *own = store_dir(s, 0);
	size_t len = strlen(own);

	if (strncmp(dir, own, len) || dir[len] != '/')
		return dir;
	return dir + strlen(dir_state()) + 1;
}

ssize_t
store_of_vm(const struct store *s, int vmfd, char *buf, size_t size)
{
	char line[PATH_MAX];
	ssize_t n = file_line(vmfd, s->vm_key, line, sizeof(line));
	size_t len = strlen(s->dir);
	int want;

	if (n < 0)
		return n;
	if (line[0] == '/') {
		want = snprintf(buf, size, "%s", line);
	} else {
		if (strncmp(line, s->dir, len) || line[len] != '/' ||
		    !name_ok(line + len + 1))
			return -EINVAL;
		want = snprintf(buf, size, "%s/%s", dir_state(), line);
	}
	return (size_t)want < size ? want : -ENAMETOOLONG;
}
