/* lazy.c - libraries that are loaded by name; see lazy.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <dlfcn.h>

#define LAZY_HERE
#include "lazy.h"
#include "disk.h"

#if ARCHIVE_VERSION_NUMBER / 1000000 != 3
#error "another libarchive is called otherwise"
#endif

#define STRING_OF(n) #n
#define LIBCRYPTO(n) "libcrypto.so." STRING_OF(n)

#define LAZY_DEFINE(f) __typeof__(f) *lazy_##f;
LAZY_ARCHIVE(LAZY_DEFINE)
LAZY_CRYPTO(LAZY_DEFINE)

static void *
load(const char *library)
{
	void *handle = dlopen(library, RTLD_NOW);

	if (!handle)
		die("cannot load a library: %s", dlerror());
	return handle;
}

static void
find(void *library, const char *name, void *ret)
{
	void *p = dlsym(library, name);

	if (!p)
		die("cannot load a library: %s", dlerror());
	memcpy(ret, &p, sizeof(p));
}

#define LAZY_FIND(f) find(library, #f, &lazy_##f);

void
lazy_archive(void)
{
	void *library;

	if (lazy_archive_read_new)
		return;
	library = load("libarchive.so.13");
	LAZY_ARCHIVE(LAZY_FIND)
}

void
lazy_crypto(void)
{
	void *library;

	if (lazy_EVP_MD_CTX_new)
		return;
	library = load(LIBCRYPTO(OPENSSL_SHLIB_VERSION));
	LAZY_CRYPTO(LAZY_FIND)
}
