/* fcwritten.c - see fcwritten.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/admin-guide/mm/pagemap.html
 */
#include <sys/mman.h>
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

/* Pages of the snapshot's memory, by their numbers in it. */
struct note {
	uint32_t page[MOST];
	size_t n;
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

static bool
take(int snapshot, struct note *note)
{
	autofree char *bytes = NULL;
	size_t size;

	if (file_slurp(snapshot, NOTE, sizeof(note->page), &bytes, &size))
		return false;
	note->n = size / sizeof(note->page[0]);
	memcpy(note->page, bytes, note->n * sizeof(note->page[0]));
	return true;
}

/* --- the copies ------------------------------------------------------- */

/*
 * What is to be written there can be read nowhere. The kernel makes the pages
 * the process's own, which copies them, gets nothing to write to them, and
 * leaves them as they are, whoever else writes to them in that moment.
 */
static bool
own(pid_t pid, void *there, size_t size, void *nowhere)
{
	struct iovec ours = { nowhere, size };
	struct iovec theirs = { there, size };

	return process_vm_writev(pid, &ours, 1, &theirs, 1, 0) < 0 &&
	    errno == EFAULT;
}

/* How many pages from the i-th on follow each other. */
static size_t
run_of(const struct note *note, size_t i)
{
	size_t n = 1;

	while (n < PIECE && i + n < note->n &&
	    note->page[i + n] == note->page[i] + n)
		n++;
	return n;
}

/* Where a page is in the VMM, and fewer than *n when no more are there. */
static void *
place(const struct regions *all, uint32_t page, size_t *n)
{
	for (unsigned i = 0; i < all->n; i++) {
		const struct region *r = &all->r[i];
		uint64_t at = r->at + page - r->offset;

		if (page < r->offset || at >= r->end)
			continue;
		if (*n > r->end - at)
			*n = (size_t)(r->end - at);
		return (void *)(at * PAGE);
	}
	return NULL;
}

void
fcwritten_copy(int snapshot, pid_t pid)
{
	static struct note note;
	const size_t most = (size_t)PIECE * PAGE;
	struct regions all = find(pid);
	void *nowhere = mmap(NULL, most, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	bool go_on = all.n && nowhere != MAP_FAILED && take(snapshot, &note);
	size_t n;

	for (size_t i = 0; go_on && i < note.n; i += n) {
		void *there;

		n = run_of(&note, i);
		there = place(&all, note.page[i], &n);
		go_on = !there || own(pid, there, n * PAGE, nowhere);
	}
	if (nowhere != MAP_FAILED)
		munmap(nowhere, most);
}
