/* format.c - empty images, and the options of whatever makes images
 *
 * SPDX-License-Identifier: MIT
 */
#include "tree.h"

void
format_uuid(struct format *f, const char *text)
{
	const char *p = text;

	for (int i = 0; i < 16; i++) {
		unsigned byte;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *p == '-')
			p++;
		if (strspn(p, "0123456789abcdefABCDEF") < 2 ||
		    sscanf(p, "%2x", &byte) != 1)
			die_usage("'%s' is not a UUID", text);
		f->uuid[i] = (uint8_t)byte;
		p += 2;
	}
	if (*p)
		die_usage("'%s' is not a UUID", text);
}

void
format_label(struct format *f, const char *text)
{
	if (strlen(text) > EXT2_LABEL_LEN)
		die_usage("label '%s' has more than %d bytes", text,
		    EXT2_LABEL_LEN);
	f->label = text;
}

void
format_size(struct format *f, const char *text)
{
	f->size = xsize(text, 1, "size") & ~(BLOCK - 1LL);
	if (f->size < 1 << 20 || f->size >> 50)
		die_usage("size '%s' is not between 1M and 1024T", text);
}

static void
parse_format(int argc, char *argv[], struct format *f)
{
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "+:L:U:s:t")) != -1)
		switch (c) {
		case 'L':
			format_label(f, optarg);
			break;
		case 'U':
			format_uuid(f, optarg);
			break;
		case 's':
			format_size(f, optarg);
			break;
		case 't':
			f->brief = true;
			break;
		default:
			bad_option(c);
		}
}

int
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
