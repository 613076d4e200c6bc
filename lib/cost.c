/* cost.c - what a machine costs its host; see cost.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <time.h>

#include "bng.h"
#include "clock.h"
#include "cost.h"
#include "proc.h"

int64_t
cost_disk(int vmfd)
{
	static const char *const disks[] = { "overlay.ext4", "work.ext4" };
	int64_t sum = 0;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		if (!fstatat(vmfd, disks[i], &st, AT_SYMLINK_NOFOLLOW))
			sum += (int64_t)st.st_blocks * 512;
	return sum;
}

/* The bytes of "Name:   123 kB" of its smaps_rollup; -1: not ours to read. */
static int64_t
rollup(pid_t pid, const char *name)
{
	char path[64], line[256];
	size_t len = strlen(name);
	autofclose FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", (long)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ':')
			return strtoll(line + len + 1, NULL, 10) * 1024;
	return -1;
}

static int64_t
resident(pid_t pid)
{
	char path[64];
	long long pages = -1;
	autofclose FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%ld/statm", (long)pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*d %lld", &pages) != 1)
		return -1;
	return pages * sysconf(_SC_PAGESIZE);
}

/* Milliseconds of CPU, and when it was started; false: it is gone. */
static bool
times(pid_t pid, int64_t *ret_cpu, int64_t *ret_start)
{
	int64_t tick = 1000 / sysconf(_SC_CLK_TCK);
	unsigned long long user, system, start;
	char path[64], buf[1024];
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	n = file_line(AT_FDCWD, path, buf, sizeof(buf));
	p = n < 0 ? NULL : strrchr(buf, ')');
	if (!p || sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
	    "%llu %llu %*d %*d %*d %*d %*d %*d %llu", &user, &system,
	    &start) != 3)
		return false;
	*ret_cpu = (int64_t)(user + system) * tick;
	*ret_start = (int64_t)start * tick;
	return true;
}

/* -1 stays what one of two is not known of. */
static void
add(int64_t *sum, int64_t n)
{
	*sum = *sum < 0 || n < 0 ? -1 : *sum + n;
}

void
cost_read(struct cost *c, int vmfd)
{
	static const char *const names[] = { "pid", "supervisor" };
	int64_t now = clock_ms(CLOCK_BOOTTIME), cpu, start;
	bool any = false;

	*c = (struct cost){ .disk = cost_disk(vmfd), .up_ms = -1 };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		pid_t pid = proc_load(vmfd, names[i]);

		if (pid <= 0 || !times(pid, &cpu, &start))
			continue;
		any = true;
		add(&c->cpu_ms, cpu);
		add(&c->rss, resident(pid));
		add(&c->pss, rollup(pid, "Pss"));
		if (now - start > c->up_ms)
			c->up_ms = now - start;
	}
	if (!any)
		c->cpu_ms = c->rss = c->pss = -1;
}
