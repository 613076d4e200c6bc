/* ed25519.h - the public key that belongs to a secret one */
#ifndef BNG_ED25519_H
#define BNG_ED25519_H

#include <stdint.h>

enum { ED25519_KEY = 32 };

/*
 * RFC 8032, 5.1.5. It takes the same time and touches the same memory whatever
 * the secret is. Signing is OpenSSH's.
 */
void ed25519_public(const uint8_t secret[ED25519_KEY],
    uint8_t ret_public[ED25519_KEY]);

#endif
