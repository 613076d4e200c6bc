/* store.c - where images and kernels are found; see store.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "dirs.h"
#include "name.h"
#include "store.h"

const struct store store_images = {
	"image", "images", "BANGER_IMAGE_PATH", "rootfs.ext4"
};
const struct store store_kernels = {
	"kernel", "kernels", "BANGER_KERNEL_PATH", "vmlinux"
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
