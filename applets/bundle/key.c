/* key.c - Ed25519 keys and detached signatures, by libcrypto
 *
 * SPDX-License-Identifier: MIT
 *
 * RFC 8032's plain form over the bytes of a file: what openssl pkeyutl -rawin
 * makes and checks, too.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "bundle.h"

static const char prefix[] = "ed25519:";

enum { BASE64 = 44 };

void
key_text(const unsigned char raw[KEY_RAW], char text[KEY_TEXT])
{
	memcpy(text, prefix, sizeof(prefix) - 1);
	EVP_EncodeBlock((unsigned char *)text + sizeof(prefix) - 1, raw,
	    KEY_RAW);
}

/* A word of n bytes. */
static bool
from_text(const char *word, size_t n, unsigned char raw[KEY_RAW])
{
	unsigned char out[KEY_RAW + 3];
	const size_t skip = sizeof(prefix) - 1;

	if (n != skip + BASE64 || memcmp(word, prefix, skip) ||
	    word[n - 1] != '=' || EVP_DecodeBlock(out,
	    (const unsigned char *)word + skip, BASE64) != KEY_RAW + 1)
		return false;
	memcpy(raw, out, KEY_RAW);
	return true;
}

static unsigned char *
xroom(struct keys *k)
{
	if (k->n == KEYS_MAX)
		die("there are more than %d keys", KEYS_MAX);
	return k->raw[k->n];
}

/* The raw half that everybody may know; false for other than Ed25519. */
static bool
raw_public(EVP_PKEY *key, unsigned char raw[KEY_RAW])
{
	size_t n = KEY_RAW;

	return key && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 &&
	    EVP_PKEY_get_raw_public_key(key, raw, &n) && n == KEY_RAW;
}

static bool
from_pem(struct keys *k, const char *text, size_t len)
{
	BIO *b = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key = b ? PEM_read_bio_PUBKEY(b, NULL, NULL, NULL) : NULL;
	bool good = raw_public(key, xroom(k));

	EVP_PKEY_free(key);
	BIO_free(b);
	k->n += good;
	return good;
}

/* Lines of keys, the rest of each being a comment; -1: one is none. */
static int
from_lines(struct keys *k, const char *text)
{
	for (; *text; text += *text == '\n') {
		size_t n = strcspn(text, " \t\r\n");

		if (n && *text != '#') {
			if (!from_text(text, n, xroom(k)))
				return -1;
			k->n++;
		}
		text += strcspn(text, "\n");
	}
	return 0;
}

void
xkeys_file(struct keys *k, const char *path)
{
	autofree char *text = NULL;
	size_t len, had = k->n;
	int r = file_slurp(AT_FDCWD, path, KEY_FILE, &text, &len);
	bool good;

	if (r)
		die("cannot read the key '%s': %s", path, strerror(-r));
	good = strstr(text, "-----BEGIN") ? from_pem(k, text, len) :
	    !from_lines(k, text);
	if (!good || k->n == had)
		die("cannot use the key '%s': it is no Ed25519 public key",
		    path);
}

void
xkeys_load(struct keys *k, const char *words)
{
	autofree char *copy = xstrdup(words);
	char *rest = copy, *word;

	k->n = 0;
	while ((word = strsep(&rest, " \t\n"))) {
		if (!*word)
			continue;
		if (strncmp(word, prefix, sizeof(prefix) - 1))
			xkeys_file(k, word);
		else if (from_text(word, strlen(word), xroom(k)))
			k->n++;
		else
			die("cannot use the key '%s': %d characters of base64 "
			    "follow '%s'", word, BASE64, prefix);
	}
	if (!k->n)
		die("no key is trusted");
}

int
keys_signer(const struct keys *k, const void *data, size_t len,
    const unsigned char sig[KEY_SIGNATURE])
{
	for (size_t i = 0; i < k->n; i++) {
		EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519,
		    NULL, k->raw[i], KEY_RAW);
		EVP_MD_CTX *c = EVP_MD_CTX_new();
		bool good = key && c &&
		    EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(c, sig, KEY_SIGNATURE, data, len) == 1;

		EVP_MD_CTX_free(c);
		EVP_PKEY_free(key);
		if (good)
			return (int)i;
	}
	return -1;
}

EVP_PKEY *
xkey_private(const char *path)
{
	autofree char *text = NULL;
	EVP_PKEY *key = NULL;
	struct stat st;
	size_t len;
	BIO *b;
	int r = file_slurp(AT_FDCWD, path, KEY_FILE, &text, &len);

	if (r || stat(path, &st))
		die("cannot read the key '%s': %s", path,
		    strerror(r ? -r : errno));
	if (st.st_mode & 077)
		die("cannot use the key '%s': it is not its owner's alone "
		    "(chmod 600 makes it so)", path);
	b = BIO_new_mem_buf(text, (int)len);
	if (b)
		key = PEM_read_bio_PrivateKey(b, NULL, NULL, (void *)"");
	BIO_free(b);
	explicit_bzero(text, len);
	if (!key || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
		die("cannot use the key '%s': it is no Ed25519 private key "
		    "without a passphrase", path);
	return key;
}

void
xkey_public(EVP_PKEY *key, struct keys *ret)
{
	if (!raw_public(key, ret->raw[0]))
		die("cannot get the public half of the key");
	ret->n = 1;
}

void
xkey_sign(EVP_PKEY *key, const void *data, size_t len,
    unsigned char sig[KEY_SIGNATURE])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = KEY_SIGNATURE;

	if (!c || EVP_DigestSignInit(c, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(c, sig, &n, data, len) != 1 || n != KEY_SIGNATURE)
		die("cannot sign: libcrypto refuses");
	EVP_MD_CTX_free(c);
}
