/* list.c - bng-bundle list: what can be had
 *
 * SPDX-License-Identifier: MIT
 */
#include "bundle.h"
#include "human.h"
#include "json.h"
#include "store.h"
#include "table.h"

enum { RECIPES = 256 };

struct available {
	enum bundle_kind kind;
	bool json, quiet;
	struct table table;
	struct json out;
	struct {
		char *name, *text;
	} recipe[RECIPES];
	size_t n;
	char **seen;		/* a name counts where it comes first */
	size_t n_seen;
};

static bool
again(struct available *a, const char *name)
{
	for (size_t i = 0; i < a->n_seen; i++)
		if (!strcmp(a->seen[i], name))
			return true;
	a->seen = xrealloc(a->seen, (a->n_seen + 1) * sizeof(*a->seen));
	a->seen[a->n_seen++] = xstrdup(name);
	return false;
}

static bool
here(const struct available *a, const char *name)
{
	autofree char *dir = store_find(a->kind == BUNDLE_IMAGE ?
	    &store_images : &store_kernels, name);

	return dir;
}

static void
object(struct available *a, const struct entry *e, const char *from)
{
	struct json *j = &a->out;

	json_open(j, NULL, '{');
	json_str(j, "name", e->name);
	json_str(j, "distro", e->distro);
	if (a->kind == BUNDLE_IMAGE)
		json_str(j, "kernel", e->kernel);
	else
		json_str(j, "version", e->version);
	json_str(j, "arch", e->arch);
	json_str(j, "description", e->description);
	if (e->created < 0)
		json_str(j, "created", NULL);
	else
		json_num(j, "created", e->created);
	if (e->size < 0)
		json_str(j, "size_bytes", NULL);
	else
		json_num(j, "size_bytes", e->size);
	json_str(j, "sha256", e->sha256);
	json_str(j, "from", from);
	json_bool(j, "here", here(a, e->name));
	json_close(j, '}');
}

static void
one(struct available *a, const struct entry *e, const char *from)
{
	char size[HUMAN_LEN] = "", age[HUMAN_LEN];

	if (again(a, e->name))
		return;
	if (e->size >= 0)
		human_size(e->size, size);
	if (a->quiet)
		puts(e->name);
	else if (a->json)
		object(a, e, from);
	else
		table_row(&a->table, (const char *[]){ e->name,
		    here(a, e->name) ? "yes" : "no",
		    a->kind == BUNDLE_IMAGE ? e->distro : e->version, size,
		    human_age(e->created, age), from,
		    e->description ? e->description : "" });
}

static void
catalog(struct available *a, const char *url, const char *path,
    const struct keys *k)
{
	struct catalog c;

	xcatalog_load(&c, path, k);
	for (size_t i = 0; i < c.n; i++)
		if (c.entries[i].kind == a->kind &&
		    !strcmp(c.entries[i].arch, "x86_64"))
			one(a, &c.entries[i], url);
	catalog_free(&c);
}

static void
recipes(struct available *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct entry e = { .kind = a->kind, .name = a->recipe[i].name,
			.distro = a->recipe[i].text, .arch = "x86_64",
			.size = -1, .created = -1 };

		one(a, &e, "recipe");
	}
}

static void
add_recipe(struct available *a, char *arg)
{
	char *eq = strchr(arg, '=');

	if (!eq || a->n == RECIPES)
		die_usage("list: '%s' is not NAME=TEXT, or one too many", arg);
	*eq = '\0';
	a->recipe[a->n].name = arg;
	a->recipe[a->n++].text = eq + 1;
}

int
list_main(int argc, char *argv[])
{
	static const char *const heads[] = { "NAME", "HERE", "DISTRO", "SIZE",
		"CREATED", "FROM", "DESCRIPTION", NULL };
	static const char *const kernel_heads[] = { "NAME", "HERE", "VERSION",
		"SIZE", "CREATED", "FROM", "DESCRIPTION", NULL };
	static struct available a;
	const char *words = NULL;
	struct keys k;
	int c;

	while ((c = getopt(argc, argv, "jk:qr:")) != -1)
		switch (c) {
		case 'j': a.json = true; break;
		case 'k': words = optarg; break;
		case 'q': a.quiet = true; break;
		case 'r': add_recipe(&a, optarg); break;
		default: bad_option("list");
		}
	if ((argc - optind) % 2 != 1 || (argc - optind > 1 && !words))
		die_usage("list: a kind is wanted, and -k for the pairs of a "
		    "URL and a catalog");
	a.kind = bundle_kind(argv[optind]);
	if (a.kind == BUNDLE_ANY)
		die_usage("list: '%s' is neither image nor kernel",
		    argv[optind]);
	table_init(&a.table, a.kind == BUNDLE_IMAGE ? heads : kernel_heads);
	if (a.json && !a.quiet)
		json_open(&a.out, NULL, '[');
	if (words)
		xkeys_load(&k, words);
	for (int i = optind + 1; i < argc; i += 2)
		catalog(&a, argv[i], argv[i + 1], &k);
	recipes(&a);
	if (a.json && !a.quiet)
		json_close(&a.out, ']');
	else if (!a.quiet)
		table_print(&a.table);
	xflush();
	return EXIT_YES;
}
