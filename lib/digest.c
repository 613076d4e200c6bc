/* digest.c - SHA-256; see digest.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <openssl/evp.h>

#include "bng.h"
#include "digest.h"

static EVP_MD_CTX *
evp(const struct digest *d)
{
	return (EVP_MD_CTX *)(uintptr_t)d;
}

struct digest *
xdigest_new(void)
{
	struct digest *d = (struct digest *)EVP_MD_CTX_new();

	if (!d)
		die("out of memory");
	digest_reset(d);
	return d;
}

void
digest_reset(struct digest *d)
{
	if (!EVP_DigestInit_ex(evp(d), EVP_sha256(), NULL))
		die("cannot compute SHA-256");
}

void
digest_add(struct digest *d, const void *buf, size_t len)
{
	if (!EVP_DigestUpdate(evp(d), buf, len))
		die("cannot compute SHA-256");
}

void
digest_hex(const struct digest *d, char hex[DIGEST_HEX])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	if (!copy || !EVP_MD_CTX_copy_ex(copy, evp(d)) ||
	    !EVP_DigestFinal_ex(copy, sum, NULL))
		die("cannot compute SHA-256");
	EVP_MD_CTX_free(copy);
	for (int i = 0; i < (DIGEST_HEX - 1) / 2; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

bool
digest_parse(const char *text, char hex[DIGEST_HEX])
{
	if (!strncmp(text, "sha256:", strlen("sha256:")))
		text += strlen("sha256:");
	if (strlen(text) != DIGEST_HEX - 1)
		return false;
	for (int i = 0; i < DIGEST_HEX - 1; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
		hex[i] = (char)tolower((unsigned char)text[i]);
	}
	hex[DIGEST_HEX - 1] = '\0';
	return true;
}

void
digest_of(const char *text, char hex[DIGEST_HEX])
{
	struct digest *d = xdigest_new();

	digest_add(d, text, strlen(text));
	digest_hex(d, hex);
	EVP_MD_CTX_free(evp(d));
}
