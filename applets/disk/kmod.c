/* kmod.c - kernel modules in the order of loading
 *
 * SPDX-License-Identifier: MIT
 *
 * A distribution's package has no modules.dep (depmod makes that where it is
 * installed), but each module names what it needs: "depends=a,b" and
 * "softdep=pre: a b post: c". So the files themselves are asked, and only
 * those that are wanted. modules.builtin says what the kernel has anyway.
 */
#include <dirent.h>

#include "disk.h"

enum {
	MODULE_MAX = 128 << 20,	/* bytes of one module */
	DEEP = 64,		/* dependencies of dependencies; directories */
};

/* "kernel/net/nf-nat.ko.xz" is nf_nat; NULL for what is no module. */
static char *
module_name(const char *path)
{
	const char *base = strrchr(path, '/');
	const char *end;
	char *name;

	base = base ? base + 1 : path;
	end = strstr(base, ".ko");
	if (!end || end == base || (end[3] && end[3] != '.'))
		return NULL;
	name = xasprintf("%.*s", (int)(end - base), base);
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

static void
add(struct kmods *k, char *name, char *path)
{
	if (!(k->n & (k->n + 1)))
		k->v = xrealloc(k->v, (2 * k->n + 1) * sizeof(*k->v));
	k->v[k->n++] = (struct kmod){ .name = name, .path = path };
}

/* "build" and "source" lead out of the tree, so links are not followed. */
static int
kind(const char *path, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type;
	return lstat(path, &st) ? DT_UNKNOWN : IFTODT(st.st_mode);
}

static void
scan(struct kmods *k, const char *dir, int depth)
{
	struct dirent *e;
	autoclosedir DIR *d = opendir(dir);

	if (!d)
		die_sys("cannot read '%s'", dir);
	if (depth > DEEP)
		die("cannot read '%s': too deep", dir);
	while ((e = readdir(d))) {
		autofree char *path = NULL;
		char *name;

		if (e->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s", dir, e->d_name);
		if (kind(path, e) == DT_DIR)
			scan(k, path, depth + 1);
		else if (kind(path, e) == DT_REG && (name = module_name(path)))
			add(k, name, steal(&path));
	}
}

static void
add_builtin(struct kmods *k)
{
	autofree char *path = xasprintf("%s/modules.builtin", k->dir);
	autofree char *line = NULL;
	autofclose FILE *f = fopen(path, "re");
	size_t size = 0;
	ssize_t n;

	if (!f && errno == ENOENT)
		return;
	if (!f)
		die_sys("cannot read '%s'", path);
	while ((n = getline(&line, &size, f)) > 0) {
		char *name;

		line[n - (line[n - 1] == '\n')] = '\0';
		name = module_name(line);
		if (name)
			add(k, name, NULL);
	}
}

/* By name; a file comes before a built-in of its name. */
static int
by_name(const void *a, const void *b)
{
	const struct kmod *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : !x->path - !y->path ? !x->path - !y->path :
	    x->path ? strcmp(x->path, y->path) : 0;
}

void
kmods_open(struct kmods *k, const char *dir)
{
	*k = (struct kmods){ .dir = dir };
	scan(k, dir, 0);
	if (!k->n)
		die("there is no module in '%s'", dir);
	add_builtin(k);
	qsort(k->v, k->n, sizeof(*k->v), by_name);
	k->order = xcalloc(k->n, sizeof(*k->order));
}

static struct kmod *
find(struct kmods *k, const char *name, size_t len)
{
	size_t lo = 0, hi = k->n;
	autofree char *want = xasprintf("%.*s", (int)len, name);

	for (char *p = want; *p; p++)
		if (*p == '-')
			*p = '_';
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(k->v[mid].name, want) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < k->n && !strcmp(k->v[lo].name, want) ? &k->v[lo] : NULL;
}

static void
load(struct kmod *m, const char **ret_text, size_t *ret_n)
{
	if (!m->data)
		m->data = reader_file(m->path, MODULE_MAX, &m->size);
	if (modinfo_find(m->data, m->size, ret_text, ret_n))
		die("cannot read '%s': it is not a 64-bit kernel module",
		    m->path);
}

static void visit(struct kmods *k, struct kmod *m, int depth);

/* Modules that call themselves `alias` too, in the places of cryptography. */
static void
visit_alias(struct kmods *k, const char *alias, size_t len, int depth)
{
	for (size_t i = 0; i < k->n; i++) {
		struct kmod *m = &k->v[i];
		const char *text, *v;
		size_t n, pos = 0;
		bool is = false;

		if (!m->path || (!strstr(m->path, "/crypto/") &&
		    !strstr(m->path, "/lib/")))
			continue;
		load(m, &text, &n);
		while ((v = modinfo_next(text, n, "alias", &pos)))
			is |= strlen(v) == len && !memcmp(v, alias, len);
		if (is)
			visit(k, m, depth);
	}
}

/* "pre: a b post: c": those of one kind; absent ones are no error. */
static void
visit_soft(struct kmods *k, const char *text, const char *kind, int depth)
{
	bool on = false;

	while (*(text += strspn(text, " "))) {
		size_t len = strcspn(text, " ");
		struct kmod *m;

		if (text[len - 1] == ':') {
			on = len == strlen(kind) && !memcmp(text, kind, len);
		} else if (on) {
			m = find(k, text, len);
			if (m)
				visit(k, m, depth);
			else
				visit_alias(k, text, len, depth);
		}
		text += len;
	}
}

static void
visit_softs(struct kmods *k, const char *text, size_t n, const char *kind,
    int depth)
{
	size_t pos = 0;
	const char *v;

	while ((v = modinfo_next(text, n, "softdep", &pos)))
		visit_soft(k, v, kind, depth);
}

static void
visit_hard(struct kmods *k, const struct kmod *m, const char *v, int depth)
{
	while (*v) {
		size_t len = strcspn(v, ",");
		struct kmod *d = len ? find(k, v, len) : NULL;

		if (len && !d)
			die("module '%s' needs '%.*s', which is not in '%s'",
			    m->name, (int)len, v, k->dir);
		if (d)
			visit(k, d, depth);
		v += len + (v[len] == ',');
	}
}

static void
visit(struct kmods *k, struct kmod *m, int depth)
{
	const char *text, *v;
	size_t n, pos = 0;

	/* Met again on the way down, it is a loop of soft dependencies. */
	if (!m->path || m->wanted)
		return;
	if (depth > DEEP)
		die("module '%s' has too deep a chain of dependencies",
		    m->name);
	m->wanted = true;
	load(m, &text, &n);
	visit_softs(k, text, n, "pre:", depth + 1);
	while ((v = modinfo_next(text, n, "depends", &pos)))
		visit_hard(k, m, v, depth + 1);
	k->order[k->norder++] = m;
	visit_softs(k, text, n, "post:", depth + 1);
}

void
kmods_want(struct kmods *k, const char *name)
{
	size_t len = strlen(name);
	bool optional = len && name[len - 1] == '?';
	struct kmod *m = find(k, name, len - optional);

	if (m)
		visit(k, m, 0);
	else if (!optional)
		die("there is no module '%s' in '%s'", name, k->dir);
}
