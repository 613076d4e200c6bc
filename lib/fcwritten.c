/* fcwritten.c - see fcwritten.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/admin-guide/mm/pagemap.html
 */
#include <sys/uio.h>

#include "bng.h"
#include "fcwritten.h"

#define NOTE "written"

enum {
	PAGE = 4096,
	MOST = 8192,		/* pages of a note: what writes more is busy */
	REGIONS = 4,		/* Firecracker has two at most */
	PIECE = 512,		/* pages at once */
};

#define PRESENT (UINT64_C(1) << 63)
#define OF_FILE (UINT64_C(1) << 61)

/* A part of the guest's memory, where it is in the VMM; in pages. */
struct region {
	uint64_t at, end;
	uint64_t offset;	/* in the snapshot's memory */
};

struct regions {
	struct region r[REGIONS];
	unsigned n;
};

/* A line of /proc/PID/maps: is it that of a memory? */
static bool
parse(char *line, struct region *ret)
{
	unsigned long long from, end, offset;
	char rights[5];
	size_t len = strcspn(line, "\n");
	const char *name = "/memory";

	line[len] = '\0';
	if (sscanf(line, "%llx-%llx %4s %llx", &from, &end, rights, &offset) !=
	    4 || strcmp(rights, "rw-p") || len < strlen(name) ||
	    strcmp(line + len - strlen(name), name))
		return false;
	*ret = (struct region){ from / PAGE, end / PAGE, offset / PAGE };
	return true;
}

static struct regions
find(pid_t pid)
{
	struct regions all = { .n = 0 };
	char path[32];
	autofree char *line = NULL;
	size_t size = 0;
	autofclose FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%ld/maps", (long)pid);
	f = fopen(path, "re");
	while (f && all.n < REGIONS && getline(&line, &size, f) > 0)
		all.n += parse(line, &all.r[all.n]);
	return all;
}

/* --- the note --------------------------------------------------------- */

struct note {
	uint32_t page[MOST];
	size_t n;
};

/* Those of a region that are no longer the file's. False: too many. */
static bool
look(int pagemap, const struct region *r, struct note *note)
{
	uint64_t at, is[PIECE];

	for (at = r->at; at < r->end; ) {
		size_t want = r->end - at < PIECE ? (size_t)(r->end - at) :
		    PIECE;
		ssize_t n = pread(pagemap, is, want * sizeof(*is),
		    (off_t)(at * sizeof(*is)));

		if (n < (ssize_t)sizeof(*is))
			return false;
		n /= (ssize_t)sizeof(*is);
		for (ssize_t i = 0; i < n; i++) {
			if ((is[i] & (PRESENT | OF_FILE)) != PRESENT)
				continue;
			if (note->n == MOST)
				return false;
			note->page[note->n++] = (uint32_t)(at + (uint64_t)i -
			    r->at + r->offset);
		}
		at += (uint64_t)n;
	}
	return true;
}

bool
fcwritten_known(int snapshot)
{
	return !faccessat(snapshot, NOTE, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* A fork's snapshot is gone by now. */
static bool
wanted(int snapshot)
{
	struct stat st;

	return !fcwritten_known(snapshot) && !fstat(snapshot, &st) &&
	    st.st_nlink;
}

void
fcwritten_note(int snapshot, pid_t pid)
{
	static struct note note;
	struct regions all = { .n = 0 };
	char path[32];
	autoclose int fd = -1;

	if (!wanted(snapshot))
		return;
	all = find(pid);
	note.n = 0;
	snprintf(path, sizeof(path), "/proc/%ld/pagemap", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (unsigned i = 0; i < all.n; i++)
		if (fd < 0 || !look(fd, &all.r[i], &note))
			return;
	if (note.n)
		file_note(snapshot, NOTE, note.page,
		    note.n * sizeof(note.page[0]), 0600);
}

/* --- the copies ------------------------------------------------------- */

/* Where a page is in the VMM, or NULL. */
static void *
place(const struct regions *all, uint32_t page)
{
	for (unsigned i = 0; i < all->n; i++) {
		const struct region *r = &all->r[i];

		if (page >= r->offset && page - r->offset < r->end - r->at)
			return (void *)((r->at + page - r->offset) * PAGE);
	}
	return NULL;
}

/*
 * A byte of each is written as it is, and the kernel copies the page. It comes
 * from the file: to read it where it will be would be a fault more.
 */
struct batch {
	pid_t pid;
	int memory;
	size_t n;
	struct iovec theirs[PIECE];
	char bytes[PIECE];
};

static bool
rewrite(struct batch *b)
{
	struct iovec ours = { b->bytes, b->n };
	ssize_t n = (ssize_t)b->n;

	b->n = 0;
	return process_vm_writev(b->pid, &ours, 1, b->theirs, (size_t)n, 0) ==
	    n;
}

static bool
add(struct batch *b, uint32_t page, void *there)
{
	if (!there)
		return true;
	if (pread(b->memory, b->bytes + b->n, 1, (off_t)page * PAGE) != 1)
		return false;
	b->theirs[b->n++] = (struct iovec){ there, 1 };
	return b->n < PIECE || rewrite(b);
}

void
fcwritten_copy(int snapshot, pid_t pid)
{
	struct regions all = find(pid);
	autoclose int memory = openat(snapshot, "memory", O_RDONLY |
	    O_CLOEXEC);
	struct batch b = { .pid = pid, .memory = memory };
	autofree char *text = NULL;
	uint32_t page;
	size_t len;

	if (!all.n || memory < 0 || file_slurp(snapshot, NOTE,
	    sizeof(page) * MOST, &text, &len))
		return;
	for (size_t at = 0; at + sizeof(page) <= len; at += sizeof(page)) {
		memcpy(&page, text + at, sizeof(page));
		if (!add(&b, page, place(&all, page)))
			return;
	}
	if (b.n)
		rewrite(&b);
}
