/* open.c - an ext4 image that is there already, and paths in it
 *
 * SPDX-License-Identifier: MIT
 *
 * QEMU holds open-file-description locks on the images it uses, so our own
 * lock of the whole file is refused while a machine runs on it.
 */
#include "disk.h"
#include "journal.h"
#include "lock.h"

enum { BUFFER = 1 << 20 };

int
image_lock(const char *path)
{
	int fd = xopen(path, O_RDWR, 0);
	int r = lock_fd(fd, false);

	if (r == -EAGAIN)
		die_status(EXIT_NO, "cannot change '%s': it is in use", path);
	if (r) {
		errno = -r;
		die_sys("cannot lock '%s'", path);
	}
	return fd;
}

/* What our changes would leave inconsistent. */
static void
check_features(struct image *im)
{
	struct ext2_super_block *sb = im->fs->super;

	if (ext2fs_has_feature_extents(sb) && !ext2fs_has_feature_quota(sb) &&
	    !ext2fs_has_feature_bigalloc(sb))
		return;
	die("cannot change '%s': it is ext2, or has quotas or clusters",
	    im->out.path);
}

static void
open_fs(struct image *im, const char *path, bool change)
{
	int flags = EXT2_FLAG_64BITS | (change ? EXT2_FLAG_RW : 0);
	errcode_t err = ext2fs_open(path, flags, 0, 0, change ?
	    shadow_manager(im->out.fd) : unix_io_manager, &im->fs);

	if (err)
		die_ext(err, "cannot open '%s'", path);
	if (im->fs->blocksize != BLOCK)
		die("cannot open '%s': its blocks have %u bytes, not %d", path,
		    im->fs->blocksize, BLOCK);
}

/* Of ours, who died at it; who only reads does it if that can be done. */
static bool
recovered(struct image *im, const char *path, bool change)
{
	int fd;
	bool done;

	if (change || !journal_ours(im))
		return change && journal_recover(im, im->out.fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	done = fd >= 0 && !lock_fd(fd, false) && journal_recover(im, fd);
	if (fd >= 0)
		close(fd);
	return done;
}

/* A journal with something in it belongs to a kernel, running or dead. */
static void
check_rest(struct image *im, bool change)
{
	if (change)
		die("cannot change '%s': it was not unmounted; run e2fsck -p",
		    im->out.path);
	warn("'%s' was not unmounted: its last changes are not seen",
	    im->out.path);
}

void
image_open(struct image *im, const char *path, bool change)
{
	errcode_t err;

	*im = (struct image){ .buf = xmalloc(BUFFER) };
	im->out.path = xstrdup(path);
	im->out.fd = change ? image_lock(path) : xopen(path, O_RDONLY, 0);
	open_fs(im, path, change);
	if (ext2fs_has_feature_journal_needs_recovery(im->fs->super)) {
		if (recovered(im, path, change)) {
			ext2fs_free(im->fs);
			open_fs(im, path, change);
		} else {
			check_rest(im, change);
		}
	}
	if (!change)
		return;
	check_features(im);
	err = ext2fs_read_bitmaps(im->fs);
	if (err)
		die_ext(err, "cannot open '%s'", path);
}

void
image_close(struct image *im)
{
	errcode_t err = 0;

	image_settle(im);
	if (im->fs->flags & EXT2_FLAG_RW) {
		/* libext2fs would wait for the disk three times. */
		err = ext2fs_flush2(im->fs, EXT2_FLAG_FLUSH_NO_SYNC);
		if (!err)
			journal_commit(im);
	}
	if (err)
		die_ext(err, "cannot write '%s'", im->out.path);
	ext2fs_free(im->fs);
	close(im->out.fd);
	free(im->out.path);
	free(im->buf);
}

char *
path_tidy(const char *path)
{
	char *out = xmalloc(strlen(path) + 2), *p = out;

	while (*(path += strspn(path, "/"))) {
		size_t n = strcspn(path, "/");

		*p++ = '/';
		memcpy(p, path, n);
		p += n;
		path += n;
	}
	if (p == out)
		*p++ = '/';
	*p = '\0';
	return out;
}

ext2_ino_t
image_find(struct image *im, const char *path, bool follow)
{
	autofree char *tidy = path_tidy(path);
	errcode_t (*namei)(ext2_filsys, ext2_ino_t, ext2_ino_t, const char *,
	    ext2_ino_t *) = follow ? ext2fs_namei_follow : ext2fs_namei;
	ext2_ino_t ino;
	errcode_t err = namei(im->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, tidy, &ino);

	if (err == EXT2_ET_FILE_NOT_FOUND || err == EXT2_ET_NO_DIRECTORY)
		return 0;
	if (err)
		die_ext(err, "cannot find '%s' in '%s'", path, im->out.path);
	return ino;
}

ext2_ino_t
image_xfind(struct image *im, const char *path, bool follow)
{
	ext2_ino_t ino = image_find(im, path, follow);

	if (!ino)
		die_status(EXIT_NO, "there is no '%s' in '%s'", path,
		    im->out.path);
	return ino;
}

struct names {
	struct name *v;
	size_t n;
};

static int
add_name(struct ext2_dir_entry *e, int offset, int blocksize, char *buf,
    void *arg)
{
	struct names *names = arg;
	int len = ext2fs_dirent_name_len(e);

	(void)offset;
	(void)blocksize;
	(void)buf;
	if ((len == 1 && e->name[0] == '.') ||
	    (len == 2 && !memcmp(e->name, "..", 2)))
		return 0;
	if (!(names->n & (names->n + 1)))
		names->v = xrealloc(names->v,
		    (2 * names->n + 1) * sizeof(*names->v));
	names->v[names->n++] = (struct name){ e->inode,
	    xasprintf("%.*s", len, e->name) };
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct name *
image_names(struct image *im, ext2_ino_t dir, size_t *ret_n)
{
	struct names names = { NULL, 0 };
	errcode_t err = ext2fs_dir_iterate(im->fs, dir, 0, NULL, add_name,
	    &names);

	if (err)
		die_ext(err, "cannot read a directory of '%s'", im->out.path);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	*ret_n = names.n;
	return names.v;
}
