/* disk.h - what the files of bng-disk share
 *
 * output.c   a file that takes its name when it is whole
 * image.c    a new ext4: superblock, blocks in order, commit
 * format.c   empty ones, and options
 * inodes.c   its inodes, in long writes
 * body.c     a file's bytes into blocks, and its extent tree
 * dirs.c     directory blocks, hashed where they need it
 * tree.c     the names of an image that is being filled (tree.h)
 * attr.c     extended attributes and ACLs
 * import.c   members of layers into all of the above (import.h)
 * spool.c    members that upper layers hide, for a while
 * links.c    hard links that wait for their files
 * unpack.c   bytes out of gzip, zstd and others (layers.h, as the rest)
 * feed.c     a thread that reads, while another writes
 * blob.c     bytes whose digest is checked as they are read
 * oci.c      indexes, manifests and configs of images
 * source.c   where an image comes from
 * layers.c   import and layers: all of these together
 * open.c     an image that is there already, and paths in it
 * shadow.c   what libext2fs writes to it, in memory (journal.h)
 * journal.c  from there into its journal, and then into its place
 * look.c     get and list: reading it
 * export.c   an image as a tar stream
 * edit.c     put, mkdir and rm: changing it
 * grow.c     making it larger
 * lazy.c     libraries that few verbs need (lazy.h)
 * reader.c   bytes out of whatever compressed them
 * modinfo.c  what a kernel module says of itself
 * kmod.c     kernel modules in the order of loading
 * initrd.c   an initrd of an agent and such modules
 * bzimage.c  the ELF kernel inside a bzImage
 *
 * Whatever fails here ends the process: an image is temporary until
 * image_commit renames it, and the undo list removes it.
 */
#ifndef BNG_DISK_H
#define BNG_DISK_H

#include <ext2fs/ext2fs.h>

#include "bng.h"

enum {
	BLOCK = 4096,
	LOST_FOUND = 11,	/* its inode, and how many blocks it has */
	LOST_FOUND_BLOCKS = 4,
};

/* A file that takes its name only when it is whole. */
struct output {
	char *path, *tmp;
	int fd;
	int undo;
	bool brief;		/* it need not survive a crash of the host */
};

/* Make the temporary beside path. */
void output_open(struct output *o, const char *path, mode_t mode);

/* Sync it, unless it is brief, and give it its name. */
void output_commit(struct output *o);

/* n bytes from byte at of it on. */
void output_put(const struct output *o, const void *buf, size_t n,
    uint64_t at);

/* An image that is being made from nothing. */
struct image {
	struct output out;
	ext2_filsys fs;
	blk64_t next, end;	/* the run of free blocks being handed out */
	blk64_t taken;		/* from here to next: not in the bitmap yet */
	ext2_ino_t last_ino;
	blk64_t pos;		/* where buf belongs */
	size_t len;
	uint8_t *buf;
	uint64_t synced;	/* bytes below it are on their way to disk */
	struct itable *itable;	/* of a new image; NULL: libext2fs's */
};

struct format {
	const char *label;	/* or NULL */
	uint8_t uuid[16];	/* zeros: a random one */
	int64_t size;
	int64_t now;		/* 0: SOURCE_DATE_EPOCH, or the clock's */
	bool late;		/* image_identity will be called */
	bool brief;		/* as an output; nor is it ready to grow */
};

/* A new file system of which only the root's content is missing. */
void image_new(struct image *im, const char *path, const struct format *f);

/* Before any directory is written: what it is to be known by. */
void image_identity(struct image *im, const uint8_t uuid[16]);

/* Write what is left and give the image its name. */
void image_commit(struct image *im);

/* The next free block; dies when the image is full. */
blk64_t image_block(struct image *im);

/* Put BLOCK bytes into a block; they may stay in memory for a while. */
void image_write(struct image *im, blk64_t block, const void *data);

/* Before libext2fs reads or allocates itself: show it all we have done. */
void image_settle(struct image *im);

ext2_ino_t image_ino(struct image *im, bool is_dir);

/* Inodes that are written in the order of their numbers cost little. */
void itable_init(struct image *im);
void itable_settle(struct image *im);
void inode_write(struct image *im, ext2_ino_t ino,
    struct ext2_inode_large *inode);

/* What is behind an inode: attributes, as they lie there. */
enum { INODE_TAIL = 96 };
void inode_tail(struct image *im, ext2_ino_t ino,
    const uint8_t tail[INODE_TAIL]);
void inode_read(struct image *im, ext2_ino_t ino,
    struct ext2_inode_large *inode);

/* An inode's second-and-nanosecond pair, in ext4's 34 bits. */
void inode_time(uint32_t *ret_sec, uint32_t *ret_extra, int64_t sec,
    long nsec);

/* Say what could not be done and libext2fs's reason, exit 111. */
noreturn_fn printf_fn(2, 3) void die_ext(errcode_t err, const char *fmt, ...);

/*
 * The member that is being imported ("": none), and " of layer 2 (...)" or "":
 * what die_member names. They stay the caller's.
 */
void member_is(const char *name);
void layer_is(const char *text);

noreturn_fn printf_fn(1, 2) void die_member(const char *fmt, ...);
noreturn_fn void die_member_ext(errcode_t err, const char *what);

/* Open an image for changing and lock it; exit 1 while a machine uses it. */
int image_lock(const char *path);

/* An image that is there; for changing it must be at rest. */
void image_open(struct image *im, const char *path, bool change);

/* Write the changes back. */
void image_close(struct image *im);

/* The path with one slash before each component and none at its end. */
char *path_tidy(const char *path);

/* The inode at path, 0 when there is none; its last link is followed or not. */
ext2_ino_t image_find(struct image *im, const char *path, bool follow);

/* The same; exit 1 when there is none. */
ext2_ino_t image_xfind(struct image *im, const char *path, bool follow);

/* Every name in a directory but "." and "..", sorted; names are malloc'ed. */
struct name {
	ext2_ino_t ino;
	char *name;
};

struct name *image_names(struct image *im, ext2_ino_t dir, size_t *ret_n);

/* Where a file's blocks lie. */
struct extents {
	size_t n, size;
	struct extent {
		uint32_t at, len;
		blk64_t block;
	} *v;
};

/* A file's bytes on their way into blocks. */
struct body {
	struct image *im;
	struct extents x;
	uint64_t pos;		/* bytes below it are done */
	uint64_t at;		/* the block that part holds, if part_used */
	bool part_used;
	uint8_t part[BLOCK];
};

void extents_add(struct extents *x, uint32_t at, blk64_t block);
void extents_free(struct extents *x);

/* Put the tree into the inode: i_block, i_blocks and the extents flag. */
void extents_store(struct image *im, ext2_ino_t ino,
    struct ext2_inode_large *inode, const struct extents *x);

void body_init(struct body *b, struct image *im);

/* The bytes at off; offsets only grow. Blocks of zeros become holes. */
void body_write(struct body *b, uint64_t off, const void *data, size_t n);

/* Store what is left and the extents. The size is the caller's to set. */
void body_end(struct body *b, ext2_ino_t ino, struct ext2_inode_large *inode);

bool all_zero(const void *p, size_t n);

/* One name in a directory that is being written. */
struct dirent_new {
	ext2_ino_t ino;
	uint32_t hash, minor;
	uint8_t type;		/* EXT2_FT_* */
	uint8_t len;
	const char *name;
};

/*
 * Write directory ino with these names (reordered) and finish its inode,
 * whose mode, owner and times are there already.
 */
void dir_write(struct image *im, ext2_ino_t ino, ext2_ino_t parent,
    struct dirent_new *v, size_t n);

struct tar_entry;

/* Give the inode the member's attributes and ACLs; it has been written. */
void attrs_import(struct image *im, ext2_ino_t ino,
    const struct tar_entry *e);

struct archive;

/* A reader that knows the common compressions and starts no program. */
struct archive *reader_new(void);

/*
 * A file's bytes, uncompressed, malloc'ed; dies beyond max. what is for
 * messages.
 */
uint8_t *reader_file(const char *path, size_t max, size_t *ret_n);

/*
 * The text of a module's .modinfo section: NUL-terminated "key=value"
 * strings. 0, or -EBADMSG for what is no 64-bit little-endian ELF with it.
 */
int modinfo_find(const uint8_t *elf, size_t n, const char **ret_text,
    size_t *ret_n);

/*
 * The next value of a key after *pos, which begins at 0; NULL at the end.
 * It ends with a NUL that lies inside the text.
 */
const char *modinfo_next(const char *text, size_t n, const char *key,
    size_t *pos);

/* Modules of one kernel, found by name. */
struct kmod {
	char *name;		/* '-' is '_' */
	char *path;		/* NULL: built in */
	bool wanted;
	uint8_t *data;		/* once loaded */
	size_t size;
};

struct kmods {
	const char *dir;
	size_t n;
	struct kmod *v;		/* by name */
	size_t norder;
	struct kmod **order;	/* those to load, dependencies first */
};

void kmods_open(struct kmods *k, const char *dir);

/*
 * Append a module and all it needs. A name that ends in '?' may be absent;
 * what is built in needs nothing.
 */
void kmods_want(struct kmods *k, const char *name);

/* Where the compressed kernel lies in a bzImage. */
struct payload {
	size_t off, len;
	uint32_t size;		/* uncompressed, modulo 4 GiB */
};

/* From its first n bytes of total. 0, or -EBADMSG with a reason. */
int bzimage_payload(const uint8_t *head, size_t n, uint64_t total,
    struct payload *ret_p, const char **ret_why);

/* Is this ELF file a kernel that QEMU can enter? 0, or -EBADMSG and why not. */
int pvh_check(const uint8_t *elf, uint64_t n, const char **ret_why);

/* Verbs. */
int format_main(int argc, char *argv[]);
int import_main(int argc, char *argv[]);
int layers_main(int argc, char *argv[]);
int export_main(int argc, char *argv[]);
int put_main(int argc, char *argv[]);
int get_main(int argc, char *argv[]);
int list_main(int argc, char *argv[]);
int rm_main(int argc, char *argv[]);
int mkdir_main(int argc, char *argv[]);
int grow_main(int argc, char *argv[]);
int initrd_main(int argc, char *argv[]);
int vmlinux_main(int argc, char *argv[]);

/* The options of what makes an image. */
void format_label(struct format *f, const char *text);
void format_uuid(struct format *f, const char *text);
void format_size(struct format *f, const char *text);

/* getopt said '?' or ':'. */
noreturn_fn void bad_option(int c);

#endif
