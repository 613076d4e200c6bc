/* digest.h - SHA-256, streaming
 *
 * Needs libcrypto, so it is for applets that are linked apart.
 */
#ifndef BNG_DIGEST_H
#define BNG_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_HEX = 65 };	/* 64 digits and the end */

struct digest;

/* Dies when libcrypto cannot. */
struct digest *xdigest_new(void);
void digest_reset(struct digest *d);
void digest_add(struct digest *d, const void *buf, size_t len);

/* The sum so far, in lower-case hex; d can go on or be reset. */
void digest_hex(const struct digest *d, char hex[DIGEST_HEX]);

/*
 * Read a digest as people write it, with or without "sha256:", in either case.
 * false when it is not 64 hex digits.
 */
bool digest_parse(const char *text, char hex[DIGEST_HEX]);

/* The digest of text. */
void digest_of(const char *text, char hex[DIGEST_HEX]);

#endif
