/* digest.c - SHA-256 and SHA-512; see digest.h
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

static struct digest *
new_with(const EVP_MD *md)
{
	EVP_MD_CTX *d = EVP_MD_CTX_new();

	if (!d || !EVP_DigestInit_ex(d, md, NULL))
		die("cannot compute digests");
	return (struct digest *)d;
}

struct digest *
xdigest_new(void)
{
	return new_with(EVP_sha256());
}

struct digest *
xdigest_new_like(const char *name)
{
	return new_with(!strncmp(name, "sha512:", 7) ? EVP_sha512() :
	    EVP_sha256());
}

void
digest_free(struct digest *d)
{
	EVP_MD_CTX_free(evp(d));
}

void
digest_reset(struct digest *d)
{
	if (!EVP_DigestInit_ex(evp(d), NULL, NULL))
		die("cannot compute digests");
}

void
digest_add(struct digest *d, const void *buf, size_t len)
{
	if (!EVP_DigestUpdate(evp(d), buf, len))
		die("cannot compute digests");
}

void
digest_sum(const struct digest *d, char hex[DIGEST_SUM])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned n = 0;

	if (!copy || !EVP_MD_CTX_copy_ex(copy, evp(d)) ||
	    !EVP_DigestFinal_ex(copy, sum, &n))
		die("cannot compute digests");
	EVP_MD_CTX_free(copy);
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

void
digest_hex(const struct digest *d, char hex[DIGEST_HEX])
{
	char sum[DIGEST_SUM];

	digest_sum(d, sum);
	memcpy(hex, sum, DIGEST_HEX - 1);
	hex[DIGEST_HEX - 1] = '\0';
}

bool
digest_ok(const char *name)
{
	size_t n = !strncmp(name, "sha256:", 7) ? DIGEST_HEX - 1 :
	    !strncmp(name, "sha512:", 7) ? DIGEST_SUM - 1 : 0;

	return n && strlen(name + 7) == n &&
	    strspn(name + 7, "0123456789abcdef") == n;
}

const char *
digest_digits(const char *name)
{
	return strchr(name, ':') + 1;
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
	digest_free(d);
}
