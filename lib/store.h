/* store.h - where images and kernels are found
 *
 * In the state directory, then in each read-only directory of a
 * colon-separated environment variable; the first that has a name wins.
 */
#ifndef BNG_STORE_H
#define BNG_STORE_H

#include <sys/types.h>

struct store {
	const char *noun;	/* "image" */
	const char *dir;	/* "images": below the state directory */
	const char *vm_key;	/* "image_dir": a machine's value */
	const char *path_env;	/* "BANGER_IMAGE_PATH" */
	const char *file;	/* "rootfs.ext4": what makes it one */
};

extern const struct store store_images, store_kernels;

/* The n-th directory to look into, malloc'ed, or NULL after the last. */
char *store_dir(const struct store *s, int n);

/* The absolute directory of NAME, malloc'ed, or NULL when there is none. */
char *store_find(const struct store *s, const char *name);

/*
 * How a machine refers to such a directory: to one of the state directory's
 * own without that one's path, so that it may be moved, or have two. Within
 * `dir`.
 */
const char *store_ref(const struct store *s, const char *dir);

/*
 * What a machine refers to by its value "image_dir" or "kernel_dir": an
 * absolute path. Its length, or -errno; -EINVAL where it is none.
 */
ssize_t store_of_vm(const struct store *s, int vmfd, char *buf, size_t size);

#endif
