/* look.c - read an ext4 image: get and list
 *
 * SPDX-License-Identifier: MIT
 *
 * An image may have been written by a guest: nothing in it is trusted to be
 * finite, and no name reaches a terminal as it is.
 */
#include <sys/sysmacros.h>

#include "disk.h"

enum { DEEP = 1024 };		/* directories in one another */

static void
copy_out(struct image *im, ext2_ino_t ino, const char *path)
{
	static char buf[1 << 20];
	ext2_file_t f;
	unsigned n;
	errcode_t err = ext2fs_file_open(im->fs, ino, 0, &f);

	while (!err) {
		err = ext2fs_file_read(f, buf, sizeof(buf), &n);
		if (err || !n)
			break;
		xwrite(STDOUT_FILENO, buf, n, "the output");
	}
	if (err)
		die_ext(err, "cannot read '%s' in '%s'", path, im->out.path);
	ext2fs_file_close(f);
}

int
get_main(int argc, char *argv[])
{
	struct ext2_inode_large inode;
	struct image im;
	ext2_ino_t ino;

	opterr = 0;
	if (getopt(argc, argv, "+:") != -1)
		bad_option('?');
	if (optind + 2 != argc)
		die_usage("get needs an image and a path in it");
	image_open(&im, argv[optind], false);
	ino = image_xfind(&im, argv[optind + 1], true);
	inode_read(&im, ino, &inode);
	if (!LINUX_S_ISREG(inode.i_mode))
		die("cannot read '%s' in '%s': it is not a regular file",
		    argv[optind + 1], argv[optind]);
	copy_out(&im, ino, argv[optind + 1]);
	image_close(&im);
	return EXIT_YES;
}

/* A name as one field: control bytes and '\' as '\' and three octal digits. */
static void
print_name(const char *name)
{
	for (const unsigned char *p = (const void *)name; *p; p++)
		if (*p < ' ' || *p == 0x7f || *p == '\\')
			printf("\\%03o", *p);
		else
			putchar(*p);
}

static void
print_target(struct image *im, ext2_ino_t ino,
    struct ext2_inode_large *inode)
{
	char buf[BLOCK + 1] = "";
	unsigned n = 0;
	ext2_file_t f;
	errcode_t err = 0;

	if (ext2fs_is_fast_symlink((struct ext2_inode *)inode)) {
		n = inode->i_size;
		memcpy(buf, inode->i_block, n);
	} else {
		err = ext2fs_file_open(im->fs, ino, 0, &f);
		if (!err)
			err = ext2fs_file_read(f, buf, BLOCK, &n);
		if (err)
			die_ext(err, "cannot read a link in '%s'",
			    im->out.path);
		ext2fs_file_close(f);
	}
	buf[n] = '\0';
	putchar('\t');
	print_name(buf);
}

static void
print_device(const struct ext2_inode_large *inode)
{
	uint32_t old = inode->i_block[0], dev = inode->i_block[1];

	if (old)
		printf("%u,%u\t", old >> 8 & 0xff, old & 0xff);
	else
		printf("%u,%u\t", (dev & 0xfff00) >> 8,
		    (dev & 0xff) | (dev >> 12 & 0xfff00));
}

static void
print_inode(struct image *im, struct ext2_inode_large *inode)
{
	int64_t sec = (int32_t)inode->i_mtime;
	uint32_t extra = 0;

	if (im->fs->super->s_inode_size > EXT2_GOOD_OLD_INODE_SIZE)
		extra = inode->i_mtime_extra;
	sec += (int64_t)(extra & 3) << 32;
	printf("%06o\t%u\t%u\t%u\t", inode->i_mode, inode->i_links_count,
	    inode->i_uid | (unsigned)inode->i_uid_high << 16,
	    inode->i_gid | (unsigned)inode->i_gid_high << 16);
	if (LINUX_S_ISCHR(inode->i_mode) || LINUX_S_ISBLK(inode->i_mode))
		print_device(inode);
	else
		printf("%llu\t", (unsigned long long)EXT2_I_SIZE(inode));
	printf("%lld.%09u\t", (long long)sec, extra >> 2);
}

static void
print_tree(struct image *im, ext2_ino_t ino, const char *path, bool wide,
    int depth)
{
	struct ext2_inode_large inode;
	struct name *v;
	size_t n;

	if (depth > DEEP)
		die("cannot list '%s': directories are too deep at '%.200s'",
		    im->out.path, path);
	inode_read(im, ino, &inode);
	if (wide)
		print_inode(im, &inode);
	print_name(path);
	if (wide && LINUX_S_ISLNK(inode.i_mode))
		print_target(im, ino, &inode);
	putchar('\n');
	if (!LINUX_S_ISDIR(inode.i_mode))
		return;
	v = image_names(im, ino, &n);
	for (size_t i = 0; i < n; i++) {
		autofree char *name = v[i].name;
		autofree char *below = xasprintf("%s/%s",
		    path[1] ? path : "", name);

		print_tree(im, v[i].ino, below, wide, depth + 1);
	}
	free(v);
}

int
list_main(int argc, char *argv[])
{
	autofree char *path = NULL;
	struct image im;
	bool wide = false;
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "+:l")) != -1)
		if (c == 'l')
			wide = true;
		else
			bad_option(c);
	if (optind == argc || optind + 2 < argc)
		die_usage("list needs an image and at most one path");
	path = path_tidy(optind + 1 < argc ? argv[optind + 1] : "/");
	image_open(&im, argv[optind], false);
	print_tree(&im, image_xfind(&im, path, false), path, wide, 0);
	image_close(&im);
	return EXIT_YES;
}
