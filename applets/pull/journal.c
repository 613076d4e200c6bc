/* journal.c - what of an unfinished blob is there
 *
 * SPDX-License-Identifier: MIT
 *
 * HEX.part.journal, beside HEX.part and guarded by its lock, is text:
 *
 *	part FILE SIZE BOOT	what it is about, and under which boot; FILE is
 *				its inode and when that was made
 *	N			grain N is in the file
 *	= N			the first N such lines are on the disk
 *
 * A line is appended when the bytes are in the file, so a killed pull loses
 * only grains in flight. What a crash of the host may have lost is told from
 * the rest by the boot: under another one only synced lines count. In the end
 * the digest decides; the journal only saves work.
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

/* One line's grain goes to order[], or its mark to j. false: it is neither. */
static bool
line_read(struct journal *j, const char *line, size_t *order, size_t n)
{
	bool mark = *line == '=';
	char *end;
	unsigned long v;

	if (mark && line[1] != ' ')
		return false;
	line += mark ? 2 : 0;
	v = strtoul(line, &end, 10);
	if (end == line || *end != '\n')
		return false;
	if (mark && v <= j->lines)
		j->synced = v;
	else if (!mark && v < n && j->lines < n)
		order[j->lines++] = v;
	return true;
}

/* Whether it is about this part; the grains in it that can be trusted. */
static bool
take_over(struct journal *j, const char *text, int part, int64_t size,
    uint8_t *grain, size_t n)
{
	char ours[200], any[200];
	autofree size_t *order = xcalloc(n + 1, sizeof(*order));
	int64_t there = lseek(part, 0, SEEK_END);
	size_t good, skip;
	bool same;

	head(part, size, boot(), ours);
	head(part, size, "", any);
	skip = strcspn(text, "\n");
	same = !strncmp(text, ours, strlen(ours));
	if (strncmp(text, any, strlen(any) - 1) || !text[skip])
		return false;
	for (text += skip + 1; line_read(j, text, order, n);
	    text = strchr(text, '\n') + 1)
		;
	good = same ? j->lines : j->synced;
	/* Who cut the file shorter did not cut the journal. */
	for (size_t i = 0; i < good; i++)
		if ((int64_t)(order[i] + 1) * GRAIN <= there || there == size)
			grain[order[i]] = GRAIN_THERE;
	return true;
}

/* The file anew, in one go: no torn line and no other boot is in it then. */
static int
begin(struct journal *j, int dirfd, const char *name, int part, int64_t size,
    const uint8_t *grain, size_t n)
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
		if (grain[i] == GRAIN_THERE) {
			fprintf(f, "%zu\n", i);
			lines++;
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
    int64_t size, uint8_t *grain, size_t n)
{
	autofree char *text = NULL;
	size_t len;
	int r;

	j->lines = j->synced = 0;
	if (!file_slurp(dirfd, name, 16 * n + 4096, &text, &len))
		take_over(j, text, part, size, grain, n);
	r = begin(j, dirfd, name, part, size, grain, n);
	if (r)
		return r;
	j->fd = openat(dirfd, name, O_WRONLY | O_APPEND | O_CLOEXEC |
	    O_NOFOLLOW);
	return j->fd < 0 ? -errno : 0;
}

int
journal_add(struct journal *j, size_t grain)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "%zu\n", grain);

	j->lines++;
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
