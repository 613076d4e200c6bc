/* manifest.h - manifest.json of an image or a kernel
 *
 * An object of strings and numbers, and `config` (ociconfig.h); see
 * architecture.md.
 */
#ifndef BNG_MANIFEST_H
#define BNG_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct manifest;

/*
 * Read the file name below dirfd: an object of at most 256 KiB. 0, -ENOENT,
 * -EFBIG, -EBADMSG for what is no such object, or another -errno.
 */
int manifest_load(int dirfd, const char *name, struct manifest **ret_m);

struct manifest *manifest_new(void);
void manifest_free(struct manifest *m);

/* The string of a key, or NULL; it lives as long as the manifest. */
const char *manifest_str(const struct manifest *m, const char *key);

/* The whole number of a key, or missing. */
int64_t manifest_num(const struct manifest *m, const char *key,
    int64_t missing);

/* The string i of the array at a path of keys, "config.cmd"; NULL: no more. */
const char *manifest_item(const struct manifest *m, const char *path, int i);

/* Set a key; text is "created"'s number, or a string. */
void manifest_set(struct manifest *m, const char *key, const char *text);

/* Its member `config`, or NULL; set, what is given is used up. */
const struct cJSON *manifest_config(const struct manifest *m);
void manifest_set_config(struct manifest *m, struct cJSON *config);

/* Write it as the file name below dirfd, whole or not at all; 0 or -errno. */
int manifest_save(const struct manifest *m, int dirfd, const char *name);

#endif
