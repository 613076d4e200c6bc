/* sha512.h - the SHA-512 of a few bytes */
#ifndef BNG_SHA512_H
#define BNG_SHA512_H

#include <stddef.h>
#include <stdint.h>

enum { SHA512_SUM = 64, SHA512_SHORT = 111 };

/*
 * Of n bytes, at most SHA512_SHORT: those that are one block with what ends
 * them. For more there is digest.h, and the library that it needs.
 */
void sha512_short(const void *p, size_t n, uint8_t ret_sum[SHA512_SUM]);

#endif
