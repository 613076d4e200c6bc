/* export.c - an ext4 image as a tar stream
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/filesystems/overlayfs.html
 * https://github.com/opencontainers/image-spec/blob/main/layer.md
 *
 * Names in the order of their bytes, so equal trees make equal streams. An
 * image may have been written by a guest: a directory is visited once, and no
 * block that the inode does not plausibly have is read.
 */
#include <sys/sysmacros.h>

#include "disk.h"
#include "tarwrite.h"

enum {
	DEEP = 1024,		/* directories in one another */
	NUMBER = 21,		/* of a sparse file's map, with its newline */
	PIECES = 1 << 16,
	LINK_SLOTS = 1 << 12,
};

/* A file with several names: the first of them. */
struct first {
	struct first *chain;
	ext2_ino_t ino;
	char path[];
};

struct export {
	struct image im;
	struct tar_out out;
	bool whiteouts;
	bool hides;		/* the top one: all that is below it */
	ext2fs_inode_bitmap seen;
	struct first *firsts[LINK_SLOTS];
	struct tar_piece map[PIECES];
	blk64_t at[PIECES];	/* where each piece lies */
	size_t n;
	struct tar_xattr xattrs[TAR_XATTRS];
	size_t n_xattrs;
};

/* What is exported now. */
struct item {
	ext2_ino_t ino;
	const char *path;
	struct ext2_inode_large inode;
	struct stat st;
	char link[BLOCK + 1];
};

static const char *image_name;

noreturn_fn static void
no_stream(int error)
{
	errno = error;
	die_stdout();
}

noreturn_fn static void
die_item(const struct item *i, const char *why)
{
	die("cannot export '%.300s': %s", i->path, why);
}

static struct timespec
time_of(uint32_t sec, uint32_t extra)
{
	return (struct timespec){
		.tv_sec = (int32_t)sec + ((time_t)(extra & 3) << 32),
		.tv_nsec = extra >> 2,
	};
}

static void
get_stat(struct export *x, struct item *i)
{
	const struct ext2_inode_large *in = &i->inode;
	bool large = x->im.fs->super->s_inode_size > EXT2_GOOD_OLD_INODE_SIZE;
	uint32_t old = in->i_block[0], dev = in->i_block[1];

	i->st = (struct stat){
		.st_mode = in->i_mode,
		.st_uid = in->i_uid | (uid_t)in->i_uid_high << 16,
		.st_gid = in->i_gid | (gid_t)in->i_gid_high << 16,
		.st_size = (off_t)EXT2_I_SIZE(in),
		.st_mtim = time_of(in->i_mtime, large ? in->i_mtime_extra : 0),
	};
	if (i->st.st_mtim.tv_nsec > 999999999)
		i->st.st_mtim.tv_nsec = 0;
	if (old)
		i->st.st_rdev = makedev(old >> 8 & 0xff, old & 0xff);
	else
		i->st.st_rdev = makedev((dev & 0xfff00) >> 8,
		    (dev & 0xff) | (dev >> 12 & 0xfff00));
}

/* --- attributes ------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct tar_xattr *p = a, *q = b;

	return strcmp(p->name, q->name);
}

static int
keep_xattr(char *name, char *value, size_t len, void *arg)
{
	struct export *x = arg;

	if (x->n_xattrs < TAR_XATTRS && strlen(name) <= 255) {
		char *copy = xmalloc(len + 1);

		memcpy(copy, value, len);
		x->xattrs[x->n_xattrs++] = (struct tar_xattr){ xstrdup(name),
		    copy, len };
	}
	return 0;
}

/* ACLs have one form on the disk, and another that everybody else knows. */
static void
fix_acls(struct export *x, struct ext2_xattr_handle *h)
{
	for (size_t i = 0; i < x->n_xattrs; i++) {
		struct tar_xattr *a = &x->xattrs[i];
		void *value;

		if (strncmp(a->name, "system.posix_acl_", 17) ||
		    ext2fs_xattr_get(h, a->name, &value, &a->len))
			continue;
		free((void *)(uintptr_t)a->value);
		a->value = value;
	}
}

static bool
has_xattrs(struct export *x, ext2_ino_t ino,
    const struct ext2_inode_large *inode)
{
	static uint8_t raw[4096];
	size_t size = x->im.fs->super->s_inode_size;
	size_t at = EXT2_GOOD_OLD_INODE_SIZE + inode->i_extra_isize;
	uint32_t magic;

	if (inode->i_file_acl || inode->osd2.linux2.l_i_file_acl_high)
		return true;
	if (size <= EXT2_GOOD_OLD_INODE_SIZE || size > sizeof(raw) ||
	    at + sizeof(magic) > size || ext2fs_read_inode_full(x->im.fs, ino,
	    (void *)raw, (int)size))
		return false;
	memcpy(&magic, raw + at, sizeof(magic));
	return magic == EXT2_EXT_ATTR_MAGIC;
}

static void
get_xattrs(struct export *x, struct item *i)
{
	struct ext2_xattr_handle *h;
	errcode_t err;

	while (x->n_xattrs) {
		x->n_xattrs--;
		free((void *)(uintptr_t)x->xattrs[x->n_xattrs].name);
		free((void *)(uintptr_t)x->xattrs[x->n_xattrs].value);
	}
	if (!has_xattrs(x, i->ino, &i->inode))
		return;
	err = ext2fs_xattrs_open(x->im.fs, i->ino, &h);
	if (!err)
		err = ext2fs_xattrs_read(h);
	if (!err)
		err = ext2fs_xattrs_iterate(h, keep_xattr, x);
	if (err)
		die_ext(err, "cannot export '%s'", i->path);
	fix_acls(x, h);
	ext2fs_xattrs_close(&h);
	qsort(x->xattrs, x->n_xattrs, sizeof(*x->xattrs), by_name);
}

/* The attribute of overlayfs that ends so, or NULL. */
static const struct tar_xattr *
overlay(const struct export *x, const char *what)
{
	static const char *const prefix[] = { "trusted.overlay.",
		"user.overlay." };

	for (size_t i = 0; i < x->n_xattrs; i++)
		for (size_t k = 0; k < ARRAY_SIZE(prefix); k++) {
			const char *name = x->xattrs[i].name;
			size_t n = strlen(prefix[k]);

			if (!strncmp(name, prefix[k], n) &&
			    (!*what || !strcmp(name + n, what)))
				return &x->xattrs[i];
		}
	return NULL;
}

/* What overlayfs notes for itself is no part of a layer. */
static void
drop_overlay(struct export *x)
{
	const struct tar_xattr *a;

	while ((a = overlay(x, ""))) {
		size_t i = (size_t)(a - x->xattrs);

		free((void *)(uintptr_t)a->name);
		free((void *)(uintptr_t)a->value);
		memmove(&x->xattrs[i], &x->xattrs[i + 1],
		    (--x->n_xattrs - i) * sizeof(*x->xattrs));
	}
}

/* --- content ---------------------------------------------------------- */

static void
add_piece(struct export *x, struct item *i, uint64_t from, uint64_t len,
    blk64_t block)
{
	uint64_t size = (uint64_t)i->st.st_size;
	struct tar_piece *last = x->n ? &x->map[x->n - 1] : NULL;

	if (last && from < last->from + last->len)
		die_item(i, "its extents are damaged");
	if (from >= size)
		return;
	if (len > size - from)
		len = size - from;
	if (last && last->from + last->len == from &&
	    x->at[x->n - 1] * BLOCK + last->len == block * BLOCK) {
		last->len += len;
		return;
	}
	if (x->n == PIECES)
		die_item(i, "it is in too many pieces");
	x->map[x->n] = (struct tar_piece){ from, len };
	x->at[x->n++] = block;
}

static void
find_pieces(struct export *x, struct item *i)
{
	ext2_extent_handle_t h;
	struct ext2fs_extent e;
	errcode_t err = ext2fs_extent_open2(x->im.fs, i->ino,
	    (struct ext2_inode *)&i->inode, &h);
	int op = EXT2_EXTENT_ROOT;

	x->n = 0;
	while (!err && !(err = ext2fs_extent_get(h, op, &e))) {
		op = EXT2_EXTENT_NEXT;
		if (e.e_flags & EXT2_EXTENT_FLAGS_LEAF &&
		    !(e.e_flags & EXT2_EXTENT_FLAGS_UNINIT))
			add_piece(x, i, e.e_lblk * BLOCK,
			    (uint64_t)e.e_len * BLOCK, e.e_pblk);
	}
	if (err != EXT2_ET_EXTENT_NO_NEXT && err != EXT2_ET_NO_CURRENT_NODE)
		die_ext(err, "cannot export '%s'", i->path);
	ext2fs_extent_free(h);
}

static void
put_piece(struct export *x, struct item *i, blk64_t block, uint64_t len)
{
	uint64_t at = block * BLOCK;

	while (len) {
		size_t part = len < TAR_BUF / 2 ? (size_t)len : TAR_BUF / 2;
		uint8_t *p = tarwrite_room(&x->out, part);
		ssize_t n = pread(x->im.out.fd, p, part, (off_t)at);

		if (n < 0)
			die_sys("cannot export '%s'", i->path);
		if (!n)
			die_item(i, "it ends behind the image");
		tarwrite_took(&x->out, (size_t)n);
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
}

static void
put_sparse(struct export *x, struct item *i, struct tar_member *m)
{
	autofree char *text = xmalloc((2 * x->n + 4) * NUMBER);
	uint64_t size = (uint64_t)i->st.st_size, end = 0, data = 0;
	size_t len;

	for (size_t k = 0; k < x->n; k++)
		end = x->map[k].from + x->map[k].len;
	/* Who is told its end need not be told its size twice. */
	len = (size_t)snprintf(text, NUMBER, "%zu\n", x->n + (end < size));
	for (size_t k = 0; k < x->n; k++) {
		len += (size_t)snprintf(text + len, 2 * NUMBER,
		    "%llu\n%llu\n", (unsigned long long)x->map[k].from,
		    (unsigned long long)x->map[k].len);
		data += x->map[k].len;
	}
	if (end < size)
		len += (size_t)snprintf(text + len, 2 * NUMBER, "%llu\n0\n",
		    (unsigned long long)size);
	m->sparse = true;
	m->size = (len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK + data;
	tarwrite_member(&x->out, m);
	tarwrite_put(&x->out, text, len);
	tarwrite_pad(&x->out, len);
}

static void
put_file(struct export *x, struct item *i, struct tar_member *m)
{
	uint64_t size = (uint64_t)i->st.st_size, sum = 0;

	if (!(i->inode.i_flags & EXT4_EXTENTS_FL))
		die_item(i, "it has no extents: the file system is too old");
	find_pieces(x, i);
	for (size_t k = 0; k < x->n; k++)
		sum += x->map[k].len;
	m->size = size;
	if (sum < size)
		put_sparse(x, i, m);
	else
		tarwrite_member(&x->out, m);
	for (size_t k = 0; k < x->n; k++)
		put_piece(x, i, x->at[k], x->map[k].len);
	tarwrite_pad(&x->out, sum);
}

/* --- the tree --------------------------------------------------------- */

static void
read_link(struct export *x, struct item *i)
{
	unsigned n = 0;
	ext2_file_t f;
	errcode_t err = 0;

	if (ext2fs_is_fast_symlink((struct ext2_inode *)&i->inode)) {
		n = i->inode.i_size;
		memcpy(i->link, i->inode.i_block, n);
	} else {
		err = ext2fs_file_open(x->im.fs, i->ino, 0, &f);
		if (!err)
			err = ext2fs_file_read(f, i->link, BLOCK, &n);
		if (err)
			die_ext(err, "cannot export '%s'", i->path);
		ext2fs_file_close(f);
	}
	i->link[n] = '\0';
	if (!*i->link || strlen(i->link) >= TAR_NAME)
		die_item(i, "its target is damaged");
}

/* The first name of a file that has several; this one, if it is new. */
static const char *
first_name(struct export *x, struct item *i)
{
	struct first **slot = &x->firsts[i->ino % LINK_SLOTS], *f;

	for (f = *slot; f; f = f->chain)
		if (f->ino == i->ino)
			return f->path;
	f = xmalloc(sizeof(*f) + strlen(i->path) + 1);
	f->ino = i->ino;
	memcpy(f->path, i->path, strlen(i->path) + 1);
	f->chain = *slot;
	*slot = f;
	return NULL;
}

/* A name in the directory of path, which may be "./". */
static char *
join(const char *dir, const char *name, const char *prefix)
{
	return xasprintf("%s%s%s", strcmp(dir, "./") ? dir : "", prefix, name);
}

static void
put_empty(struct export *x, struct item *i, const char *path)
{
	struct stat st = { .st_mode = 0644, .st_mtim = i->st.st_mtim };
	struct tar_member m = { .path = path, .link = "", .type = '0',
	    .st = &st, .fd = -1 };

	tarwrite_member(&x->out, &m);
}

/* What overlayfs says otherwise; true: there is nothing else to say. */
static bool
put_overlay(struct export *x, struct item *i, const char *dir,
    const char *name)
{
	autofree char *path = join(dir, name, ".wh.");

	if (!strncmp(name, ".wh.", 4))
		die_item(i, "in a layer, that name is a whiteout's");
	if (overlay(x, "redirect") || overlay(x, "metacopy"))
		die_item(i, "it is a part of what a lower layer has");
	if (!LINUX_S_ISCHR(i->inode.i_mode) || i->st.st_rdev)
		return false;
	put_empty(x, i, path);
	return true;
}

static void
put_other(struct export *x, struct item *i)
{
	struct tar_member m = { .path = i->path, .link = "", .st = &i->st,
	    .fd = -1, .xattrs = x->xattrs, .n_xattrs = x->n_xattrs };
	const char *first = i->inode.i_links_count > 1 ? first_name(x, i) :
	    NULL;

	if (first) {
		m.type = '1';
		m.link = first;
		m.n_xattrs = 0;
		tarwrite_member(&x->out, &m);
		return;
	}
	switch (i->inode.i_mode & LINUX_S_IFMT) {
	case LINUX_S_IFREG:
		m.type = '0';
		put_file(x, i, &m);
		return;
	case LINUX_S_IFLNK:
		read_link(x, i);
		m.type = '2';
		m.link = i->link;
		break;
	case LINUX_S_IFCHR:
		m.type = '3';
		break;
	case LINUX_S_IFBLK:
		m.type = '4';
		break;
	case LINUX_S_IFIFO:
		m.type = '6';
		break;
	case LINUX_S_IFSOCK:
		warn("left out '%s': a tar has no sockets", i->path);
		return;
	default:
		die_item(i, "it is of an unknown type");
	}
	tarwrite_member(&x->out, &m);
}

static void put_tree(struct export *x, ext2_ino_t ino, const char *path,
    int depth);

static void
put_name(struct export *x, const char *dir, const struct name *v, int depth)
{
	autofree struct item *i = xcalloc(1, sizeof(*i));
	autofree char *path = NULL;
	bool is_dir;

	i->ino = v->ino;
	inode_read(&x->im, v->ino, &i->inode);
	is_dir = LINUX_S_ISDIR(i->inode.i_mode);
	path = join(dir, v->name, "");
	if (is_dir) {
		char *with_slash = xasprintf("%s/", path);

		free(path);
		path = with_slash;
	}
	i->path = path;
	if (strlen(path) >= TAR_NAME)
		die_item(i, "its path is too long");
	get_stat(x, i);
	get_xattrs(x, i);
	if (x->whiteouts && put_overlay(x, i, dir, v->name))
		return;
	if (!is_dir) {
		if (x->whiteouts)
			drop_overlay(x);
		put_other(x, i);
		return;
	}
	put_tree(x, v->ino, path, depth + 1);
}

/* The directory itself, whose attributes have been read; then its names. */
static void
put_dir(struct export *x, struct item *i)
{
	struct tar_member m = { .path = i->path, .link = "", .type = '5',
	    .st = &i->st, .fd = -1 };
	const struct tar_xattr *a = overlay(x, "opaque");
	bool opaque = x->whiteouts && a && a->len == 1 && *a->value == 'y';
	autofree char *mark = join(i->path, ".wh..wh..opq", "");

	if (x->whiteouts)
		drop_overlay(x);
	m.xattrs = x->xattrs;
	m.n_xattrs = x->n_xattrs;
	tarwrite_member(&x->out, &m);
	if (opaque || x->hides)
		put_empty(x, i, mark);
	x->hides = false;
}

static void
put_tree(struct export *x, ext2_ino_t ino, const char *path, int depth)
{
	struct item i = { .ino = ino, .path = path };
	struct name *v;
	size_t n;

	if (depth > DEEP)
		die_item(&i, "directories are too deep");
	if (ino < 1 || ino > x->im.fs->super->s_inodes_count ||
	    ext2fs_mark_inode_bitmap2(x->seen, ino))
		die_item(&i, "a directory is in two places");
	inode_read(&x->im, ino, &i.inode);
	get_stat(x, &i);
	get_xattrs(x, &i);
	v = image_names(&x->im, ino, &n);
	if (ino != LOST_FOUND || n)
		put_dir(x, &i);
	for (size_t k = 0; k < n; k++) {
		put_name(x, path, &v[k], depth);
		free(v[k].name);
	}
	free(v);
}

/* "/root" or "root": as names in an archive begin, "root/". */
static char *
prefix(const char *text)
{
	autofree char *tidy = path_tidy(text);

	if (!tidy[strspn(tidy, "/")] || strstr(tidy, "/../") ||
	    (strlen(tidy) > 2 && !strcmp(tidy + strlen(tidy) - 3, "/..")))
		die_usage("'%s' is no directory in an image", text);
	return xasprintf("%s/", tidy + strspn(tidy, "/"));
}

int
export_main(int argc, char *argv[])
{
	static struct export x;
	struct ext2_inode_large inode;
	const char *dir = "/", *top = "./";
	ext2_ino_t ino;
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "+:d:p:w")) != -1)
		if (c == 'd')
			dir = optarg;
		else if (c == 'p')
			top = prefix(optarg);
		else if (c == 'w')
			x.whiteouts = true;
		else
			bad_option(c);
	if (optind + 1 != argc)
		die_usage("export needs one image");
	image_name = argv[optind];
	image_open(&x.im, image_name, false);
	ino = image_xfind(&x.im, dir, true);
	inode_read(&x.im, ino, &inode);
	if (!LINUX_S_ISDIR(inode.i_mode))
		die("cannot export '%s': it is not a directory", dir);
	if (ext2fs_allocate_inode_bitmap(x.im.fs, "directories", &x.seen))
		die("out of memory");
	x.out.fd = STDOUT_FILENO;
	x.out.failed = no_stream;
	x.hides = *top != '.';
	put_tree(&x, ino, top, 0);
	tarwrite_end(&x.out);
	image_close(&x.im);
	return EXIT_YES;
}
