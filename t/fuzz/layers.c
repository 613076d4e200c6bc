/* layers - fuzz what makes an image of layers, and of what JSON says of them
 *
 * SPDX-License-Identifier: MIT
 *
 * with: applets/disk/{attr,blob,body,dirs,image,import,inodes}.c
 * with: applets/disk/{lazy,links,nodes,oci,output,reader,spool,tree}.c
 * with: applets/disk/{turns,unpack}.c
 * with: -lext2fs -lcom_err -lisal -lzstd
 * with: -Wl,--wrap=exit,--wrap=write,--wrap=free
 * with: -Wl,--wrap=xmalloc,--wrap=xcalloc,--wrap=xrealloc,--wrap=strdup
 * with: -Wl,--wrap=vasprintf,--wrap=undo_unlink,--wrap=fdatasync
 *
 * The first byte says into how many layers the rest is cut; the check sums of
 * tar headers are made right. All of it goes through the code that bng-disk
 * runs, but for the thread. Whatever ends the process there ends the run here:
 * exit jumps back, and what had been allocated is freed.
 */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>

#include "../../applets/disk/import.h"
#include "../../applets/disk/layers.h"
#include "../../applets/disk/lazy.h"

enum { KEPT = 1 << 16, LAYERS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __real_exit(int status) __attribute__((noreturn));
void __wrap_exit(int status) __attribute__((noreturn));
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
void __real_free(void *p);
void __wrap_free(void *p);
void *__wrap_xmalloc(size_t n);
void *__wrap_xcalloc(size_t n, size_t size);
void *__wrap_xrealloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
int __real_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap_undo_unlink(const char *path);
int __wrap_fdatasync(int fd);

/* What libraries hold when a run is left is lost, and little. */
const char *__lsan_default_options(void);

const char *
__lsan_default_options(void)
{
	return "detect_leaks=0";
}

const struct applet *self;
static jmp_buf out;
static bool armed;
static void *kept[KEPT];
static struct image im;
static struct import in;

void
__wrap_exit(int status)
{
	if (armed)
		longjmp(out, 1);
	__real_exit(status);
}

/* Messages are many here, and nobody reads them. */
ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	return armed && fd == STDERR_FILENO ? (ssize_t)n :
	    __real_write(fd, p, n);
}

static void **
find(void *p, void *what)
{
	size_t i = (uintptr_t)p / 16 % KEPT;

	for (size_t n = 0; n < KEPT; n++, i = (i + 1) % KEPT)
		if (kept[i] == what)
			return &kept[i];
	return NULL;
}

static void *
keep(void *p)
{
	void **at = find(p, NULL);

	if (!p || !at)
		abort();
	*at = p;
	return p;
}

/* A hole would end a search too early: only the end of a run frees them. */
static void
forget(void *p)
{
	size_t i = (uintptr_t)p / 16 % KEPT;

	for (; kept[i]; i = (i + 1) % KEPT)
		if (kept[i] == p)
			kept[i] = &kept;
}

void
__wrap_free(void *p)
{
	if (p)
		forget(p);
	__real_free(p);
}

void *
__wrap_xmalloc(size_t n)
{
	return keep(malloc(n ? n : 1));
}

void *
__wrap_xcalloc(size_t n, size_t size)
{
	return keep(calloc(n ? n : 1, size));
}

void *
__wrap_xrealloc(void *p, size_t n)
{
	if (p)
		forget(p);
	return keep(realloc(p, n ? n : 1));
}

char *
__wrap_strdup(const char *s)
{
	return memcpy(keep(malloc(strlen(s) + 1)), s, strlen(s) + 1);
}

int
__wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	int n = __real_vasprintf(ret, fmt, ap);

	if (n >= 0)
		keep(*ret);
	return n;
}

/* The list would outlive a run. */
int
__wrap_undo_unlink(const char *path)
{
	(void)path;
	return -1;
}

/* Nor is there time to wait for a disk. */
int
__wrap_fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static void
free_all(void)
{
	for (size_t i = 0; i < KEPT; i++) {
		if (kept[i] && kept[i] != &kept)
			__real_free(kept[i]);
		kept[i] = NULL;
	}
}

/* --- one run ---------------------------------------------------------- */

struct part {
	const uint8_t *p, *end;
};

static ssize_t
give(void *ctx, void *buf, size_t n)
{
	struct part *m = ctx;
	size_t left = (size_t)(m->end - m->p);

	if (n > left)
		n = left;
	if (n > 700)
		n = 700; /* pieces that end anywhere */
	memcpy(buf, m->p, n);
	m->p += n;
	return (ssize_t)n;
}

static struct tar_in tar;
static struct unpack unpack;
static char why[WHY];

static ssize_t
next(void *ctx, const uint8_t **ret_p)
{
	static uint8_t buf[5000];
	ssize_t n = unpack.out.read(unpack.out.ctx, buf, sizeof(buf));

	(void)ctx;
	if (n < 0)
		tar.error = why;
	*ret_p = buf;
	return n;
}

static void
mend(uint8_t *h)
{
	unsigned int sum = 0;

	memset(h + 148, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	for (int i = 5; i >= 0; i--, sum >>= 3)
		h[148 + i] = (uint8_t)('0' + (sum & 7));
	h[154] = '\0';
}

static void
one_layer(struct import *in, const uint8_t *p, size_t n)
{
	static struct part m;
	struct bytes bytes = { give, &m, why };

	m = (struct part){ p, p + n };
	unpack_init(&unpack, &bytes, why);
	tar_release(&tar);
	if (in->tree.layer == 1)
		tar.tee = NULL;
	tar.next = next;
	tar.lax = true;
	import_layer(in, &tar, " of a layer", true);
	unpack_release(&unpack);
}

static void
make_image(uint8_t *p, size_t n)
{
	static const struct format format = { .size = 4 << 20, .now = 1,
		.late = true };
	static const uint8_t uuid[16] = { 1 };
	size_t layers = n ? 1 + *p++ % LAYERS : 1, part;

	n -= n != 0;
	part = n / layers / TAR_BLOCK * TAR_BLOCK;
	for (size_t i = 0; i + TAR_BLOCK <= n; i += TAR_BLOCK)
		if (!memcmp(p + i + 257, "ustar", 5))
			mend(p + i);
	image_new(&im, "build/fuzz/layers.ext4", &format);
	import_init(&in, &im);
	for (size_t i = 0; i < layers; i++)
		one_layer(&in, p + i * part,
		    i + 1 < layers ? part : n - i * part);
	image_identity(&im, uuid);
	import_finish(&in);
	image_commit(&im);
	im = (struct image){ .out.fd = -1 };
}

static void
read_json(const char *text)
{
	static struct oci o;
	struct desc d;

	o = (struct oci){ 0 };
	if (*text == 'i')
		oci_choose(text + 1, NULL, true, &d);
	else if (*text == 'm')
		oci_manifest(&o, text + 1);
	else if (*text == 'c')
		oci_config(&o, strdup(text + 1), 1);
	else
		__wrap_free(oci_docker(&o, text, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static cJSON_Hooks hooks = { __wrap_xmalloc, __wrap_free };
	uint8_t *copy = calloc(1, size + 1);

	cJSON_InitHooks(&hooks);
	lazy_archive();
	memcpy(copy, data, size);
	im = (struct image){ 0 };
	im.out.fd = -1;
	if (!setjmp(out)) {
		armed = true;
		if (size && *copy & 0x80)
			read_json((char *)copy + 1);
		else
			make_image(copy, size);
	}
	armed = false;
	if (im.fs)
		ext2fs_free(im.fs);
	if (im.out.fd >= 0)
		close(im.out.fd);
	if (in.tree.nodes.arena)
		tree_release(&in.tree);
	unpack_release(&unpack);
	tar_release(&tar);
	if (im.out.tmp)
		unlink(im.out.tmp);
	unlink("build/fuzz/layers.ext4");
	free_all();
	__real_free(copy);
	return 0;
}
