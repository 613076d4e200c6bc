/* storelist.c - what images and kernels there are; see storelist.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "human.h"
#include "json.h"
#include "manifest.h"
#include "name.h"
#include "names.h"
#include "storelist.h"
#include "table.h"

/* The columns between name and size: keys of the manifest. */
static const char *const image_keys[] = { "distro", "kernel" };
static const char *const kernel_keys[] = { "version", "machine" };
static const char *const image_heads[] = { "NAME", "DISTRO", "KERNEL", "SIZE",
	"CREATED", "SOURCE", NULL };
static const char *const kernel_heads[] = { "NAME", "VERSION", "MACHINE",
	"SIZE", "CREATED", "SOURCE", NULL };

/* Bytes that an image's or a kernel's files take on the disk. */
static int64_t
allocated(int fd)
{
	static const char *const files[] = { "rootfs.ext4", "vmlinux",
		"initrd", "modules.ext4" };
	struct stat st;
	int64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!fstatat(fd, files[i], &st, 0))
			sum += (int64_t)st.st_blocks * 512;
	return sum;
}

static void
row(struct table *t, const struct store *s, const struct manifest *m,
    const char *name, int64_t size)
{
	const char *const *keys = s == &store_images ? image_keys : kernel_keys;
	char bytes[HUMAN_LEN], age[HUMAN_LEN];

	table_row(t, (const char *[]){ name, manifest_str(m, keys[0]),
	    manifest_str(m, keys[1]), human_size(size, bytes),
	    human_age(manifest_num(m, "created", -1), age),
	    manifest_str(m, "source"), NULL });
}

static void
object(struct json *j, const struct store *s, const struct manifest *m,
    const char *name, const char *dir, int64_t size)
{
	static const char *const common[] = { "arch", "source" };
	const char *const *keys = s == &store_images ? image_keys : kernel_keys;
	int64_t created = manifest_num(m, "created", -1);

	json_open(j, NULL, '{');
	json_str(j, "name", name);
	for (size_t i = 0; i < 2; i++)
		json_str(j, keys[i], manifest_str(m, keys[i]));
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		json_str(j, common[i], manifest_str(m, common[i]));
	if (s == &store_images)
		json_str(j, "init", manifest_str(m, "init"));
	if (created < 0)
		json_str(j, "created", NULL);
	else
		json_num(j, "created", created);
	json_num(j, "allocated_bytes", size);
	json_str(j, "directory", dir);
	json_close(j, '}');
}

static void
every_name(struct names *n, const void *s)
{
	char *dir;

	for (int i = 0; (dir = store_dir(s, i)); i++) {
		names_read(n, dir, name_ok);
		free(dir);
	}
	names_sort(n);
}

static bool
list_one(struct listing *l, const char *name)
{
	const struct store *s = l->ctx;
	autofree char *dir = store_find(s, name);
	struct manifest *m;
	autoclose int fd = -1;

	if (!dir)
		return false;
	if (l->how->quiet) {
		puts(name);
		return true;
	}
	/* One whose manifest cannot be read is listed all the same. */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || manifest_load(fd, "manifest.json", &m))
		m = manifest_new();
	if (l->how->json)
		object(&l->json, s, m, name, dir, allocated(fd));
	else
		row(&l->table, s, m, name, allocated(fd));
	manifest_free(m);
	return true;
}

int
storelist(const struct store *s, const struct list_how *how)
{
	struct listing l = { .how = how, .noun = s->noun,
		.heads = s == &store_images ? image_heads : kernel_heads,
		.every = every_name, .one = list_one, .ctx = s };

	return listing_run(&l);
}
