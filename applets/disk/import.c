/* import.c - a tar stream into a new image
 *
 * SPDX-License-Identifier: MIT
 *
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
 *
 * A member takes the place of an earlier one of its name; directories merge.
 * A path is followed through the symbolic links of the image, with the image's
 * root as "/": nothing outside can be named. A hard link may come before its
 * file. A stream without its end mark is taken for cut off.
 */
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include "disk.h"

enum { MAX_LATE = 1 << 20 };	/* hard links that wait for their file */

struct import {
	struct image *im;
	struct tree tree;
	struct archive *a;
	struct late {
		struct node *node;
		char *target;
	} *late;
	size_t nlate;
};

noreturn_fn static void
die_stream(struct import *in)
{
	const char *why = archive_error_string(in->a);

	die("cannot import the tar stream: %s", why ? why : "it is damaged");
}

/* A name that stays inside: relative, without "..". */
static void
check_name(const char *name, const char *what)
{
	if (*name == '/')
		die("cannot import '%s': '%s' is an absolute name", what, name);
	for (const char *p = name; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && !memcmp(p, "..", 2))
			die("cannot import '%s': '%s' has '..' in it", what,
			    name);
		p += n;
	}
}

static int
dirent_type(struct archive_entry *e, const char *what)
{
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return EXT2_FT_REG_FILE;
	case AE_IFDIR:
		return EXT2_FT_DIR;
	case AE_IFLNK:
		return EXT2_FT_SYMLINK;
	case AE_IFCHR:
		return EXT2_FT_CHRDEV;
	case AE_IFBLK:
		return EXT2_FT_BLKDEV;
	case AE_IFIFO:
		return EXT2_FT_FIFO;
	case AE_IFSOCK:
		return EXT2_FT_SOCK;
	}
	die("cannot import '%s': it is of an unknown type", what);
}

static uint32_t
owner(int64_t id, const char *what)
{
	if (id < 0 || id >= UINT32_MAX)
		die("cannot import '%s': %lld is no owner's number", what,
		    (long long)id);
	return (uint32_t)id;
}

/*
 * libarchive reads "-1.25" as -1 second and 0.25 more; in pax it is a number.
 */
static void
set_time(uint32_t *ret_sec, uint32_t *ret_extra, int64_t sec, long nsec)
{
	if (sec < 0 && nsec > 0) {
		sec--;
		nsec = 1000000000 - nsec;
	}
	inode_time(ret_sec, ret_extra, sec, nsec);
}

/* Everything that an inode says before its content. */
static void
fill_inode(struct import *in, struct archive_entry *e,
    struct ext2_inode_large *inode, const char *what)
{
	uint32_t uid = owner(archive_entry_uid(e), what);
	uint32_t gid = owner(archive_entry_gid(e), what);
	int64_t sec = archive_entry_mtime(e);
	long nsec = archive_entry_mtime_nsec(e);

	*inode = (struct ext2_inode_large){
		.i_mode = (uint16_t)((archive_entry_filetype(e) & AE_IFMT) |
		    attrs_mode(e)),
		.i_links_count = 1,
		.i_extra_isize = in->im->fs->super->s_want_extra_isize,
		.i_crtime = (uint32_t)in->im->fs->now,
		.i_ctime = (uint32_t)in->im->fs->now,
	};
	inode->i_uid = (uint16_t)uid;
	inode->i_uid_high = (uint16_t)(uid >> 16);
	inode->i_gid = (uint16_t)gid;
	inode->i_gid_high = (uint16_t)(gid >> 16);
	set_time(&inode->i_mtime, &inode->i_mtime_extra, sec, nsec);
	if (archive_entry_atime_is_set(e)) {
		sec = archive_entry_atime(e);
		nsec = archive_entry_atime_nsec(e);
	}
	set_time(&inode->i_atime, &inode->i_atime_extra, sec, nsec);
}

static void
fill_file(struct import *in, struct archive_entry *e, ext2_ino_t ino,
    struct ext2_inode_large *inode, const char *what)
{
	int64_t size = archive_entry_size(e);
	const void *data;
	struct body b;
	size_t n;
	int64_t off;
	int r;

	body_init(&b, in->im, what);
	while ((r = archive_read_data_block(in->a, &data, &n, &off)) ==
	    ARCHIVE_OK)
		if (n)
			body_write(&b, (uint64_t)off, data, n);
	if (r != ARCHIVE_EOF)
		die_stream(in);
	if (size < 0 || (uint64_t)size < b.pos || size >> 44)
		die("cannot import '%s': its size does not fit its data",
		    what);
	body_end(&b, ino, inode);
	ext2fs_inode_size_set(in->im->fs, (struct ext2_inode *)inode,
	    (ext2_off64_t)size);
}

static void
fill_symlink(struct import *in, struct node *node,
    struct ext2_inode_large *inode, const char *what)
{
	size_t n = strlen(node->target);
	struct body b;

	if (!n || n >= BLOCK)
		die("cannot import '%s': a link's target has 1 to %d bytes",
		    what, BLOCK - 1);
	inode->i_size = (uint32_t)n;
	if (n < sizeof(inode->i_block)) {
		memcpy(inode->i_block, node->target, n);
		return;
	}
	body_init(&b, in->im, what);
	body_write(&b, 0, node->target, n);
	body_end(&b, node->ino, inode);
}

/* As Linux encodes them: the short form where it is enough. */
static void
fill_device(struct archive_entry *e, struct ext2_inode_large *inode)
{
	uint32_t major = (uint32_t)archive_entry_rdevmajor(e);
	uint32_t minor = (uint32_t)archive_entry_rdevminor(e);

	if (major < 256 && minor < 256)
		inode->i_block[0] = major << 8 | minor;
	else
		inode->i_block[1] = (minor & 0xff) | major << 8 |
		    (minor & ~0xffu) << 12;
}

static void
add_directory(struct import *in, struct archive_entry *e, struct node *node,
    const char *what)
{
	struct ext2_inode_large inode;

	if (node->ino && node->type != EXT2_FT_DIR)
		tree_drop(&in->tree, node);
	fill_inode(in, e, &inode, what);
	inode.i_links_count = 2;
	if (node->ino) {
		/* Its attributes are replaced too, so they go first. */
		struct ext2_inode_large old;
		errcode_t err;

		inode_read(in->im, node->ino, &old);
		image_settle(in->im);
		err = ext2fs_free_ext_attr(in->im->fs, node->ino, &old);
		if (err)
			die_ext(err, "cannot import '%s'", what);
	} else {
		node->ino = image_ino(in->im, true);
	}
	node->type = EXT2_FT_DIR;
	inode_write(in->im, node->ino, &inode);
	attrs_import(in->im, node->ino, e, what);
}

static void
add_other(struct import *in, struct archive_entry *e, struct node *node,
    const char *what)
{
	struct ext2_inode_large inode;
	int type = dirent_type(e, what);

	if (node->ino)
		tree_drop(&in->tree, node);
	fill_inode(in, e, &inode, what);
	node->ino = image_ino(in->im, false);
	node->type = (uint8_t)type;
	if (type == EXT2_FT_SYMLINK) {
		tree_set_target(&in->tree, node, xstrdup(
		    archive_entry_symlink(e) ? archive_entry_symlink(e) : ""),
		    what);
		fill_symlink(in, node, &inode, what);
	} else if (type == EXT2_FT_REG_FILE) {
		fill_file(in, e, node->ino, &inode, what);
	} else if (type == EXT2_FT_CHRDEV || type == EXT2_FT_BLKDEV) {
		fill_device(e, &inode);
	}
	inode_write(in->im, node->ino, &inode);
	attrs_import(in->im, node->ino, e, what);
}

/* Another name for target's inode; false when there is no such file yet. */
static bool
link_node(struct import *in, struct node *node, const char *target,
    const char *what)
{
	struct node *to = tree_find(&in->tree, target, what);
	struct ext2_inode_large inode;
	ext2_ino_t ino;
	uint8_t type;
	char *text;

	if (!to)
		return false;
	if (to->type == EXT2_FT_DIR)
		die("cannot import '%s': a hard link to the directory '%s'",
		    what, target);
	if (to == node || to->ino == node->ino)
		return true;
	ino = to->ino;
	inode_read(in->im, ino, &inode);
	if (inode.i_links_count >= EXT2_LINK_MAX)
		die("cannot import '%s': '%s' has too many hard links", what,
		    target);
	inode.i_links_count++;
	inode_write(in->im, ino, &inode);
	type = to->type;
	text = to->target ? xstrdup(to->target) : NULL;
	/* The target may lie in the directory whose place the link takes. */
	if (node->ino)
		tree_drop(&in->tree, node);
	node->ino = ino;
	node->type = type;
	tree_set_target(&in->tree, node, text, what);
	return true;
}

static void
add_link(struct import *in, struct node *node, const char *target,
    const char *what)
{
	check_name(target, what);
	if (link_node(in, node, target, what))
		return;
	if (in->nlate == MAX_LATE)
		die("cannot import '%s': too many hard links wait for files",
		    what);
	if (!(in->nlate & (in->nlate + 1)))
		in->late = xrealloc(in->late,
		    (2 * in->nlate + 1) * sizeof(*in->late));
	if (node->ino)
		tree_drop(&in->tree, node);
	in->late[in->nlate++] = (struct late){ node, xstrdup(target) };
}

static void
add_member(struct import *in, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);
	struct node *node;

	if (!name)
		die("cannot import the tar stream: a member has no name");
	check_name(name, name);
	node = tree_make(&in->tree, name, name);
	if ((node == in->tree.root || node->ino == LOST_FOUND) &&
	    (archive_entry_hardlink(e) ||
	    archive_entry_filetype(e) != AE_IFDIR))
		die("cannot import '%s': only a directory can have that place",
		    name);
	if (archive_entry_hardlink(e))
		add_link(in, node, archive_entry_hardlink(e), name);
	else if (archive_entry_filetype(e) == AE_IFDIR)
		add_directory(in, e, node, name);
	else
		add_other(in, e, node, name);
}

/*
 * Only names that libarchive keeps as they are for want of a character set
 * are harmless among its warnings.
 */
static bool
is_harmless(struct archive *a)
{
	const char *text = archive_error_string(a);

	return text && strstr(text, "can't be converted");
}

static void
read_members(struct import *in)
{
	struct archive_entry *e;
	int r;

	while ((r = archive_read_next_header(in->a, &e)) != ARCHIVE_EOF) {
		if (r != ARCHIVE_OK && !(r == ARCHIVE_WARN &&
		    is_harmless(in->a)))
			die_stream(in);
		add_member(in, e);
	}
	if (archive_filter_bytes(in->a, 0) -
	    archive_read_header_position(in->a) < 512)
		die("cannot import the tar stream: it is cut off");
}

static void
link_late(struct import *in)
{
	for (size_t i = 0; i < in->nlate; i++) {
		struct late *l = &in->late[i];

		/* A later member may have taken the name. */
		if (l->node->ino || !l->node->parent)
			continue;
		if (!link_node(in, l->node, l->target, l->node->name))
			die("cannot import '%s': it is a hard link to '%s', "
			    "which is not there", l->node->name, l->target);
	}
}

/* tar pads its last record: a writer must not meet a closed pipe. */
static void
drain(int fd)
{
	char buf[65536];

	while (read_full(fd, buf, sizeof(buf)) > 0)
		;
}

void
import_tar(struct image *im, int fd)
{
	struct import in = { .im = im, .a = reader_new() };

	/* Names are UTF-8 in pax headers, and bytes to us. */
	setlocale(LC_CTYPE, "C.UTF-8");
	if (archive_read_support_format_tar(in.a))
		die("cannot import the tar stream: out of memory");
	if (archive_read_open_fd(in.a, fd, 1 << 18))
		die_stream(&in);
	tree_init(&in.tree, im);
	read_members(&in);
	drain(fd);
	link_late(&in);
	tree_finish(&in.tree);
}
