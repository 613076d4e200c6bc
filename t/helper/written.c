/* written - the note of a memory's written pages, and their copies, for tests
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: written note DIR PAGE ...	what DIR/memory's mapping has, those
 *					pages written, becomes DIR/written
 *        written copy DIR PAGE ...	which of these are no longer the
 *					file's, copied as DIR/written says
 *        written race DIR PAGE		"kept" or "lost": what a writer adds to
 *					that page while it is copied
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "bng.h"
#include "fcwritten.h"

enum { PAGE = 4096, LAPS = 20, MOST = 1000000 };

const struct applet *self;

static char *memory;
static size_t size;

static void
map(int dir)
{
	int fd = openat(dir, "memory", O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die_sys("cannot open memory");
	size = (size_t)st.st_size;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED)
		die_sys("cannot map memory");
	close(fd);
}

static size_t
page(const char *arg)
{
	return (size_t)xnum(arg, 0, (long)(size / PAGE) - 1, "page") * PAGE;
}

static bool
ours(size_t at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t is = 0;

	if (fd < 0 || pread(fd, &is, sizeof(is), (off_t)(((uintptr_t)memory +
	    at) / PAGE * sizeof(is))) != sizeof(is))
		die_sys("cannot read pagemap");
	close(fd);
	return is >> 63 && !(is >> 61 & 1);
}

struct writer {
	_Atomic long *n;
	atomic_bool over;
};

static void *
count(void *ctx)
{
	struct writer *w = ctx;

	for (long i = 0; i < MOST; i++)
		atomic_store(w->n, atomic_load(w->n) + 1);
	atomic_store(&w->over, true);
	return NULL;
}

/* Lap by lap the page is the file's first. */
static const char *
race(int dir, const char *arg)
{
	char *at = memory + page(arg);

	for (int i = 0; i < LAPS; i++) {
		struct writer w = { (_Atomic long *)(void *)at, false };
		long was = atomic_load(w.n);
		pthread_t thread;

		if (pthread_create(&thread, NULL, count, &w))
			die("cannot have a thread");
		while (!atomic_load(&w.over))
			fcwritten_copy(dir, getpid());
		pthread_join(thread, NULL);
		if (atomic_load(w.n) != was + MOST)
			return "lost";
		madvise(at, PAGE, MADV_DONTNEED);
	}
	return "kept";
}

int
main(int argc, char *argv[])
{
	int dir = argc > 2 ? open(argv[2], O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC) : -1;

	if (argc < 4 || dir < 0)
		die("usage: written note|copy|race DIR PAGE ...");
	map(dir);
	if (!strcmp(argv[1], "race")) {
		puts(race(dir, argv[3]));
		return 0;
	}
	if (!strcmp(argv[1], "copy"))
		fcwritten_copy(dir, getpid());
	for (int i = 3; i < argc; i++)
		if (!strcmp(argv[1], "note"))
			memory[page(argv[i])] ^= 1;
		else if (ours(page(argv[i])))
			puts(argv[i]);
	if (!strcmp(argv[1], "note"))
		fcwritten_note(dir, getpid());
	return 0;
}
