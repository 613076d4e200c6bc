/* make.c - bng-bundle make: a bundle out of an image's or kernel's directory
 *
 * SPDX-License-Identifier: MIT
 *
 * The same files give the same bytes: members in one order, root's, of the
 * day 0, and zstd with as many workers as there are processors, whose number
 * its output does not depend on (as long as there is one). Another release of
 * libzstd may write other bytes for the same content.
 *
 * Most of an image is zeros, and compressing them would take most of the time:
 * a long run of them is so many copies of one frame that was made beforehand.
 * Where the runs are, the content alone decides; holes only make it faster.
 */
#include <dirent.h>
#include <zstd.h>

#include "bundle.h"
#include "name.h"
#include "names.h"

enum { CHUNK = 1 << 20, LEVEL = 9, UNIT = 8 };	/* chunks in a zero frame */

struct packer {
	ZSTD_CCtx *z;
	struct digest *digest;
	const char *shown, *to;
	int fd;
	uint64_t wrote, unpacked;
	uint8_t *out, *chunk, *zeros, *zero_frame;
	size_t room, zero_len;
	bool open;		/* a frame has been begun */
};

static void
emit(struct packer *p, const void *data, size_t n)
{
	xwrite(p->fd, data, n, p->to);
	digest_add(p->digest, data, n);
	p->wrote += n;
}

static void
squeeze(struct packer *p, const void *data, size_t n, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = { data, n, 0 };
	size_t left;

	p->open = how != ZSTD_e_end;
	do {
		ZSTD_outBuffer out = { p->out, p->room, 0 };

		left = ZSTD_compressStream2(p->z, &out, &in, how);
		if (ZSTD_isError(left))
			die("cannot compress '%s': %s", p->shown,
			    ZSTD_getErrorName(left));
		emit(p, p->out, out.pos);
	} while (how == ZSTD_e_end ? left : in.pos < in.size);
}

static void
set(ZSTD_CCtx *z, ZSTD_cParameter what, int value)
{
	if (ZSTD_isError(ZSTD_CCtx_setParameter(z, what, value)))
		die("cannot start libzstd");
}

static void
zero_frame(struct packer *p)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();

	p->zeros = xcalloc(UNIT, CHUNK);
	p->zero_frame = xmalloc(ZSTD_compressBound(UNIT * CHUNK));
	p->chunk = xmalloc(CHUNK);
	if (!z)
		die("cannot start libzstd");
	set(z, ZSTD_c_windowLog, WINDOW_LOG);
	set(z, ZSTD_c_checksumFlag, 1);
	p->zero_len = ZSTD_compress2(z, p->zero_frame,
	    ZSTD_compressBound(UNIT * CHUNK), p->zeros, UNIT * CHUNK);
	if (ZSTD_isError(p->zero_len))
		die("cannot compress zeros: %s",
		    ZSTD_getErrorName(p->zero_len));
	ZSTD_freeCCtx(z);
}

static void
packer_init(struct packer *p, int level)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	p->z = ZSTD_createCCtx();
	p->digest = xdigest_new();
	p->room = ZSTD_CStreamOutSize();
	p->out = xmalloc(p->room);
	if (!p->z)
		die("cannot start libzstd");
	set(p->z, ZSTD_c_compressionLevel, level);
	set(p->z, ZSTD_c_windowLog, WINDOW_LOG);
	set(p->z, ZSTD_c_checksumFlag, 1);
	set(p->z, ZSTD_c_nbWorkers, cpus < 1 ? 1 : cpus > 16 ? 16 : (int)cpus);
	set(p->z, ZSTD_c_jobSize, 16 << 20);
	zero_frame(p);
}

/* So many chunks of zeros. */
static void
zeros(struct packer *p, uint64_t chunks)
{
	if (chunks >= UNIT && p->open)
		squeeze(p, "", 0, ZSTD_e_end);
	for (; chunks >= UNIT; chunks -= UNIT)
		emit(p, p->zero_frame, p->zero_len);
	for (; chunks; chunks--)
		squeeze(p, p->zeros, CHUNK, ZSTD_e_continue);
}

/* The header of a member; ustar's, by hand: a few constants and a size. */
static void
header(struct packer *p, const char *name, uint64_t size)
{
	uint8_t h[TAR_BLOCK] = { 0 };
	unsigned sum = 0;

	if (strlen(name) > 99)
		die("cannot pack '%s': the name is too long", name);
	memcpy(h, name, strlen(name));
	memcpy(h + 100, "0000644", 7);
	memcpy(h + 108, "0000000", 7);
	memcpy(h + 116, "0000000", 7);
	if (size >> 33) {
		h[124] = 0x80;		/* GNU's: big endian */
		for (int i = 0; i < 8; i++)
			h[135 - i] = (uint8_t)(size >> 8 * i);
	} else {
		snprintf((char *)h + 124, 12, "%011llo",
		    (unsigned long long)size);
	}
	memcpy(h + 136, "00000000000", 11);
	h[156] = '0';
	memcpy(h + 257, "ustar\00000", 8);
	memset(h + 148, ' ', 8);
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	snprintf((char *)h + 148, 7, "%06o", sum);
	squeeze(p, h, sizeof(h), ZSTD_e_continue);
}

static void
pad(struct packer *p, uint64_t size)
{
	static const uint8_t zeros[TAR_BLOCK];

	squeeze(p, zeros, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK,
	    ZSTD_e_continue);
	p->unpacked += size;
}

static void
member_bytes(struct packer *p, const char *name, const void *data, size_t n)
{
	header(p, name, n);
	squeeze(p, data, n, ZSTD_e_continue);
	pad(p, n);
}

/* The chunks from `at` on that are a hole. */
static uint64_t
hole(int fd, uint64_t at, uint64_t size)
{
	off_t data = lseek(fd, (off_t)at, SEEK_DATA);

	if (data < 0)
		data = errno == ENXIO ? (off_t)size : (off_t)at;
	return ((uint64_t)data - at) / CHUNK;
}

static void
content(struct packer *p, int fd, const char *name, uint64_t size)
{
	uint64_t at = 0, empty = 0;

	while (at < size) {
		uint64_t n = hole(fd, at, size);
		size_t want = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		ssize_t got;

		if (n) {
			empty += n;
			at += n * CHUNK;
			continue;
		}
		if (lseek(fd, (off_t)at, SEEK_SET) < 0)
			die_sys("cannot read '%s/%s'", p->shown, name);
		got = read_full(fd, p->chunk, want);
		if (got < 0 || (size_t)got < want)
			die("cannot read '%s/%s': %s", p->shown, name, got < 0 ?
			    strerror((int)-got) : "it became shorter");
		at += want;
		if (want == CHUNK && all_zero(p->chunk, CHUNK)) {
			empty++;
			continue;
		}
		zeros(p, empty);
		empty = 0;
		squeeze(p, p->chunk, want, ZSTD_e_continue);
	}
	zeros(p, empty);
}

/* A regular file, or what a link to one leads to; false: there is none. */
static bool
member(struct packer *p, int dirfd, const char *name)
{
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC |
	    O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0 || fstat(fd, &st))
		die_sys("cannot read '%s/%s'", p->shown, name);
	if (!S_ISREG(st.st_mode))
		die("cannot pack '%s/%s': it is no regular file", p->shown,
		    name);
	header(p, name, (uint64_t)st.st_size);
	content(p, fd, name, (uint64_t)st.st_size);
	pad(p, (uint64_t)st.st_size);
	return true;
}

/* The paths of all files below dirfd/path. */
static void
walk(struct names *n, int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d && fd < 0 && errno == ENOENT)
		return;
	if (!d)
		die_sys("cannot read '%s'", path);
	while ((e = readdir(d))) {
		autofree char *sub = xasprintf("%s/%s", path, e->d_name);
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			die_sys("cannot read '%s'", sub);
		if (S_ISDIR(st.st_mode))
			walk(n, dirfd, sub);
		else if (S_ISREG(st.st_mode))
			names_add(n, sub);
		else
			die("cannot pack '%s': it is no regular file", sub);
	}
}

/*
 * An initrd of banger's own, beside which `agent` says of which agent it is,
 * stays here: whoever unpacks the bundle makes another, of the agent there.
 */
static void
kernel(struct packer *p, int dirfd)
{
	struct names early = { 0 };

	if (!member(p, dirfd, "vmlinux"))
		die("'%s' is neither an image nor a kernel", p->shown);
	walk(&early, dirfd, "early");
	names_sort(&early);
	if (faccessat(dirfd, "agent", F_OK, 0))
		member(p, dirfd, "initrd");
	member(p, dirfd, "initrd.first");
	member(p, dirfd, "modules.ext4");
	for (size_t i = 0; i < early.count; i++)
		member(p, dirfd, early.name[i]);
}

/* The manifest as it goes along, without the places of files on this host. */
static cJSON *
xmanifest(int dirfd, const char *shown)
{
	autofree char *text = NULL;
	char why[WHY];
	size_t len;
	cJSON *j;
	int r = file_slurp(dirfd, "manifest.json", MANIFEST_MAX, &text, &len);

	if (r)
		die("cannot read '%s/manifest.json': %s", shown,
		    strerror(-r));
	if (manifest_parse(&j, text, len, why))
		die("cannot pack '%s': %s", shown, why);
	if (!strncmp(json_text(j, "source") ? json_text(j, "source") : "",
	    "unmanaged:", 10))
		cJSON_DeleteItemFromObjectCaseSensitive(j, "source");
	return j;
}

static void
pack(struct packer *p, int dirfd, const cJSON *manifest)
{
	static const uint8_t end[2 * TAR_BLOCK];
	char *text = cJSON_PrintUnformatted(manifest);

	if (!text)
		die("out of memory");
	member_bytes(p, "manifest.json", text, strlen(text));
	if (!member(p, dirfd, "rootfs.ext4"))
		kernel(p, dirfd);
	squeeze(p, end, sizeof(end), ZSTD_e_end);
}

/* It has its name from its digest, so it is made under another. */
int
make_main(int argc, char *argv[])
{
	autofree char *temp = NULL, *file = NULL, *path = NULL;
	struct packer p = { 0 };
	char hex[DIGEST_HEX];
	int64_t level = LEVEL;
	int c, dirfd, undo;
	cJSON *manifest;

	while ((c = getopt(argc, argv, "l:")) != -1)
		if (c == 'l')
			level = xnum(optarg, 1, 19, "level");
		else
			bad_option("make");
	if (argc - optind != 2)
		die_usage("make: a source and a directory are wanted");
	p.shown = argv[optind];
	dirfd = xopen(p.shown, O_RDONLY | O_DIRECTORY, 0);
	manifest = xmanifest(dirfd, p.shown);
	temp = xasprintf("%s/.bundle.%ld", argv[optind + 1], (long)getpid());
	p.to = argv[optind + 1];
	/* Its name is ours alone: no signal may come between the two. */
	undo = undo_unlink(temp);
	p.fd = xopen(temp, O_WRONLY | O_CREAT | O_EXCL, 0644);
	packer_init(&p, (int)level);
	pack(&p, dirfd, manifest);
	digest_hex(p.digest, hex);
	file = xasprintf("%s-%s-%.16s.tar.zst", json_text(manifest, "name"),
	    json_text(manifest, "arch"), hex);
	path = xasprintf("%s/%s", argv[optind + 1], file);
	if (fchmod(p.fd, 0644) || fdatasync(p.fd) || rename(temp, path))
		die_sys("cannot write '%s'", path);
	undo_forget(undo);
	printf("file\t%s\nsha256\t%s\nsize\t%llu\nunpacked\t%llu\n", path,
	    hex, (unsigned long long)p.wrote, (unsigned long long)p.unpacked);
	xflush();
	return EXIT_YES;
}
