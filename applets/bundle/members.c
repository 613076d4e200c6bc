/* members.c - what may be in a bundle, and in which order; see bundle.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>

#include "bundle.h"
#include "human.h"
#include "name.h"

const char *const bundle_kinds[2] = { "image", "kernel" };

enum bundle_kind
bundle_kind(const char *word)
{
	for (int i = 0; i < 2; i++)
		if (!strcmp(word, bundle_kinds[i]))
			return (enum bundle_kind)i;
	return BUNDLE_ANY;
}

enum { MANIFEST, MAIN, EARLY = 8, DEPTH = 12 };

/* By kind, in the order of a bundle, the manifest being the first of each. */
static const char *const names[2][4] = {
	{ "rootfs.ext4" },
	{ "vmlinux", "initrd", "initrd.first", "modules.ext4" },
};

printf_fn(2, 3) static int
wrong(struct members *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->why, sizeof(m->why), fmt, ap);
	va_end(ap);
	return -1;
}

/* early/ and a path of good names. */
static bool
is_early(const char *path)
{
	char part[160];

	if (strncmp(path, "early/", 6))
		return false;
	path += 6;
	for (int depth = 0; depth < DEPTH; depth++) {
		size_t n = strcspn(path, "/");

		if (n >= sizeof(part))
			return false;
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		if (!name_ok(part))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
	return false;
}

/* Where in the order it has its place; -1: it has none. */
static int
rank_of(enum bundle_kind kind, const char *path)
{
	if (!strcmp(path, "manifest.json"))
		return MANIFEST;
	for (int i = 0; i < 4; i++)
		if (names[kind][i] && !strcmp(names[kind][i], path))
			return MAIN + i;
	return kind == BUNDLE_KERNEL && is_early(path) ? EARLY : -1;
}

static const char *
type_of(char type)
{
	switch (type) {
	case '1': return "a hard link";
	case '2': return "a symbolic link";
	case '3':
	case '4': return "a device";
	case '5': return "a directory";
	case '6': return "a fifo";
	default: return "of an unknown type";
	}
}

static const char *
kind_name(const struct members *m)
{
	return m->kind == BUNDLE_ANY ? "a bundle" :
	    m->kind == BUNDLE_IMAGE ? "an image's bundle" :
	    "a kernel's bundle";
}

/* Sizes, for what is kept in memory and for all. */
static int
check_size(struct members *m, int rank, const struct tar_entry *e)
{
	char most[HUMAN_LEN];

	if (rank == MANIFEST && e->size > MANIFEST_MAX)
		return wrong(m, "its manifest.json is larger than %s",
		    human_size(MANIFEST_MAX, most));
	if (rank == EARLY && (++m->early_files > EARLY_FILES ||
	    e->size > EARLY_MAX - m->early))
		return wrong(m, "below early/ there are more than %d files or "
		    "%s", EARLY_FILES, human_size(EARLY_MAX, most));
	if (e->size > m->max - m->sum)
		return wrong(m, "it unpacks to more than %s",
		    human_size((int64_t)m->max, most));
	m->early += rank == EARLY ? e->size : 0;
	m->sum += e->size;
	return 0;
}

/* Whether this member may come now. */
static int
check(struct members *m, const struct tar_entry *e)
{
	int rank;

	if (m->kind == BUNDLE_ANY && m->rank == MANIFEST)
		m->kind = !strcmp(e->path, "rootfs.ext4") ? BUNDLE_IMAGE :
		    BUNDLE_KERNEL;
	rank = rank_of(m->kind == BUNDLE_ANY ? BUNDLE_IMAGE : m->kind,
	    e->path);
	if (rank < 0 || (m->kind == BUNDLE_ANY && rank))
		return wrong(m, "'%s' has no place in %s", e->path,
		    kind_name(m));
	if (e->type != '0')
		return wrong(m, "'%s' is %s, no regular file", e->path,
		    type_of(e->type));
	if (e->map)
		return wrong(m, "'%s' is stored as a sparse file", e->path);
	if (!strcmp(e->path, m->last))
		return wrong(m, "'%s' is there twice", e->path);
	if (rank < m->rank || (rank == EARLY && m->rank == EARLY &&
	    strcmp(e->path, m->last) < 0))
		return wrong(m, "'%s' comes too late", e->path);
	if (rank > MAIN && m->rank < MAIN)
		return wrong(m, "'vmlinux' is missing before '%s'", e->path);
	if (rank == MAIN && m->rank < MANIFEST)
		return wrong(m, "'manifest.json' is not its first member");
	m->rank = rank;
	snprintf(m->last, sizeof(m->last), "%s", e->path);
	return check_size(m, rank, e);
}

static int
pass_on(struct members *m, struct tar_in *t, const struct tar_entry *e)
{
	const uint8_t *p;
	long n;

	if (m->begin(m, e->path, e->size))
		return -1;
	while ((n = tar_data(t, &p)) > 0)
		if (m->data(m, p, (size_t)n))
			return -1;
	return n < 0 ? -1 : m->end(m);
}

int
members_read(struct members *m, struct tar_in *t)
{
	static struct tar_entry e;
	int r;

	m->rank = -1;
	m->sum = m->early = 0;
	m->early_files = 0;
	m->last[0] = m->why[0] = '\0';
	while ((r = tar_next(t, &e)) > 0)
		if (check(m, &e) || pass_on(m, t, &e))
			return -1;
	if (r < 0)
		return -1;
	if (m->rank < MANIFEST)
		return wrong(m, "'manifest.json' is missing");
	if (m->rank < MAIN)
		return wrong(m, "'%s' is missing", m->kind == BUNDLE_ANY ?
		    "rootfs.ext4 or vmlinux" : names[m->kind][0]);
	return tar_ends(t);
}
