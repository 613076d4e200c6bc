/* lazy.h - libarchive and libcrypto, for who needs them
 *
 * The two bring most of what takes time to load (5 ms of 6), and a file put
 * into an image needs neither. So they are loaded by name, as systemd does with
 * what is heavy; included instead of their headers, this makes their functions
 * pointers that are set then.
 */
#ifndef BNG_LAZY_H
#define BNG_LAZY_H

#include <archive.h>
#include <archive_entry.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

/* Before any of their functions is called; dies when a library is missing. */
void lazy_archive(void);
void lazy_crypto(void);

#define LAZY_ARCHIVE(do) \
	do(archive_error_string) \
	do(archive_read_data) \
	do(archive_read_data_block) \
	do(archive_read_free) \
	do(archive_read_new) \
	do(archive_read_next_header) \
	do(archive_read_open) \
	do(archive_read_open_filename) \
	do(archive_read_open_memory) \
	do(archive_read_support_filter_bzip2) \
	do(archive_read_support_filter_gzip) \
	do(archive_read_support_filter_lz4) \
	do(archive_read_support_filter_lzma) \
	do(archive_read_support_filter_xz) \
	do(archive_read_support_filter_zstd) \
	do(archive_read_support_format_empty) \
	do(archive_read_support_format_raw) \
	do(archive_set_error)

#define LAZY_CRYPTO(do) \
	do(EVP_DigestFinal_ex) \
	do(EVP_DigestInit_ex) \
	do(EVP_DigestUpdate) \
	do(EVP_MD_CTX_free) \
	do(EVP_MD_CTX_new) \
	do(EVP_sha256) \
	do(EVP_sha512) \
	do(OPENSSL_init_crypto)

#define LAZY_DECLARE(f) extern __typeof__(f) *lazy_##f;
LAZY_ARCHIVE(LAZY_DECLARE)
LAZY_CRYPTO(LAZY_DECLARE)

#ifndef LAZY_HERE
#define archive_error_string lazy_archive_error_string
#define archive_read_data lazy_archive_read_data
#define archive_read_data_block lazy_archive_read_data_block
#define archive_read_free lazy_archive_read_free
#define archive_read_new lazy_archive_read_new
#define archive_read_next_header lazy_archive_read_next_header
#define archive_read_open lazy_archive_read_open
#define archive_read_open_filename lazy_archive_read_open_filename
#define archive_read_open_memory lazy_archive_read_open_memory
#define archive_read_support_filter_bzip2 \
	lazy_archive_read_support_filter_bzip2
#define archive_read_support_filter_gzip lazy_archive_read_support_filter_gzip
#define archive_read_support_filter_lz4 lazy_archive_read_support_filter_lz4
#define archive_read_support_filter_lzma lazy_archive_read_support_filter_lzma
#define archive_read_support_filter_xz lazy_archive_read_support_filter_xz
#define archive_read_support_filter_zstd lazy_archive_read_support_filter_zstd
#define archive_read_support_format_empty \
	lazy_archive_read_support_format_empty
#define archive_read_support_format_raw lazy_archive_read_support_format_raw
#define archive_set_error lazy_archive_set_error
#define EVP_DigestFinal_ex lazy_EVP_DigestFinal_ex
#define EVP_DigestInit_ex lazy_EVP_DigestInit_ex
#define EVP_DigestUpdate lazy_EVP_DigestUpdate
#define EVP_MD_CTX_free lazy_EVP_MD_CTX_free
#define EVP_MD_CTX_new lazy_EVP_MD_CTX_new
#define EVP_sha256 lazy_EVP_sha256
#define EVP_sha512 lazy_EVP_sha512
#define OPENSSL_init_crypto lazy_OPENSSL_init_crypto
#endif

#endif
