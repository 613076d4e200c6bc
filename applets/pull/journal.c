/* journal.c - what of an unfinished blob is there
 *
 * SPDX-License-Identifier: MIT
 *
 * HEX.part.journal, beside HEX.part and guarded by its lock, is text:
 *
 *	part FILE SIZE BOOT	what it is about, and under which boot; FILE is
 *				its inode and when that was made
 *	N			grain N is in the file
 *	N BYTES			so many bytes of it are, from its beginning
 *	= N			the grains of the first N lines of the first
 *				kind are on the disk
 *
 * A line is appended when the bytes are in the file, and often enough that, of
 * all blobs of a pull and on all its connections, no more than a grain of bytes
 * is without one: that is what a killed pull loses (flight.c). What a crash of
 * the host may have lost is told from the rest by the boot: under another one
 * only synced grains count. In the end the digest decides; the journal only
 * saves work.
 */
#include "bng.h"
#include "pull.h"

static const char *
boot(void)
{
	static char id[64];

	if (!id[0] && file_line(AT_FDCWD, "/proc/sys/kernel/random/boot_id",
	    id, sizeof(id)) <= 0)
		snprintf(id, sizeof(id), "unknown");
	return id;
}

static void
head(int part, int64_t size, const char *of_boot, char buf[200])
{
	struct statx st = { 0 };

	if (statx(part, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st))
		st.stx_ino = 0;
	snprintf(buf, 200, "part %llu-%lld.%u %lld %.60s\n",
	    (unsigned long long)st.stx_ino, (long long)st.stx_btime.tv_sec,
	    st.stx_btime.tv_nsec, (long long)size, of_boot);
}

uint32_t
grain_size(int64_t size, size_t g)
{
	int64_t left = size - (int64_t)g * GRAIN;

	return left < GRAIN ? (uint32_t)left : GRAIN;
}

/*
 * One line's grain goes to order[], its bytes to grain[], or its mark to j.
 * false: it is none of them.
 */
static bool
line_read(struct journal *j, const char *line, size_t *order,
    struct grain *grain, size_t n)
{
	bool mark = *line == '=';
	unsigned long v, bytes = 0;
	char *end;

	if (mark && line[1] != ' ')
		return false;
	line += mark ? 2 : 0;
	v = strtoul(line, &end, 10);
	if (end == line)
		return false;
	if (!mark && *end == ' ')
		bytes = strtoul(end, &end, 10);
	if (*end != '\n')
		return false;
	if (mark && v <= j->lines)
		j->synced = v;
	else if (!mark && bytes && bytes < GRAIN && v < n)
		grain[v].have = (uint32_t)bytes;
	else if (!mark && !bytes && v < n && j->lines < n)
		order[j->lines++] = v;
	return true;
}

/* Only what lies in the file, which somebody may have cut shorter. */
static void
believe(struct grain *g, size_t i, uint32_t have, int64_t size, int64_t there)
{
	uint32_t all = grain_size(size, i);

	if ((int64_t)i * GRAIN + have > there || have > all)
		have = 0;
	g->have = g->noted = have;
	g->state = have == all ? GRAIN_THERE : GRAIN_MISSING;
}

/* If it is about this part: the grains in it that can be trusted. */
static void
take_over(struct journal *j, FILE *f, int part, int64_t size,
    struct grain *grain, size_t n)
{
	char ours[200], any[200], line[256];
	autofree size_t *order = xcalloc(n + 1, sizeof(*order));
	int64_t there = lseek(part, 0, SEEK_END);
	bool same;

	head(part, size, boot(), ours);
	head(part, size, "", any);
	if (!fgets(line, sizeof(line), f) ||
	    strncmp(line, any, strlen(any) - 1) || !strchr(line, '\n'))
		return;
	same = !strcmp(line, ours);
	while (fgets(line, sizeof(line), f) &&
	    line_read(j, line, order, grain, n))
		;
	for (size_t i = 0; i < n; i++)
		believe(&grain[i], i, same ? grain[i].have : 0, size, there);
	for (size_t i = 0; i < (same ? j->lines : j->synced); i++)
		believe(&grain[order[i]], order[i],
		    grain_size(size, order[i]), size, there);
}

/* The file anew, in one go: no torn line and no other boot is in it then. */
static int
begin(struct journal *j, int dirfd, const char *name, int part, int64_t size,
    const struct grain *grain, size_t n)
{
	autofree char *text = NULL;
	size_t len = 0, lines = 0;
	FILE *f = open_memstream(&text, &len);
	char line[200];
	int r;

	if (!f)
		return -ENOMEM;
	head(part, size, boot(), line);
	fputs(line, f);
	for (size_t i = 0; i < n; i++)
		if (grain[i].state == GRAIN_THERE) {
			fprintf(f, "%zu\n", i);
			lines++;
		} else if (grain[i].have) {
			fprintf(f, "%zu %u\n", i, grain[i].have);
		}
	/* Of another boot only what is on the disk was taken over. */
	if (lines && lines == j->synced)
		fprintf(f, "= %zu\n", lines);
	if (fclose(f))
		return -ENOMEM;
	r = file_note(dirfd, name, text, len, 0600);
	j->lines = lines;
	return r;
}

int
journal_open(struct journal *j, int dirfd, const char *name, int part,
    int64_t size, struct grain *grain, size_t n)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	int r;

	j->lines = j->synced = 0;
	if (f) {
		take_over(j, f, part, size, grain, n);
		fclose(f);
	} else if (fd >= 0) {
		close(fd);
	}
	r = begin(j, dirfd, name, part, size, grain, n);
	if (r)
		return r;
	j->fd = openat(dirfd, name, O_WRONLY | O_APPEND | O_CLOEXEC |
	    O_NOFOLLOW);
	return j->fd < 0 ? -errno : 0;
}

int
journal_add(struct journal *j, size_t grain, uint32_t bytes)
{
	char line[64];
	int n = bytes ? snprintf(line, sizeof(line), "%zu %u\n", grain, bytes) :
	    snprintf(line, sizeof(line), "%zu\n", grain);

	j->lines += !bytes;
	return write_all(j->fd, line, (size_t)n);
}

int
journal_mark(struct journal *j, size_t lines)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "= %zu\n", lines);
	int r = write_all(j->fd, line, (size_t)n);

	return r || !fdatasync(j->fd) ? r : -errno;
}
