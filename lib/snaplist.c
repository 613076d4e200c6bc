/* snaplist.c - what snapshots there are; see snaplist.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "human.h"
#include "name.h"
#include "names.h"
#include "snaplist.h"
#include "table.h"
#include "vm.h"

#define MIB (INT64_C(1) << 20)

struct snap {
	const char *name;
	int64_t created;
	struct timespec exactly;	/* of those within a second */
};

struct snaps {
	struct snap *snap;
	size_t count;
	int dir;		/* of the machine's, or -1 */
};

static int
older(const void *a, const void *b)
{
	const struct snap *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	if (x->exactly.tv_nsec != y->exactly.tv_nsec)
		return x->exactly.tv_nsec < y->exactly.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* A whole number of at least 0, or -1. */
static int64_t
number(int fd, const char *key)
{
	int64_t n;

	return file_num(fd, key, 0, INT64_MAX, &n) ? -1 : n;
}

static int
open_snap(const struct snaps *s, const char *name)
{
	return openat(s->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
}

/* The machine's, the oldest first. */
static struct snaps
load(int vmfd)
{
	struct snaps s = { .dir = openat(vmfd, "snapshots", O_RDONLY |
	    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) };
	autofree char *path = NULL;
	struct names n = { 0 };

	if (s.dir < 0)
		return s;
	path = xasprintf("/proc/self/fd/%d", s.dir);
	names_read(&n, path, name_ok);
	s.snap = xcalloc(n.count + 1, sizeof(*s.snap));
	for (size_t i = 0; i < n.count; i++) {
		autoclose int fd = open_snap(&s, n.name[i]);
		struct stat st;

		if (fd >= 0 && !fstatat(fd, "created", &st, 0))
			s.snap[s.count++] = (struct snap){ n.name[i],
				number(fd, "created"), st.st_mtim };
	}
	if (s.count)
		qsort(s.snap, s.count, sizeof(*s.snap), older);
	return s;
}

static void
unload(struct snaps *s)
{
	free(s->snap);
	if (s->dir >= 0)
		close(s->dir);
}

/* Bytes that its files take. */
static int64_t
allocated(int fd)
{
	static const char *const files[] = { "memory", "state", "overlay.ext4",
		"work.ext4" };
	struct stat st;
	int64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!fstatat(fd, files[i], &st, AT_SYMLINK_NOFOLLOW))
			sum += (int64_t)st.st_blocks * 512;
	return sum;
}

static bool
has_memory(int fd)
{
	return !faccessat(fd, "memory", F_OK, AT_SYMLINK_NOFOLLOW);
}

/* A value, or "". */
static const char *
value(int fd, const char *key, char *buf, size_t size)
{
	if (file_line(fd, key, buf, size) < 0)
		*buf = '\0';
	return buf;
}

static void
row(struct table *t, const char *vm, const struct snap *s, int fd)
{
	char memory[HUMAN_LEN], size[HUMAN_LEN], age[HUMAN_LEN], vmm[64];
	int64_t mib = number(fd, "memory_mib");

	memory[0] = '\0';
	if (has_memory(fd) && mib >= 0 && mib <= INT64_MAX / MIB)
		human_size(mib * MIB, memory);
	table_row(t, (const char *[]){ vm, s->name, memory,
	    human_size(allocated(fd), size), human_age(s->created, age),
	    value(fd, "vmm", vmm, sizeof(vmm)), NULL });
}

static void
object(struct json *j, const char *vm, const struct snap *s, int fd)
{
	static const char *const texts[] = { "image", "kernel", "vmm",
		"vmm_version", "accel" };
	char buf[4096];

	json_open(j, NULL, '{');
	json_str(j, "machine", vm);
	json_str(j, "name", s->name);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_str(j, texts[i], file_line(fd, texts[i], buf,
		    sizeof(buf)) < 0 ? NULL : buf);
	json_str(j, "kind", has_memory(fd) ? "memory" : "disks");
	json_num(j, "vcpu", number(fd, "vcpu"));
	json_num(j, "memory_mib", number(fd, "memory_mib"));
	json_num(j, "created", s->created);
	json_num(j, "allocated_bytes", allocated(fd));
	json_close(j, '}');
}

/* Those of one machine. */
static bool
list_machine(struct listing *l, const char *vm)
{
	autoclose int vmfd = vm_peek(vm);
	struct snaps s;

	if (vmfd < 0)
		return false;
	s = load(vmfd);
	for (size_t i = 0; i < s.count; i++) {
		autoclose int fd = open_snap(&s, s.snap[i].name);

		if (l->how->quiet && l->how->count == 1)
			puts(s.snap[i].name);
		else if (l->how->quiet)
			printf("%s\t%s\n", vm, s.snap[i].name);
		else if (l->how->json)
			object(&l->json, vm, &s.snap[i], fd);
		else
			row(&l->table, vm, &s.snap[i], fd);
	}
	unload(&s);
	return true;
}

int
snaplist(const struct list_how *how)
{
	static const char *const heads[] = { "MACHINE", "SNAPSHOT", "MEMORY",
		"SIZE", "CREATED", "VMM", NULL };
	struct listing l = { .how = how, .noun = "machine", .heads = heads,
		.every = vm_every, .one = list_machine };

	return listing_run(&l);
}

char *
snaplist_names(int vmfd)
{
	struct snaps s = load(vmfd);
	char *all = xstrdup("");

	for (size_t i = 0; i < s.count; i++) {
		autofree char *before = all;

		all = xasprintf("%s%s%s", before, i ? ", " : "",
		    s.snap[i].name);
	}
	unload(&s);
	return all;
}

void
snaplist_json(struct json *j, int vmfd, const char *key)
{
	struct snaps s = load(vmfd);

	json_open(j, key, '[');
	for (size_t i = 0; i < s.count; i++)
		json_str(j, NULL, s.snap[i].name);
	json_close(j, ']');
	unload(&s);
}
