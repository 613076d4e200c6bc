/* store.h - where images and kernels are found
 *
 * In the state directory, then in each read-only directory of a
 * colon-separated environment variable; the first that has a name wins.
 */
#ifndef BNG_STORE_H
#define BNG_STORE_H

struct store {
	const char *noun;	/* "image" */
	const char *dir;	/* "images": below the state directory */
	const char *path_env;	/* "BANGER_IMAGE_PATH" */
	const char *file;	/* "rootfs.ext4": what makes it one */
};

extern const struct store store_images, store_kernels;

/* The n-th directory to look into, malloc'ed, or NULL after the last. */
char *store_dir(const struct store *s, int n);

/* The absolute directory of NAME, malloc'ed, or NULL when there is none. */
char *store_find(const struct store *s, const char *name);

#endif
