/* bundle.h - the parts of bng-bundle
 *
 * A bundle is a tar, compressed by zstd, of exactly these regular
 * members in this order: of an image manifest.json and rootfs.ext4; of a
 * kernel manifest.json, vmlinux and, where it has them, initrd, initrd.first,
 * modules.ext4 and the files below early/ that banger makes initrds of.
 *
 * 1. Nobody believes a catalog before its signature was checked, nor a bundle
 *    before it is whole and has the size and the SHA-256 of a catalog.
 * 2. Until then its bytes reach zstd, the tar reader and files without a name;
 *    its manifest is parsed after that.
 * 3. What is refused ends in EXIT_NO and a sentence that names it.
 */
#ifndef BNG_BUNDLE_H
#define BNG_BUNDLE_H

#include <cjson/cJSON.h>

#include "bng.h"
#include "digest.h"
#include "tar.h"

enum bundle_kind { BUNDLE_ANY = -1, BUNDLE_IMAGE, BUNDLE_KERNEL };

enum {
	WHY = 512,			/* a sentence of what is wrong */
	MANIFEST_MAX = 256 << 10,
	EARLY_FILES = 512,
	EARLY_MAX = 32 << 20,		/* all of them */
	CATALOG_MAX = 16 << 20,
	CATALOG_ENTRIES = 20000,
	WINDOW_LOG = 23,		/* 8 MiB of memory to unpack; */
	WINDOW_LOG_MAX = 24,		/* others may ask for so much */
};

static inline bool
all_zero(const uint8_t *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

extern const char *const bundle_kinds[2];	/* "image", "kernel" */

/* The kind of that name; BUNDLE_ANY when it is none. */
enum bundle_kind bundle_kind(const char *word);

/* --- key.c: Ed25519 ---------------------------------------------------- */

enum { KEY_RAW = 32, KEY_SIGNATURE = 64, KEY_TEXT = 56, KEYS_MAX = 64,
	KEY_FILE = 64 << 10 };

struct keys {
	size_t n;
	unsigned char raw[KEYS_MAX][KEY_RAW];
};

struct evp_pkey_st;

/*
 * Trusted keys: words separated by blanks, each "ed25519:BASE64", or a file
 * with such lines or a public key in PEM.
 */
void xkeys_load(struct keys *k, const char *words);

/* Those of a file, too. */
void xkeys_file(struct keys *k, const char *path);

/* Which of them has made the signature; -1: none. */
int keys_signer(const struct keys *k, const void *data, size_t len,
    const unsigned char sig[KEY_SIGNATURE]);

struct evp_pkey_st *xkey_private(const char *path);
void xkey_public(struct evp_pkey_st *key, struct keys *ret);
void xkey_sign(struct evp_pkey_st *key, const void *data, size_t len,
    unsigned char sig[KEY_SIGNATURE]);

/* "ed25519:BASE64" */
void key_text(const unsigned char raw[KEY_RAW], char text[KEY_TEXT]);

int key_main(int argc, char *argv[]);
int public_main(int argc, char *argv[]);
int sign_main(int argc, char *argv[]);
int verify_main(int argc, char *argv[]);

/* --- members.c: what may be in a bundle -------------------------------- */

/* Who gets the members; each call 0, or -1 having said in why what failed. */
struct members {
	enum bundle_kind kind;		/* BUNDLE_ANY: will be known */
	uint64_t max, sum;		/* bytes of all members */
	char why[WHY];
	void *ctx;
	int (*begin)(struct members *m, const char *name, uint64_t size);
	int (*data)(struct members *m, const uint8_t *p, size_t n);
	int (*end)(struct members *m);

	/* private */
	int rank;
	uint64_t early;
	int early_files;
	char last[TAR_NAME];
};

/* 0, or -1 with what is wrong in m->why, or in t->error for the stream. */
int members_read(struct members *m, struct tar_in *t);

/* --- reader.c: zstd over a descriptor, counted and digested ------------ */

struct bundle_in;

struct bundle_in *xbundle_in(int fd, uint64_t most);

/*
 * All members, and that nothing follows. NULL; or what is wrong, which lives
 * as long as b and m.
 */
const char *bundle_read(struct bundle_in *b, struct members *m);

uint64_t bundle_came(const struct bundle_in *b);
void bundle_hex(const struct bundle_in *b, char hex[DIGEST_HEX]);

/* --- catalog.c ---------------------------------------------------------- */

struct entry {
	enum bundle_kind kind;
	const char *name, *distro, *arch, *kernel, *version, *file, *sha256,
	    *description;		/* what is not known is NULL */
	int64_t size, unpacked, created;	/* created: or -1 */
};

struct catalog {
	cJSON *json;
	int64_t serial;
	struct entry *entries;
	size_t n;
	const char *error;
	char why[WHY];
};

/* -1: c->why says what is wrong. */
int catalog_parse(struct catalog *c, const char *text, size_t len);
void catalog_free(struct catalog *c);

/* Of a bundle: NAME.tar.zst, one component that begins with no dot. */
bool bundle_file_ok(const char *name);

const struct entry *catalog_find(const struct catalog *c,
    enum bundle_kind kind, const char *name);

/*
 * The catalog in a file whose signature is in that file's name + ".sig", and
 * which of the keys made it; dies when none did, or when it is malformed.
 */
int xcatalog_load(struct catalog *c, const char *path, const struct keys *k);

/*
 * What a verb is asked for, whose operands (of which there have to be so many)
 * begin with a catalog, a kind and a name, at optind then: the entry, or NULL.
 */
const struct entry *xentry_asked(int argc, char *argv[], int operands,
    const char *wanted);

/*
 * Read a file and FILE.sig; the text is malloc'ed. Dies; what is wrong with a
 * catalog that was fetched is said of its URL, which else is NULL.
 */
void xsigned_read(const char *path, const char *url, char **ret_text,
    size_t *ret_len, unsigned char sig[KEY_SIGNATURE]);

/* The signer of a text, or die: nobody who is trusted has signed it. */
int xsigned_by(const struct keys *k, const char *path, const char *text,
    size_t len, const unsigned char sig[KEY_SIGNATURE]);

/* Write both below dirfd, for everybody to read. Dies. */
void xsigned_write(int dirfd, const char *name, const char *text, size_t len,
    const unsigned char sig[KEY_SIGNATURE]);

/* The directory of a path, and the rest of the path. */
int xopen_parent(const char *path, const char **ret_name);

/* A manifest: an object with this name. -1: why says what is wrong. */
int manifest_parse(cJSON **ret, const char *text, size_t len, char why[WHY]);
const char *json_text(const cJSON *object, const char *key);

int accept_main(int argc, char *argv[]);
int add_main(int argc, char *argv[]);
int find_main(int argc, char *argv[]);
int list_main(int argc, char *argv[]);
int make_main(int argc, char *argv[]);
int open_main(int argc, char *argv[]);

/* getopt's '?' and ':'. */
noreturn_fn void bad_option(const char *verb);

#endif
