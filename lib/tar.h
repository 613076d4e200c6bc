/* tar.h - reading a tar stream, member by member
 *
 * v7, ustar, pax (pax.h says which of it), GNU's long names, large numbers
 * and sparse files, and what tarwrite.h calls brief. No member is held in
 * memory; names, sparse maps, and what a pax header holds, are bounded.
 */
#ifndef BNG_TAR_H
#define BNG_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
	TAR_BLOCK = 512,
	TAR_BUF = 256 * 1024,
	TAR_NAME = 4096,	/* a path with its NUL */
	TAR_PAX = 256 * 1024,	/* one extended header */
	TAR_XATTRS = 128,
	TAR_PIECES = 8192,	/* of a sparse file that we write */
	TAR_PIECES_READ = 1 << 18,	/* of one that somebody else did */
};

struct tar_xattr {
	const char *name, *value;	/* value is not terminated */
	size_t len;
};

/* A part of a sparse file that is no hole. */
struct tar_piece {
	uint64_t from, len;
};

struct tar_entry {
	char type;		/* '0' file, '1' link, '2' symlink, '3'-'6' */
	char path[TAR_NAME];
	char link[TAR_NAME];
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;		/* of the content in the stream */
	uint64_t real_size;	/* of the file, holes included */
	const struct tar_piece *map;	/* NULL: it has no holes */
	size_t n_map;
	struct timespec mtime, atime;	/* atime is mtime if not told */
	dev_t dev;
	struct tar_xattr xattrs[TAR_XATTRS];
	size_t n_xattrs;
	const char *acl, *default_acl;	/* as text, or NULL */
};

struct tar_in {
	/* Fill buf: how much, 0 at the end, -1 and errno. */
	ssize_t (*read)(void *ctx, void *buf, size_t size);
	/*
	 * Instead, if it is set: bytes of its own, good until the next call;
	 * -1 with error set, or errno.
	 */
	ssize_t (*next)(void *ctx, const uint8_t **ret_p);
	void *ctx;
	bool lax;		/* the end mark may be missing */
	/* Sees each byte that is read before a member's content; or NULL. */
	void (*tee)(void *tee_ctx, const void *p, size_t n);
	void *tee_ctx;
	const char *error;	/* what is wrong with the stream, once -1 */

	/* private */
	uint64_t left, padding;	/* of the member's content */
	const uint8_t *at;
	size_t len;
	char *pax;		/* what xattrs point into */
	size_t pax_size;
	struct tar_piece *map;
	size_t map_size;
	uint8_t buf[TAR_BUF];
};

/* The next member: 1; the end: 0; -1: error says what is wrong. */
int tar_next(struct tar_in *t, struct tar_entry *e);

/*
 * A piece of the member's content, at *ret_p until the next call: its length;
 * 0 when that was all (what is not asked for is skipped); -1.
 */
long tar_data(struct tar_in *t, const uint8_t **ret_p);

/* After the end: whether nothing but zeros follows, of which one tar writes a
 * few and another more. 0, or -1 with error. */
int tar_ends(struct tar_in *t);

/* The same, but at most max bytes. */
long tar_some(struct tar_in *t, size_t max, const uint8_t **ret_p);

/*
 * For who seeks: how much of the member is still to be read, its padding too,
 * which is then taken for read. Only with a source that has read no further.
 */
uint64_t tar_pass(struct tar_in *t);

/* Free what it holds; t can be used for another stream. */
void tar_release(struct tar_in *t);

/* A name without leading "./" and slashes at its end; "" is the root. */
char *tar_clean(char *path);

/* Whether a clean name could lead out of the directory it is relative to. */
bool tar_climbs(const char *path);

#endif
