/* initrd.c - an initrd of the agent and the modules that it must load
 *
 * SPDX-License-Identifier: MIT
 *
 * https://docs.kernel.org/driver-api/early-userspace/buffer-format.html
 *
 * Equal input gives equal bytes: no times, no inode numbers of this host.
 */
#include "disk.h"

enum { AGENT_MAX = 256 << 20 };

struct cpio {
	struct output out;
	const char *name;
	int fd;
	uint64_t pos;
	unsigned ino;
};

static void
put(struct cpio *c, const void *data, size_t n)
{
	xwrite(c->fd, data, n, c->name);
	c->pos += n;
}

static void
pad(struct cpio *c, size_t to)
{
	static const char zeros[512];

	if (c->pos % to)
		put(c, zeros, to - c->pos % to);
}

static void
entry(struct cpio *c, const char *name, unsigned mode, unsigned major,
    unsigned minor, const void *data, size_t n)
{
	autofree char *head = xasprintf(
	    "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
	    ++c->ino, mode, 0, 0, S_ISDIR(mode) ? 2 : 1, 0, n, 0, 0, major,
	    minor, strlen(name) + 1, 0);

	put(c, head, strlen(head));
	put(c, name, strlen(name) + 1);
	pad(c, 4);
	put(c, data, n);
	pad(c, 4);
}

static void
put_agent(struct cpio *c, const char *path)
{
	autofree char *buf = NULL;
	size_t n;
	int r = file_slurp(AT_FDCWD, path, AGENT_MAX, &buf, &n);

	if (r) {
		errno = -r;
		die_sys("cannot read '%s'", path);
	}
	entry(c, "init", S_IFREG | 0755, 0, 0, buf, n);
}

static void
put_modules(struct cpio *c, const struct kmods *k)
{
	entry(c, "modules", S_IFDIR | 0755, 0, 0, NULL, 0);
	for (size_t i = 0; i < k->norder; i++) {
		const struct kmod *m = k->order[i];
		autofree char *name = xasprintf("modules/%03zu-%s.ko", i,
		    m->name);

		entry(c, name, S_IFREG | 0644, 0, 0, m->data, m->size);
	}
}

static void
write_cpio(struct cpio *c, const char *agent, const struct kmods *k)
{
	entry(c, "dev", S_IFDIR | 0755, 0, 0, NULL, 0);
	entry(c, "dev/console", S_IFCHR | 0600, 5, 1, NULL, 0);
	put_agent(c, agent);
	put_modules(c, k);
	c->ino = UINT32_MAX;	/* the trailer's number is 0 */
	entry(c, "TRAILER!!!", 0, 0, 0, NULL, 0);
	pad(c, 512);
}

int
initrd_main(int argc, char *argv[])
{
	struct cpio c = { .name = "the output", .fd = STDOUT_FILENO };
	const char *agent = NULL, *dir = NULL, *out = NULL;
	struct kmods k = { 0 };
	int opt;

	opterr = 0;
	while ((opt = getopt(argc, argv, "+:a:m:o:")) != -1)
		if (opt == 'a')
			agent = optarg;
		else if (opt == 'm')
			dir = optarg;
		else if (opt == 'o')
			out = optarg;
		else
			bad_option(opt);
	if (!agent)
		die_usage("initrd needs an agent: -a");
	if (optind < argc && !dir)
		die_usage("modules need their directory: -m");
	if (dir)
		kmods_open(&k, dir);
	while (optind < argc)
		kmods_want(&k, argv[optind++]);
	if (out) {
		output_open(&c.out, out, 0666);
		c.name = out;
		c.fd = c.out.fd;
	}
	write_cpio(&c, agent, &k);
	if (out)
		output_commit(&c.out);
	return EXIT_YES;
}
