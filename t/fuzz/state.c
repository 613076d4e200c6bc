/* state - fuzz what reads the files of a state directory
 *
 * SPDX-License-Identifier: MIT
 *
 * The input is a file's content, and a value's, and a name of a directory.
 */
#include <sys/mman.h>

#include "../../lib/file.c"
#include "../../lib/manifest.c"
#include "../../lib/proc.c"
#include "../../lib/scratch.c"
#include "../../lib/utf8.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;

static void
check(bool good)
{
	if (!good)
		abort();
}

static char where[] = "/dev/shm/bng-fuzz.XXXXXX";

static void
at_end(void)
{
	rmdir(where);
}

static void
as_file(int dir)
{
	static const char *const keys[] = { "name", "kernel", "created" };
	struct manifest *m;
	char line[64], small[8];
	int64_t v;
	ssize_t n = file_line(dir, "f", line, sizeof(line));

	if (n >= 0)
		check((size_t)n == strlen(line) && !strchr(line, '\n'));
	n = file_line(dir, "f", small, sizeof(small));
	check(n < (ssize_t)sizeof(small));
	if (!file_num(dir, "f", -5, 1000, &v))
		check(v >= -5 && v <= 1000);
	check(proc_load(dir, "f") >= -4096);
	if (manifest_load(dir, "f", &m))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		(void)manifest_str(m, keys[i]);
		(void)manifest_num(m, keys[i], -1);
	}
	manifest_free(m);
}

static void
as_text(char *text)
{
	char name[SCRATCH_NAME], before[4096];
	size_t len = strlen(text);
	pid_t pid;

	if (scratch_parse(text, NULL, name, &pid))
		check(strlen(name) < SCRATCH_NAME && pid > 0);
	for (const struct vm_key *k = vm_keys; k->key; k++)
		(void)vm_value_error(k->key, text);
	(void)vm_key_ok(text);
	utf8_clean(text);
	check(strlen(text) <= len);
	snprintf(before, sizeof(before), "%s", text);
	utf8_clean(before);
	check(len >= sizeof(before) || !strcmp(text, before));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int dirfd = -1;
	char *text = malloc(size + 1);
	int fd;

	if (dirfd < 0 && mkdtemp(where) && !atexit(at_end))
		dirfd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(dirfd >= 0);
	fd = openat(dirfd, "f", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(fd >= 0 && !write_all(fd, data, size));
	close(fd);
	as_file(dirfd);
	unlinkat(dirfd, "f", 0);
	memcpy(text, data, size);
	text[size] = '\0';
	as_text(text);
	free(text);
	return 0;
}
