/* edit.c - change an ext4 image: put, mkdir and rm
 *
 * SPDX-License-Identifier: MIT
 *
 * A file's bytes go into free blocks first; its inode, its name and the
 * bitmaps are written together at the end, through the journal: the image has
 * changed as a whole or not at all, however we end. Signals are held back for
 * that long, so that nobody has to play it back.
 */
#include <signal.h>
#include <time.h>

#include "disk.h"

enum { DEEP = 1024 };		/* directories in one another */

struct edit {
	struct image im;
	const char *path;	/* in the image */
	char *name;		/* its last component */
	ext2_ino_t dir;		/* where that is, or is to be */
	unsigned mode, uid, gid;
	bool flag;		/* mkdir -p, rm -r */
};

static void
hold_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

noreturn_fn static void
die_edit(const struct edit *e, errcode_t err)
{
	die_ext(err, "cannot change '%s' in '%s'", e->path, e->im.out.path);
}

static unsigned
octal(const char *text)
{
	if (!*text || strlen(text) > 5 || text[strspn(text, "01234567")] ||
	    strtoul(text, NULL, 8) > 07777)
		die_usage("mode '%s' is not between 0 and 7777", text);
	return (unsigned)strtoul(text, NULL, 8);
}

static void
parse(struct edit *e, int argc, char *argv[], const char *options)
{
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, options)) != -1)
		if (c == 'm')
			e->mode = octal(optarg);
		else if (c == 'u')
			e->uid = (unsigned)xnum(optarg, 0, UINT32_MAX - 1,
			    "uid");
		else if (c == 'g')
			e->gid = (unsigned)xnum(optarg, 0, UINT32_MAX - 1,
			    "gid");
		else if (c == 'p' || c == 'r')
			e->flag = true;
		else
			bad_option(c);
	if (optind + 2 != argc)
		die_usage("%s needs an image and a path in it", argv[0]);
	e->path = argv[optind + 1];
}

static bool
is_dir(struct edit *e, ext2_ino_t ino)
{
	struct ext2_inode_large inode;

	inode_read(&e->im, ino, &inode);
	return LINUX_S_ISDIR(inode.i_mode);
}

/* Find the directory that the path's last component lies in. */
static void
find_dir(struct edit *e)
{
	autofree char *up = path_tidy(e->path);
	char *slash = strrchr(up, '/');

	e->name = xstrdup(slash + 1);
	slash[slash == up] = '\0';
	if (!*e->name || !strcmp(e->name, ".") || !strcmp(e->name, "..") ||
	    strlen(e->name) > EXT2_NAME_LEN)
		die("cannot change '%s': it does not end in a name", e->path);
	e->dir = image_xfind(&e->im, up, true);
	if (!is_dir(e, e->dir))
		die("cannot change '%s': '%s' is not a directory", e->path,
		    up);
}

/* The inode of the name itself, 0 when there is none. */
static ext2_ino_t
find_name(struct edit *e)
{
	ext2_ino_t ino;
	errcode_t err = ext2fs_lookup(e->im.fs, e->dir, e->name,
	    (int)strlen(e->name), NULL, &ino);

	if (err == EXT2_ET_FILE_NOT_FOUND)
		return 0;
	if (err)
		die_edit(e, err);
	return ino;
}

static void
touch(struct edit *e, ext2_ino_t ino, int links)
{
	struct ext2_inode_large inode;

	inode_read(&e->im, ino, &inode);
	inode.i_mtime = inode.i_ctime = (uint32_t)e->im.fs->now;
	inode.i_mtime_extra = inode.i_ctime_extra = 0;
	/* A link count of 1 says that there are too many to count. */
	if (links && inode.i_links_count > 1)
		inode.i_links_count = (uint16_t)(inode.i_links_count + links);
	inode_write(&e->im, ino, &inode);
}

static void
link_name(struct edit *e, ext2_ino_t ino, int type)
{
	errcode_t err = ext2fs_link(e->im.fs, e->dir, e->name, ino, type);

	if (err == EXT2_ET_DIR_NO_SPACE) {
		err = ext2fs_expand_dir(e->im.fs, e->dir);
		if (!err)
			err = ext2fs_link(e->im.fs, e->dir, e->name, ino,
			    type);
	}
	if (err)
		die_edit(e, err);
	touch(e, e->dir, 0);
}

/* One name less; with the last one go the blocks. */
static void
drop_inode(struct edit *e, ext2_ino_t ino)
{
	ext2_filsys fs = e->im.fs;
	struct ext2_inode_large inode;
	bool dir;
	errcode_t err = 0;

	inode_read(&e->im, ino, &inode);
	dir = LINUX_S_ISDIR(inode.i_mode);
	if (!dir && inode.i_links_count > 1) {
		inode.i_links_count--;
		inode_write(&e->im, ino, &inode);
		return;
	}
	inode.i_links_count = 0;
	inode.i_dtime = (uint32_t)fs->now;
	inode_write(&e->im, ino, &inode);
	err = ext2fs_free_ext_attr(fs, ino, &inode);
	if (!err && ext2fs_inode_has_valid_blocks2(fs,
	    (struct ext2_inode *)&inode))
		err = ext2fs_punch(fs, ino, NULL, NULL, 0, ~0ULL);
	if (err)
		die_edit(e, err);
	ext2fs_inode_alloc_stats2(fs, ino, -1, dir);
}

static void
unlink_name(struct edit *e, ext2_ino_t ino)
{
	errcode_t err = ext2fs_unlink(e->im.fs, e->dir, e->name, ino, 0);

	if (err)
		die_edit(e, err);
	drop_inode(e, ino);
}

static void
fill_inode(struct edit *e, struct ext2_inode_large *inode, unsigned type)
{
	inode->i_mode = (uint16_t)(type | e->mode);
	inode->i_uid = (uint16_t)e->uid;
	inode->i_uid_high = (uint16_t)(e->uid >> 16);
	inode->i_gid = (uint16_t)e->gid;
	inode->i_gid_high = (uint16_t)(e->gid >> 16);
	inode->i_atime = inode->i_ctime = inode->i_mtime =
	    (uint32_t)e->im.fs->now;
	if (e->im.fs->super->s_inode_size > EXT2_GOOD_OLD_INODE_SIZE) {
		inode->i_crtime = inode->i_mtime;
		inode->i_extra_isize =
		    sizeof(*inode) - EXT2_GOOD_OLD_INODE_SIZE;
	}
}

/* Read stdin into free blocks; returns how many bytes there were. */
static uint64_t
read_body(struct body *b)
{
	static char buf[1 << 18];
	uint64_t size = 0;
	ssize_t n;

	while ((n = read_full(STDIN_FILENO, buf, sizeof(buf))) > 0) {
		body_write(b, size, buf, (size_t)n);
		size += (uint64_t)n;
	}
	if (n < 0) {
		errno = (int)-n;
		die_sys("cannot read the input");
	}
	return size;
}

static void
open_edit(struct edit *e, const char *path)
{
	image_open(&e->im, path, true);
	e->im.fs->now = time(NULL);
}

int
put_main(int argc, char *argv[])
{
	struct edit e = { .mode = 0644 };
	struct ext2_inode_large inode = { .i_links_count = 1 };
	struct body b;
	ext2_ino_t ino, old;
	uint64_t size;
	errcode_t err;

	parse(&e, argc, argv, "+:g:m:u:");
	open_edit(&e, argv[optind]);
	find_dir(&e);
	old = find_name(&e);
	if (old && is_dir(&e, old))
		die("cannot put '%s': it is a directory", e.path);
	member_is(e.path);
	body_init(&b, &e.im);
	size = read_body(&b);
	err = ext2fs_new_inode(e.im.fs, e.dir, LINUX_S_IFREG, NULL, &ino);
	if (err)
		die_edit(&e, err);
	fill_inode(&e, &inode, LINUX_S_IFREG);
	body_end(&b, ino, &inode);
	ext2fs_inode_size_set(e.im.fs, (struct ext2_inode *)&inode,
	    (ext2_off64_t)size);
	image_settle(&e.im);
	hold_signals();
	ext2fs_inode_alloc_stats2(e.im.fs, ino, 1, 0);
	inode_write(&e.im, ino, &inode);
	if (old)
		unlink_name(&e, old);
	link_name(&e, ino, EXT2_FT_REG_FILE);
	image_close(&e.im);
	return EXIT_YES;
}

static void
make_dir(struct edit *e)
{
	struct ext2_inode_large inode;
	errcode_t err = ext2fs_mkdir(e->im.fs, e->dir, 0, e->name);

	if (err == EXT2_ET_DIR_NO_SPACE) {
		err = ext2fs_expand_dir(e->im.fs, e->dir);
		if (!err)
			err = ext2fs_mkdir(e->im.fs, e->dir, 0, e->name);
	}
	if (err)
		die_edit(e, err);
	touch(e, e->dir, 0);
	e->dir = find_name(e);
	inode_read(&e->im, e->dir, &inode);
	fill_inode(e, &inode, LINUX_S_IFDIR);
	inode_write(&e->im, e->dir, &inode);
}

/* -p: every component of the path that is not there. */
static void
make_path(struct edit *e)
{
	const char *p = e->path;

	e->dir = EXT2_ROOT_INO;
	for (;;) {
		autofree char *sofar = NULL;
		ext2_ino_t ino;
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (!n)
			return;
		p += n;
		sofar = xasprintf("%.*s", (int)(p - e->path), e->path);
		ino = image_find(&e->im, sofar, true);
		if (ino && !is_dir(e, ino))
			die("cannot make '%s': '%s' is not a directory",
			    e->path, sofar);
		if (ino) {
			e->dir = ino;
			continue;
		}
		free(e->name);
		e->name = xasprintf("%.*s", (int)n, p - n);
		if (n > EXT2_NAME_LEN || find_name(e))
			die("cannot make '%s': '%s' is a dangling link or too "
			    "long", e->path, sofar);
		make_dir(e);
	}
}

int
mkdir_main(int argc, char *argv[])
{
	struct edit e = { .mode = 0755 };

	parse(&e, argc, argv, "+:g:m:pu:");
	open_edit(&e, argv[optind]);
	hold_signals();
	if (e.flag) {
		make_path(&e);
	} else {
		find_dir(&e);
		if (find_name(&e))
			die("cannot make '%s': it is there already", e.path);
		make_dir(&e);
	}
	image_close(&e.im);
	return EXIT_YES;
}

/* What is below goes without unlinking each name: the blocks go as well. */
static void
drop_tree(struct edit *e, ext2_ino_t dir, int depth)
{
	struct name *v;
	size_t n;

	if (depth > DEEP)
		die("cannot remove '%s': directories are too deep", e->path);
	v = image_names(&e->im, dir, &n);
	for (size_t i = 0; i < n; i++) {
		if (is_dir(e, v[i].ino))
			drop_tree(e, v[i].ino, depth + 1);
		else
			drop_inode(e, v[i].ino);
		free(v[i].name);
	}
	free(v);
	drop_inode(e, dir);
}

int
rm_main(int argc, char *argv[])
{
	struct edit e = { 0 };
	ext2_ino_t ino;
	bool dir;
	errcode_t err;

	parse(&e, argc, argv, "+:r");
	open_edit(&e, argv[optind]);
	find_dir(&e);
	ino = find_name(&e);
	if (!ino)
		die_status(EXIT_NO, "there is no '%s' in '%s'", e.path,
		    e.im.out.path);
	dir = is_dir(&e, ino);
	if (dir && !e.flag)
		die("cannot remove '%s': it is a directory; -r removes it",
		    e.path);
	if (ino < EXT2_FIRST_INODE(e.im.fs->super) || ino == LOST_FOUND)
		die("cannot remove '%s': it belongs to the file system",
		    e.path);
	hold_signals();
	err = ext2fs_unlink(e.im.fs, e.dir, e.name, ino, 0);
	if (err)
		die_edit(&e, err);
	if (dir)
		drop_tree(&e, ino, 0);
	else
		drop_inode(&e, ino);
	touch(&e, e.dir, dir ? -1 : 0);
	image_close(&e.im);
	return EXIT_YES;
}
