/* supread.h - what a machine's directories say to who starts it
 *
 * Whatever is missing or wrong is sup_refuse'd, which ends the process: these
 * return good values. They are for a VMM's `start` and `restore`, after
 * sup_lock and before sup_start; doc/vmm.md has the whole of it.
 */
#ifndef BNG_SUPREAD_H
#define BNG_SUPREAD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct sup;

/* A value from 1 to max. */
int64_t sup_number(struct sup *s, const char *key, int64_t max);

/* A value's line, "" when there is none; whether it is "yes". */
void sup_value(struct sup *s, const char *key, char *buf, size_t size);
bool sup_yes(struct sup *s, const char *key);

/* The image or kernel that it refers to: a descriptor. */
int sup_open_dir(struct sup *s, const struct store *of);

/* That dir/name is a file we may use so: R_OK, R_OK | W_OK. */
void sup_need_file(struct sup *s, int dir, const char *name, int mode);

/*
 * Its drives, in the order that the guest knows them by. Returns whether
 * there is a fourth, the kernel's modules.
 */
bool sup_need_drives(struct sup *s, int image, int kernel);

/* manifest.json of an image or a kernel. */
cJSON *sup_manifest(struct sup *s, int dir);

/*
 * The kernel's command line, malloc'ed: the kernel's manifest (km) and the
 * image's init, and what nobody could do without. Its files are there.
 */
char *sup_kernel_line(struct sup *s, const cJSON *km, int image, int kernel);

#endif
