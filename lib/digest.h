/* digest.h - SHA-256 and, where a registry names it so, SHA-512, streaming
 *
 * Needs libcrypto, so it is for applets that are linked apart.
 */
#ifndef BNG_DIGEST_H
#define BNG_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum {
	DIGEST_HEX = 65,	/* 64 digits and the end */
	DIGEST_SUM = 129,	/* the same of SHA-512, the longest */
	DIGEST_NAME = 136,	/* "sha512:" and those digits */
};

struct digest;

/* SHA-256. Dies when libcrypto cannot. */
struct digest *xdigest_new(void);

/* Of the algorithm that a digest such as "sha512:0a…" names (digest_ok). */
struct digest *xdigest_new_like(const char *name);
void digest_free(struct digest *d);

/* Start again, with the same algorithm. */
void digest_reset(struct digest *d);
void digest_add(struct digest *d, const void *buf, size_t len);

/* The sum so far, in lower-case hex; d can go on or be reset. */
void digest_hex(const struct digest *d, char hex[DIGEST_HEX]);

/* The same of either algorithm. */
void digest_sum(const struct digest *d, char hex[DIGEST_SUM]);

/*
 * Whether this is a digest as registries write it, "sha256:" or "sha512:" and
 * lower-case digits, and nothing that could be a path.
 */
bool digest_ok(const char *name);

/* Behind the colon of such a digest. */
const char *digest_digits(const char *name);

/*
 * Read a digest as people write it, with or without "sha256:", in either case.
 * false when it is not 64 hex digits.
 */
bool digest_parse(const char *text, char hex[DIGEST_HEX]);

/* The digest of text. */
void digest_of(const char *text, char hex[DIGEST_HEX]);

#endif
