/* bng-store - images and kernels: what there is, who uses it, its manifest
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-store images [-jq] [NAME ...]
 *        bng-store kernels [-jq] [NAME ...]
 *        bng-store image [-j] NAME
 *        bng-store kernel [-j] NAME
 *        bng-store uses image|kernel NAME
 *        bng-store manifest [-u] [-c CONFIGFILE] DIR KEY=VALUE ...
 *        bng-store field FILE KEY
 *
 *   -j  JSON              -q  names only
 *   -u  keep the manifest's other keys
 *   -c  an OCI image's configuration, of which `config` is made
 *
 * exit: 0 done; 1 no: absent; 100 wrong usage; 111 failed
 */
#include <time.h>

#include "bng.h"
#include "listing.h"
#include "manifest.h"
#include "name.h"
#include "ociconfig.h"
#include "store.h"
#include "storelist.h"

static int
images_main(int argc, char *argv[])
{
	struct list_how how = listing_options(argc, argv, "jq");

	return storelist(&store_images, &how);
}

static int
kernels_main(int argc, char *argv[])
{
	struct list_how how = listing_options(argc, argv, "jq");

	return storelist(&store_kernels, &how);
}

static int
image_main(int argc, char *argv[])
{
	struct list_how how = listing_options(argc, argv, "j");

	if (how.count != 1)
		die_usage("image: one image is wanted");
	return storeshow(&store_images, how.names[0], how.json);
}

static int
kernel_main(int argc, char *argv[])
{
	struct list_how how = listing_options(argc, argv, "j");

	if (how.count != 1)
		die_usage("kernel: one kernel is wanted");
	return storeshow(&store_kernels, how.names[0], how.json);
}

static int
uses_main(int argc, char *argv[])
{
	if (argc == 3 && !strcmp(argv[1], "image"))
		return storeuses(&store_images, argv[2]);
	if (argc == 3 && !strcmp(argv[1], "kernel"))
		return storeuses(&store_kernels, argv[2]);
	die_usage("uses: image or kernel, and a name, are wanted");
}

static struct cJSON *
read_config(const char *file)
{
	struct cJSON *config;
	char why[OCICONFIG_WHY];
	int r = ociconfig_load(AT_FDCWD, file, &config, why);

	if (r == -EBADMSG)
		die("cannot use the configuration '%s': %s", file, why);
	if (r)
		die_cannot(r, "read", file);
	return config;
}

static int
manifest_main(int argc, char *argv[])
{
	struct manifest *m = NULL;
	struct cJSON *config = NULL;
	bool update = false, dated = false;
	char now[24];
	int c, fd, r = 0;

	while ((c = getopt(argc, argv, "c:u")) != -1)
		if (c == 'u')
			update = true;
		else if (c == 'c')
			config = read_config(optarg);
		else
			die_usage("manifest: unknown option");
	if (argc - optind < 2)
		die_usage("manifest: a directory and KEY=VALUE are wanted");
	fd = xopen(argv[optind], O_RDONLY | O_DIRECTORY, 0);
	if (update)
		r = manifest_load(fd, "manifest.json", &m);
	if (r)
		die_cannot(r, "read the manifest in", argv[optind]);
	if (!m)
		m = manifest_new();
	for (int i = optind + 1; i < argc; i++) {
		char *value = xkey_value(argv[i]);

		if (!name_ok(argv[i]))
			die_usage("bad key '%s'", argv[i]);
		if (!strcmp(argv[i], "config"))
			die_usage("'config' is what -c makes");
		dated |= !strcmp(argv[i], "created");
		manifest_set(m, argv[i], value);
	}
	if (config)
		manifest_set_config(m, config);
	snprintf(now, sizeof(now), "%lld", (long long)time(NULL));
	if (!dated && !update)
		manifest_set(m, "created", now);
	r = manifest_save(m, fd, "manifest.json");
	if (r)
		die_cannot(r, "write the manifest in", argv[optind]);
	return EXIT_YES;
}

static int
field_main(int argc, char *argv[])
{
	struct manifest *m;
	const char *s;
	int64_t n;
	int r, i = 0;

	if (argc != 3)
		die_usage("field: a file and a key are wanted");
	r = manifest_load(AT_FDCWD, argv[1], &m);
	if (r == -ENOENT)
		die_status(EXIT_NO, "there is no '%s'", argv[1]);
	if (r)
		die_cannot(r, "read", argv[1]);
	s = manifest_str(m, argv[2]);
	n = manifest_num(m, argv[2], INT64_MIN);
	if (s)
		puts(s);
	else if (n != INT64_MIN)
		printf("%lld\n", (long long)n);
	else
		while ((s = manifest_item(m, argv[2], i)) && ++i)
			puts(s);
	return s || i || n != INT64_MIN ? EXIT_YES : EXIT_NO;
}

static int
store_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "images", images_main }, { "kernels", kernels_main },
		{ "image", image_main }, { "kernel", kernel_main },
		{ "uses", uses_main }, { "manifest", manifest_main },
		{ "field", field_main }, { NULL, NULL },
	};

	opterr = 0;
	return verbs_run(verbs, argc, argv);
}

APPLET(store, PLAIN);
