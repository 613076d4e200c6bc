/* bng-disk - ext4 images and initrds, without root and without mounting
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-disk format [-L LABEL] [-U UUID] -s SIZE IMAGE ...
 *        bng-disk import [-L LABEL] [-U UUID] [-s SIZE] IMAGE
 *        bng-disk put [-g GID] [-m MODE] [-u UID] IMAGE PATH
 *        bng-disk get IMAGE PATH
 *        bng-disk list [-l] IMAGE [PATH]
 *        bng-disk mkdir [-p] [-g GID] [-m MODE] [-u UID] IMAGE PATH
 *        bng-disk rm [-r] IMAGE PATH
 *        bng-disk grow IMAGE SIZE
 *        bng-disk initrd -a AGENT [-m MODULES_DIR] [-o OUT] [MODULE ...]
 *        bng-disk vmlinux BZIMAGE OUT
 *
 * format makes empty ext4 images: sparse, with a journal and checksums.
 * import makes one of the tar stream on stdin (any compression).
 * put writes stdin to a file inside an image, get reads one; list shows names,
 * with -l: mode, links, uid, gid, size, mtime, path, target, tab-separated.
 * grow makes an image larger (with e2fsprogs). initrd packs an agent as
 * /init, and modules after what they need; MODULE? may be absent. vmlinux
 * unpacks the ELF kernel of a bzImage.
 *
 * Linked apart: libext2fs and libarchive bring a dozen libraries with them.
 *
 * exit: 0 done, 1 there is no such file or the image is in use, 100 wrong
 * usage, 111 failed
 */
#include "disk/disk.h"

static void
parse_uuid(const char *text, uint8_t uuid[16])
{
	const char *p = text;

	for (int i = 0; i < 16; i++) {
		unsigned byte;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *p == '-')
			p++;
		if (strspn(p, "0123456789abcdefABCDEF") < 2 ||
		    sscanf(p, "%2x", &byte) != 1)
			die_usage("'%s' is not a UUID", text);
		uuid[i] = (uint8_t)byte;
		p += 2;
	}
	if (*p)
		die_usage("'%s' is not a UUID", text);
}

static void
parse_format(int argc, char *argv[], struct format *f)
{
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "+:L:U:s:")) != -1)
		switch (c) {
		case 'L':
			if (strlen(optarg) > EXT2_LABEL_LEN)
				die_usage("label '%s' has more than %d bytes",
				    optarg, EXT2_LABEL_LEN);
			f->label = optarg;
			break;
		case 'U':
			parse_uuid(optarg, f->uuid);
			break;
		case 's':
			f->size = xsize(optarg, 1, "size") & ~(BLOCK - 1LL);
			if (f->size < 1 << 20 || f->size >> 50)
				die_usage("size '%s' is not between 1M and "
				    "1024T", optarg);
			break;
		default:
			bad_option(c);
		}
}

static int
format_main(int argc, char *argv[])
{
	struct format f = { 0 };

	parse_format(argc, argv, &f);
	if (!f.size)
		die_usage("format needs a size: -s");
	if (optind == argc)
		die_usage("format needs an image");
	for (; optind < argc; optind++) {
		struct image im;
		struct tree t;

		image_new(&im, argv[optind], &f);
		tree_init(&t, &im);
		tree_finish(&t);
		image_commit(&im);
	}
	return EXIT_YES;
}

static int
import_main(int argc, char *argv[])
{
	struct format f = { .size = INT64_C(16) << 30 };
	struct image im;

	parse_format(argc, argv, &f);
	if (optind + 1 != argc)
		die_usage("import needs one image");
	image_new(&im, argv[optind], &f);
	import_tar(&im, STDIN_FILENO);
	image_commit(&im);
	return EXIT_YES;
}

static int
disk_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "format", format_main },
		{ "import", import_main },
		{ "put", put_main },
		{ "get", get_main },
		{ "list", list_main },
		{ "mkdir", mkdir_main },
		{ "rm", rm_main },
		{ "grow", grow_main },
		{ "initrd", initrd_main },
		{ "vmlinux", vmlinux_main },
		{ NULL, NULL },
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(disk, PLAIN);
