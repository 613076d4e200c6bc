/* import.c - members of layers into a new image; see import.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
 * https://github.com/opencontainers/image-spec/blob/main/layer.md
 *
 * A member takes the place of an earlier one of its name; directories merge.
 * A path is followed through the symbolic links of its layer, with the image's
 * root as "/": nothing outside can be named. A hard link may come before its
 * file, and its file may lie in a lower layer.
 */
#include <sys/sysmacros.h>

#include "import.h"

enum { MAX_MEMBERS = 1 << 26 };

/* A name that stays inside: relative, without "..". */
static void
check_name(const char *name)
{
	if (*name == '/')
		die_member("'%.300s' is an absolute name", name);
	for (const char *p = name; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && !memcmp(p, "..", 2))
			die_member("'%.300s' has '..' in it", name);
		p += n;
	}
}

uint8_t
import_type(struct import *in)
{
	switch (in->e->type) {
	case '0':
		return EXT2_FT_REG_FILE;
	case '2':
		return EXT2_FT_SYMLINK;
	case '3':
		return EXT2_FT_CHRDEV;
	case '4':
		return EXT2_FT_BLKDEV;
	case '5':
		return EXT2_FT_DIR;
	case '6':
		return EXT2_FT_FIFO;
	}
	die_member("it is of an unknown type");
}

/* Everything that an inode says before its content. */
static void
fill_inode(struct import *in, struct ext2_inode_large *inode, unsigned links)
{
	static const uint16_t types[] = {
		[EXT2_FT_REG_FILE] = LINUX_S_IFREG,
		[EXT2_FT_DIR] = LINUX_S_IFDIR,
		[EXT2_FT_CHRDEV] = LINUX_S_IFCHR,
		[EXT2_FT_BLKDEV] = LINUX_S_IFBLK,
		[EXT2_FT_FIFO] = LINUX_S_IFIFO,
		[EXT2_FT_SYMLINK] = LINUX_S_IFLNK,
	};
	const struct tar_entry *e = in->e;

	if (e->uid == UINT32_MAX || e->gid == UINT32_MAX)
		die_member("%u is no owner's number", UINT32_MAX);
	*inode = (struct ext2_inode_large){
		.i_mode = (uint16_t)(types[import_type(in)] | e->mode),
		.i_links_count = (uint16_t)links,
		.i_extra_isize = in->im->fs->super->s_want_extra_isize,
		.i_crtime = (uint32_t)in->im->fs->now,
		.i_ctime = (uint32_t)in->im->fs->now,
	};
	inode->i_uid = (uint16_t)e->uid;
	inode->i_uid_high = (uint16_t)(e->uid >> 16);
	inode->i_gid = (uint16_t)e->gid;
	inode->i_gid_high = (uint16_t)(e->gid >> 16);
	inode_time(&inode->i_mtime, &inode->i_mtime_extra, e->mtime.tv_sec,
	    e->mtime.tv_nsec);
	inode_time(&inode->i_atime, &inode->i_atime_extra, e->atime.tv_sec,
	    e->atime.tv_nsec);
}

noreturn_fn static void
die_stream(struct import *in)
{
	die_member("%s", in->tar->error);
}

/* The content is the pieces of the file, one after the other. */
static void
fill_file(struct import *in, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	const struct tar_piece whole = { 0, in->e->size };
	const struct tar_piece *m = in->e->map ? in->e->map : &whole;
	const struct tar_piece *end = m + (in->e->map ? in->e->n_map : 1);
	const uint8_t *p;
	struct body b;
	uint64_t done = 0;
	long n;

	if (in->e->real_size >> 44)
		die_member("files end at 16 TiB");
	body_init(&b, in->im);
	while ((n = tar_data(in->tar, &p)) > 0)
		while (n) {
			uint64_t part;

			while (m < end && done == m->len) {
				m++;
				done = 0;
			}
			if (m == end)
				die_member("it has more than its size");
			part = m->len - done;
			if (part > (uint64_t)n)
				part = (uint64_t)n;
			body_write(&b, m->from + done, p, (size_t)part);
			done += part;
			p += part;
			n -= (long)part;
		}
	if (n < 0)
		die_stream(in);
	body_end(&b, ino, inode);
	ext2fs_inode_size_set(in->im->fs, (struct ext2_inode *)inode,
	    (ext2_off64_t)in->e->real_size);
}

static void
fill_symlink(struct import *in, ext2_ino_t ino,
    struct ext2_inode_large *inode)
{
	size_t n = strlen(in->e->link);
	struct body b;

	if (!n || n >= BLOCK)
		die_member("a link's target has 1 to %d bytes", BLOCK - 1);
	inode->i_size = (uint32_t)n;
	if (n < sizeof(inode->i_block)) {
		memcpy(inode->i_block, in->e->link, n);
		return;
	}
	body_init(&b, in->im);
	body_write(&b, 0, in->e->link, n);
	body_end(&b, ino, inode);
}

/* As Linux encodes them: the short form where it is enough. */
static void
fill_device(const struct tar_entry *e, struct ext2_inode_large *inode)
{
	uint32_t high = major(e->dev), low = minor(e->dev);

	if (high < 256 && low < 256)
		inode->i_block[0] = high << 8 | low;
	else
		inode->i_block[1] = (low & 0xff) | high << 8 |
		    (low & ~0xffu) << 12;
}

ext2_ino_t
import_inode(struct import *in, unsigned links)
{
	struct ext2_inode_large inode;
	ext2_ino_t ino = image_ino(in->im, false);

	fill_inode(in, &inode, links);
	switch (import_type(in)) {
	case EXT2_FT_SYMLINK:
		fill_symlink(in, ino, &inode);
		break;
	case EXT2_FT_REG_FILE:
		fill_file(in, ino, &inode);
		break;
	case EXT2_FT_CHRDEV:
	case EXT2_FT_BLKDEV:
		fill_device(in->e, &inode);
		break;
	}
	inode_write(in->im, ino, &inode);
	attrs_import(in->im, ino, in->e);
	return ino;
}

/* What an earlier member of this layer said goes first. */
static void
drop_attrs(struct import *in, ext2_ino_t ino)
{
	static const uint8_t none[INODE_TAIL];
	struct ext2_inode_large old;
	errcode_t err;

	inode_tail(in->im, ino, none);
	image_settle(in->im);
	inode_read(in->im, ino, &old);
	err = ext2fs_free_ext_attr(in->im->fs, ino, &old);
	if (err)
		die_member_ext(err, "");
}

static void
add_directory(struct import *in, struct node *node)
{
	struct ext2_inode_large inode;

	/* An upper layer's word stands. */
	if (node->ino && node->named && node->named < in->tree.layer)
		return;
	fill_inode(in, &inode, 2);
	if (node->named)
		drop_attrs(in, node->ino);
	if (!node->ino) {
		node->ino = image_ino(in->im, true);
		node->layer = (uint16_t)in->tree.layer;
	}
	node->named = (uint16_t)in->tree.layer;
	inode_write(in->im, node->ino, &inode);
	attrs_import(in->im, node->ino, in->e);
}

static void
add_other(struct import *in, struct node *node)
{
	ext2_ino_t ino = import_inode(in, 1);

	node->ino = ino;
	node->type = import_type(in);
	node->layer = (uint16_t)in->tree.layer;
	if (node->type == EXT2_FT_SYMLINK)
		tree_set_target(&in->tree, node, in->e->link);
	links_met(in, in->e->path, ino, node->type, in->e->link);
}

/* Hidden, but a hard link may want what it is. */
static void
add_hidden(struct import *in)
{
	bool is_link = in->e->type == '1';

	if (links_wanted(in, in->e->path) && is_link) {
		links_retarget(in, in->e->path, in->e->link);
	} else if (links_wanted(in, in->e->path)) {
		struct ghost *g = ghost_add(in, in->e->path, NULL);

		/* Its own layer may link to it as well. */
		g->ino = import_inode(in, 0);
		g->type = import_type(in);
		g->text = xstrdup(in->e->link);
		links_met(in, in->e->path, g->ino, g->type, g->text);
		return;
	}
	if (is_link)
		ghost_add(in, in->e->path, in->e->link);
	else
		spool_keep(in, in->e->path);
}

/* ".wh.NAME", in any type: true when that is what it was. */
static bool
is_whiteout(struct import *in)
{
	static const char prefix[] = ".wh.", meta[] = ".wh..wh.";
	autofree char *victim = NULL;
	char *path = in->e->path, *slash, *name;

	if (!strstr(path, prefix))
		return false;
	for (size_t n = strlen(path); n && path[n - 1] == '/';)
		path[--n] = '\0';
	slash = strrchr(path, '/');
	name = slash ? slash + 1 : path;
	if (!strcmp(name, ".wh..wh..opq")) {
		victim = xasprintf("%.*s", (int)(name - path), path);
		tree_opaque(&in->tree, victim);
		return true;
	}
	/* What aufs keeps for itself. */
	if (!strncmp(path, meta, strlen(meta)) || strstr(path, "/.wh..wh."))
		return true;
	if (strncmp(name, prefix, strlen(prefix)))
		return false;
	name += strlen(prefix);
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		die_member("it is a whiteout of nothing");
	victim = xasprintf("%.*s%s", (int)(name - strlen(prefix) - path),
	    path, name);
	tree_shut(&in->tree, victim);
	return true;
}

static void
add_member(struct import *in)
{
	struct node *node;

	if (++in->files > MAX_MEMBERS)
		die_member("an image has at most %d members", MAX_MEMBERS);
	check_name(in->e->path);
	if (in->whiteouts && is_whiteout(in))
		return;
	if (in->e->type == '1') {
		check_name(in->e->link);
		if (!links_add(in))
			add_hidden(in);
		return;
	}
	if (in->e->type == '2' && tree_turns(&in->tree, in->e->path)) {
		tree_turn(&in->tree, in->e->path, import_inode(in, 1),
		    in->e->link);
		return;
	}
	node = tree_place(&in->tree, in->e->path, in->e->type == '5');
	if (in->e->type != '5' && !node)
		add_hidden(in);
	else if (in->e->type != '5')
		add_other(in, node);
	else if (node)
		add_directory(in, node);
}

void
import_init(struct import *in, struct image *im)
{
	*in = (struct import){ .im = im };
	tree_init(&in->tree, im);
}

/* tar pads its last record: a writer must not meet a closed pipe. */
static void
drain(struct import *in)
{
	const uint8_t *p;
	ssize_t n;

	do
		n = in->tar->next(in->tar->ctx, &p);
	while (n > 0);
	if (n < 0)
		die_stream(in);
}

void
import_layer(struct import *in, struct tar_in *tar, const char *layer,
    bool whiteouts)
{
	static struct tar_entry e;
	char last[TAR_NAME] = "";
	int r;

	in->tar = tar;
	in->e = &e;
	in->layer = layer;
	in->whiteouts = whiteouts;
	layer_is(layer);
	member_is("");
	if (in->tree.layer > 1)
		spool_init(in, tar);
	while ((r = tar_next(tar, &e)) > 0) {
		member_is(e.path);
		add_member(in);
		memcpy(last, e.path, strlen(e.path) + 1);
		member_is("");
		spool_next(in);
	}
	if (r < 0 && *last)
		die_member("behind '%.300s': %s", last, tar->error);
	if (r < 0)
		die_stream(in);
	drain(in);
	links_layer_end(in, false);
	spool_drop(in);
	in->tree.layer++;
}

void
import_finish(struct import *in)
{
	links_layer_end(in, true);
	layer_is("");
	tree_finish(&in->tree);
}
