/* signed.c - files with a signature beside them, and verbs about keys
 *
 * SPDX-License-Identifier: MIT
 */
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "bundle.h"

int
xopen_parent(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	autofree char *dir = slash ? xasprintf("%.*s", (int)(slash - path) + 1,
	    path) : xstrdup(".");

	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name)
		die("'%s' does not name a file", path);
	return xopen(dir, O_RDONLY | O_DIRECTORY, 0);
}

void
xsigned_read(const char *path, const char *url, char **ret_text,
    size_t *ret_len, unsigned char sig[KEY_SIGNATURE])
{
	autofree char *sig_path = xasprintf("%s.sig", path);
	autofree char *bytes = NULL;
	size_t n = 0;
	int r = file_slurp(AT_FDCWD, path, CATALOG_MAX, ret_text, ret_len);

	if (r)
		die("cannot read '%s': %s", path, strerror(-r));
	r = file_slurp(AT_FDCWD, sig_path, 4096, &bytes, &n);
	if (r && r != -EFBIG)
		die("cannot read '%s': %s", sig_path, strerror(-r));
	if ((r || n != KEY_SIGNATURE) && url)
		die_status(EXIT_NO, "refused the catalog of '%s': its "
		    "catalog.json.sig is no signature, which has %d bytes",
		    url, KEY_SIGNATURE);
	if (r || n != KEY_SIGNATURE)
		die_status(EXIT_NO, "refused '%s': it is no signature, which "
		    "has %d bytes", sig_path, KEY_SIGNATURE);
	memcpy(sig, bytes, KEY_SIGNATURE);
}

int
xsigned_by(const struct keys *k, const char *path, const char *text,
    size_t len, const unsigned char sig[KEY_SIGNATURE])
{
	int i = keys_signer(k, text, len, sig);

	if (i < 0)
		die_status(EXIT_NO, "refused '%s': '%s.sig' is not its "
		    "signature by a trusted key; one of the two was changed, "
		    "or somebody else signed it", path, path);
	return i;
}

void
xsigned_write(int dirfd, const char *name, const char *text, size_t len,
    const unsigned char sig[KEY_SIGNATURE])
{
	autofree char *sig_name = xasprintf("%s.sig", name);
	int r = file_put(dirfd, name, text, len, 0644);

	if (!r)
		r = file_put(dirfd, sig_name, sig, KEY_SIGNATURE, 0644);
	if (r)
		die("cannot write '%s': %s", name, strerror(-r));
}

void
bad_option(const char *verb)
{
	die_usage("%s: unknown option, or one without its value", verb);
}

/* --- verbs --------------------------------------------------------------- */

/* The file that is the one operand, and the value of -k. */
static const char *
operand(int argc, char *argv[], const char **ret_key)
{
	int c;

	while ((c = getopt(argc, argv, ret_key ? "k:" : "")) != -1)
		if (c == 'k' && ret_key)
			*ret_key = optarg;
		else
			bad_option(argv[0]);
	if (argc - optind != 1)
		die_usage("%s: one file is wanted", argv[0]);
	if (ret_key && !*ret_key)
		die_usage("%s: -k is missing", argv[0]);
	return argv[optind];
}

/* A key's file, of the given mode; never over one that is there. */
static void
put_pem(int dirfd, const char *name, BIO *b, mode_t mode)
{
	char *text;
	long n = BIO_get_mem_data(b, &text);
	int r = n > 0 ? file_put(dirfd, name, text, (size_t)n, mode) : -EIO;

	if (r)
		die("cannot write '%s': %s", name, strerror(-r));
	BIO_free(b);
}

static void
print_public(const struct keys *k)
{
	char text[KEY_TEXT];

	key_text(k->raw[0], text);
	puts(text);
	xflush();
}

int
key_main(int argc, char *argv[])
{
	const char *path = operand(argc, argv, NULL), *name;
	autofree char *pub = NULL;
	BIO *secret = BIO_new(BIO_s_mem()), *open = BIO_new(BIO_s_mem());
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	int dirfd = xopen_parent(path, &name);
	struct keys k;

	pub = xasprintf("%s.pub", name);
	if (!faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) ||
	    !faccessat(dirfd, pub, F_OK, AT_SYMLINK_NOFOLLOW))
		die_status(EXIT_NO, "cannot make the key '%s': it is there",
		    path);
	if (!key || !secret || !open || !PEM_write_bio_PrivateKey(secret, key,
	    NULL, NULL, 0, NULL, NULL) || !PEM_write_bio_PUBKEY(open, key))
		die("cannot make the key '%s': libcrypto refuses", path);
	xkey_public(key, &k);
	put_pem(dirfd, name, secret, 0600);
	put_pem(dirfd, pub, open, 0644);
	print_public(&k);
	return EXIT_YES;
}

/* Of a private key, too. */
int
public_main(int argc, char *argv[])
{
	const char *path = operand(argc, argv, NULL);
	autofree char *text = NULL;
	size_t len;
	struct keys k = { 0 };
	int r = file_slurp(AT_FDCWD, path, KEY_FILE, &text, &len);

	if (!r && strstr(text, "PRIVATE KEY-----"))
		xkey_public(xkey_private(path), &k);
	else
		xkeys_file(&k, path);
	print_public(&k);
	return EXIT_YES;
}

int
sign_main(int argc, char *argv[])
{
	const char *secret = NULL, *path = operand(argc, argv, &secret), *name;
	autofree char *text = NULL, *sig_name = NULL;
	unsigned char sig[KEY_SIGNATURE];
	size_t len;
	int dirfd = xopen_parent(path, &name);
	int r = file_slurp(dirfd, name, CATALOG_MAX, &text, &len);

	if (r)
		die("cannot read '%s': %s", path, strerror(-r));
	xkey_sign(xkey_private(secret), text, len, sig);
	sig_name = xasprintf("%s.sig", name);
	r = file_put(dirfd, sig_name, sig, sizeof(sig), 0644);
	if (r)
		die("cannot write '%s.sig': %s", path, strerror(-r));
	return EXIT_YES;
}

int
verify_main(int argc, char *argv[])
{
	const char *words = NULL, *path = operand(argc, argv, &words);
	autofree char *text = NULL;
	unsigned char sig[KEY_SIGNATURE];
	char by[KEY_TEXT];
	struct keys k;
	size_t len;

	xkeys_load(&k, words);
	xsigned_read(path, NULL, &text, &len, sig);
	key_text(k.raw[xsigned_by(&k, path, text, len, sig)], by);
	puts(by);
	xflush();
	return EXIT_YES;
}
