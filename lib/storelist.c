/* storelist.c - what images and kernels there are; see storelist.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>

#include "bng.h"
#include "human.h"
#include "json.h"
#include "manifest.h"
#include "name.h"
#include "names.h"
#include "ociconfig.h"
#include "scratch.h"
#include "storelist.h"
#include "table.h"
#include "utf8.h"
#include "vm.h"

/* The columns between name and size: keys of the manifest. */
static const char *const image_keys[] = { "distro", "kernel" };
static const char *const kernel_keys[] = { "version", "machine" };
static const char *const image_heads[] = { "NAME", "DISTRO", "KERNEL", "SIZE",
	"CREATED", "DIGEST", "SOURCE", NULL };
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

/* As much of a digest as tells it from others: what follows "sha256:". */
static const char *
short_digest(const struct manifest *m, char buf[16])
{
	const char *digest = manifest_str(m, "digest");
	const char *hex = digest ? strchr(digest, ':') : NULL;

	snprintf(buf, 16, "%.12s", hex ? hex + 1 : "-");
	return buf;
}

static void
row(struct table *t, const struct store *s, const struct manifest *m,
    const char *name, int64_t size)
{
	const char *const *keys = s == &store_images ? image_keys : kernel_keys;
	char bytes[HUMAN_LEN], age[HUMAN_LEN], digest[16];
	const char *cells[] = { name, manifest_str(m, keys[0]),
		manifest_str(m, keys[1]), human_size(size, bytes),
		human_age(manifest_num(m, "created", -1), age),
		short_digest(m, digest), manifest_str(m, "source"), NULL };

	if (s != &store_images) {
		cells[5] = cells[6];
		cells[6] = NULL;
	}
	table_row(t, cells);
}

/* Whether its file is here, and not a link to somebody's. */
static bool
managed(const struct store *s, const char *dir)
{
	autofree char *file = xasprintf("%s/%s", dir, s->file);
	struct stat st;

	return lstat(file, &st) || !S_ISLNK(st.st_mode);
}

/* Left open for more. */
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
	if (s == &store_images) {
		json_str(j, "init", manifest_str(m, "init"));
		json_str(j, "digest", manifest_str(m, "digest"));
	}
	if (created < 0)
		json_str(j, "created", NULL);
	else
		json_num(j, "created", created);
	json_num(j, "allocated_bytes", size);
	json_bool(j, "managed", managed(s, dir));
	json_str(j, "directory", dir);
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
	if (l->how->json) {
		object(&l->json, s, m, name, dir, allocated(fd));
		json_close(&l->json, '}');
	} else {
		row(&l->table, s, m, name, allocated(fd));
	}
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

/* --- one of them, and who refers to it ---------------------------------- */

/* Machines that are there or being made; not those that are being deleted. */
static bool
machine_ok(const char *entry)
{
	return *entry != '.' || !strncmp(entry, ".new.", 5);
}

/*
 * Whether a machine is made of what is in dir, under whichever path either is
 * known. One whose own is not there, as when that was moved, is asked for its
 * name: it may be the only one left that it can be made whole with.
 */
static bool
refers(int vm, const struct store *s, const char *dir)
{
	char line[PATH_MAX];
	struct stat its, that;

	if (store_of_vm(s, vm, line, sizeof(line)) < 0)
		return false;
	if (!strcmp(line, dir))
		return true;
	if (stat(line, &its))
		return file_line(vm, s->noun, line, sizeof(line)) > 0 &&
		    !strcmp(line, strrchr(dir, '/') + 1);
	return !stat(dir, &that) && its.st_dev == that.st_dev &&
	    its.st_ino == that.st_ino;
}

/* The machines made of what is in dir: their names, as they will be. */
static void
machines_of(struct names *n, const struct store *s, const char *dir)
{
	char name[SCRATCH_NAME];
	struct names all = { 0 };
	pid_t pid;

	names_read(&all, vms_dir(), machine_ok);
	for (size_t i = 0; i < all.count; i++) {
		autofree char *path = xasprintf("%s/%s", vms_dir(),
		    all.name[i]);
		autoclose int fd = open(path, O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC);

		if (fd < 0 || !refers(fd, s, dir))
			continue;
		names_add(n, scratch_parse(all.name[i], "new", name, &pid) ?
		    name : all.name[i]);
	}
	names_sort(n);
}

/* The images that boot this kernel. */
static void
images_of(struct names *n, const char *kernel)
{
	struct names all = { 0 };

	every_name(&all, &store_images);
	for (size_t i = 0; i < all.count; i++) {
		autofree char *dir = store_find(&store_images, all.name[i]);
		autoclose int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC) : -1;
		struct manifest *m;
		const char *boots;

		if (fd < 0 || manifest_load(fd, "manifest.json", &m))
			continue;
		boots = manifest_str(m, "kernel");
		if (boots && !strcmp(boots, kernel))
			names_add(n, all.name[i]);
		manifest_free(m);
	}
}

static void
show_names(struct json *j, const char *key, const struct names *n)
{
	if (j) {
		json_open(j, key, '[');
		for (size_t i = 0; i < n->count; i++)
			json_str(j, NULL, n->name[i]);
		json_close(j, ']');
		return;
	}
	if (n->count)
		printf("%-12s", key);
	for (size_t i = 0; i < n->count; i++)
		printf(" %s", n->name[i]);
	if (n->count)
		putchar('\n');
}

static void
show_text(const char *key, const char *text)
{
	autofree char *copy = xstrdup(text ? text : "");

	utf8_clean(copy);
	if (*copy)
		printf("%-12s %s\n", key, copy);
}

static void
show_lines(const struct store *s, const struct manifest *m, const char *name,
    const char *dir, int64_t size)
{
	static const char *const keys[] = { "distro", "version", "machine",
		"kernel", "init", "arch", "source", "digest" };
	char text[HUMAN_LEN];

	show_text("name", name);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (s == &store_images || strcmp(keys[i], "kernel"))
			show_text(keys[i], manifest_str(m, keys[i]));
	show_text("size", human_size(size, text));
	show_text("created", human_age(manifest_num(m, "created", -1), text));
	show_text("directory", dir);
	if (!managed(s, dir))
		show_text("managed", "no: its file is somebody's");
}

/* How an OCI image says that it is run; one that is malformed says nothing. */
static void
show_config(struct json *j, const struct manifest *m)
{
	char why[OCICONFIG_WHY];
	struct cJSON *config = NULL;

	if (ociconfig_take(manifest_config(m), &config, why))
		warn("the image's configuration is malformed: %s", why);
	if (j)
		ociconfig_json(j, config);
	else
		ociconfig_lines(config);
}

int
storeshow(const struct store *s, const char *name, bool as_json)
{
	autofree char *dir = name_ok(name) ? store_find(s, name) : NULL;
	struct names machines = { 0 }, images = { 0 };
	struct json json = { 0 }, *j = as_json ? &json : NULL;
	struct manifest *m;
	autoclose int fd = -1;

	if (!dir)
		die_status(EXIT_NO, "there is no %s '%s'", s->noun, name);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || manifest_load(fd, "manifest.json", &m))
		m = manifest_new();
	if (as_json)
		object(j, s, m, name, dir, allocated(fd));
	else
		show_lines(s, m, name, dir, allocated(fd));
	if (s == &store_kernels) {
		images_of(&images, name);
		show_names(j, "images", &images);
	} else {
		show_config(j, m);
	}
	machines_of(&machines, s, dir);
	show_names(j, "machines", &machines);
	if (as_json)
		json_close(j, '}');
	return EXIT_YES;
}

int
storeuses(const struct store *s, const char *name)
{
	struct names machines = { 0 }, images = { 0 };
	autofree char *dir = NULL, *own = store_dir(s, 0);

	if (!name_ok(name))
		die_usage("uses: bad name '%s'", name);
	dir = store_find(s, name);
	if (!dir)
		dir = xasprintf("%s/%s", own, name);
	if (s == &store_kernels)
		images_of(&images, name);
	machines_of(&machines, s, dir);
	for (size_t i = 0; i < images.count; i++)
		printf("image %s\n", images.name[i]);
	for (size_t i = 0; i < machines.count; i++)
		printf("machine %s\n", machines.name[i]);
	return EXIT_YES;
}
