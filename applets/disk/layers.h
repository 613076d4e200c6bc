/* layers.h - where layers come from: verified, unpacked, in one pass
 *
 *	source -> blob (digest) -> unpack (gzip, zstd, ...) -> feed (thread)
 *
 * What goes wrong is said in an error text rather than by ending the process,
 * for most of it happens in the reading thread. It is up to the writing one
 * to say which member that was in.
 */
#ifndef BNG_LAYERS_H
#define BNG_LAYERS_H

#include <pthread.h>

#include "disk.h"

enum {
	WHY = 256,
	DIGEST = 8 + 128,	/* "sha512:" and its hex digits, with the end */
	SMALL = 4 << 20,	/* most of an index, manifest or config */
	CHUNK = 1 << 18,
};

/* A stream of bytes: as many as there are up to n, 0 at the end, -1. */
struct bytes {
	ssize_t (*read)(void *ctx, void *buf, size_t n);
	void *ctx;
	char *why;		/* WHY bytes; what was wrong, after -1 */
};

printf_fn(2, 3) ssize_t bytes_fail(struct bytes *b, const char *fmt, ...);

/* What a digest is about. size -1: not known. */
struct desc {
	char digest[DIGEST];
	int64_t size;
};

/* "sha256:HEX" or "sha512:HEX", lower case, and nothing else. */
bool desc_set(struct desc *d, const char *digest, int64_t size);

/* As much as it says, with the digest it says; -1 otherwise. */
struct blob {
	struct bytes out;
	struct bytes in;
	struct desc want;
	int64_t left;		/* -1: as much as there is */
	void *sum;		/* NULL: there is no digest to check */
	bool done;
};

/*
 * Without want nothing is checked; without a digest in it, that is put there
 * at the end. It is in `why` that it complains; -1 when it cannot begin.
 */
int blob_init(struct blob *b, const struct bytes *in,
    const struct desc *want, char why[WHY]);
void blob_release(struct blob *b);

/* The rest of an uncompressed blob is such a stream as well. */
struct unpack {
	struct bytes out;
	struct bytes in;
	enum packing { BARE, GZIP, ZSTD, OTHER } packing;
	bool end, in_member;
	size_t from, len;	/* of buf: what has been read of in */
	uint8_t *buf;
	void *state;
};

void unpack_init(struct unpack *u, const struct bytes *in, char why[WHY]);
void unpack_release(struct unpack *u);

/* Threads: one reads, ahead of one that writes. */
enum { SLOTS = 16 };

struct feed {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	void (*run)(struct feed *f);	/* in the thread */
	void *ctx;
	char why[WHY];
	unsigned head, tail;	/* written, taken; tail's slot is in use */
	bool holding, ended;
	struct slot {
		ssize_t n;	/* 0: a layer ends; -1: why */
		uint8_t *buf;
	} v[SLOTS];
};

void feed_start(struct feed *f, void (*run)(struct feed *f), void *ctx);

/* For run: all of a stream, and whether that went well. */
bool feed_all(struct feed *f, struct bytes *b);

/*
 * For the other thread, as tar.h's next: f->why tells of an error. The end of a
 * stream, or an error, is what it answers until feed_turn asks for the next.
 */
ssize_t feed_next(void *ctx, const uint8_t **ret_p);
void feed_turn(struct feed *f);

/* An image as its manifest has it. */
struct oci {
	struct desc manifest, config;
	size_t n;
	struct oci_layer {
		struct desc blob;
		char *diff_id;	/* or NULL */
		char *path;	/* docker-archive: where it lies; or NULL */
	} *layers;		/* the lowest first */
	char *config_text;
	size_t config_len;
	int64_t created;	/* 0: not told */
};

enum oci_kind { OCI_INDEX, OCI_MANIFEST };

/*
 * Of an index, the one for tag (NULL: the only one) that runs here; whether
 * that is an index itself. Of a manifest, config and layers. Dies.
 */
enum oci_kind oci_kind(const char *text, const char *what);
void oci_choose(const char *text, const char *tag, bool top,
    struct desc *ret);
void oci_manifest(struct oci *o, const char *text);

/* Take the config (malloc'ed), which says when, and the layers' diff_ids. */
void oci_config(struct oci *o, char *text, size_t len);

/* docker save's manifest.json: config's and layers' paths. */
char *oci_docker(struct oci *o, const char *text, const char *tag);

struct source;

/* "-", "oci:DIR[:TAG]", "oci-archive:FILE[:TAG]", "docker-archive:...". */
struct source *source_open(const char *spec, struct oci *ret_o);

/* "tar:FILE", the lowest first. */
#define SOURCE_GIVEN "/dev/fd/"		/* before a descriptor's number */
struct source *source_tars(char *const *files, size_t n, struct oci *ret_o);

/* The path of what was opened. */
const char *source_name(const struct source *s);

/* The reader of layer i's bytes as they lie there; call from the top down. */
struct bytes source_layer(struct source *s, struct oci *o, size_t i,
    char why[WHY]);

/* The last layer has been read: is there anything wrong with the rest? */
bool source_end(struct source *s, char why[WHY]);

#endif
