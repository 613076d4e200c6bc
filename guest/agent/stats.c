/* stats.c - how the machine is doing, as one JSON object
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "clean.h"
#include "ops.h"

/* "Name:   123 kB" of such a file, in bytes. */
static unsigned long long
kb_of(const char *file, const char *name)
{
	char line[256];
	size_t len = strlen(name);
	autofclose FILE *f = fopen(file, "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ':')
			return strtoull(line + len + 1, NULL, 10) * 1024;
	return 0;
}

static void
print_disk(const char *name, const char *path)
{
	struct statvfs v;

	if (statvfs(path, &v))
		memset(&v, 0, sizeof(v));
	printf(",\"%s\":{\"total\":%llu,\"free\":%llu}", name,
	    (unsigned long long)v.f_blocks * v.f_frsize,
	    (unsigned long long)v.f_bavail * v.f_frsize);
}

int
stats_run(const char *request)
{
	double load[3] = { 0, 0, 0 };
	struct sysinfo si;
	char agent[64];

	(void)request;
	if (getloadavg(load, 3) != 3 || sysinfo(&si))
		return complain("cannot read the figures");
	snprintf(agent, sizeof(agent), "/proc/%ld/status", (long)getppid());
	printf("{\"uptime\":%ld,\"load\":[%.2f,%.2f,%.2f],\"procs\":%u",
	    si.uptime, load[0], load[1], load[2], si.procs);
	printf(",\"memory\":{\"total\":%llu,\"available\":%llu}",
	    kb_of("/proc/meminfo", "MemTotal"),
	    kb_of("/proc/meminfo", "MemAvailable"));
	print_disk("disk", "/");
	print_disk("work", "/root");
	printf(",\"agent_rss\":%llu}\n", kb_of(agent, "VmRSS"));
	return fflush(stdout) ? 1 : 0;
}
