/* vm.c - a machine's directory; see vm.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <stdarg.h>

#include "bng.h"
#include "dirs.h"
#include "lock.h"
#include "name.h"
#include "vm.h"
#include "vmms.h"

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
#define YES_NO "yes no"

const struct vm_key vm_keys[] = {
	{ "vcpu", VM_NUMBER, "2", 1, 256, NULL },
	{ "memory_mib", VM_NUMBER, "1024", 32, 16 * MIB, NULL },
	{ "disk_bytes", VM_NUMBER, "8589934592", 16 * MIB, 65536 * GIB, NULL },
	{ "vmm", VM_WORD, "auto", 0, 0, VMM_WORDS },
	{ "net", VM_WORD, "user", 0, 0, "user none" },
	{ "nat", VM_WORD, "yes", 0, 0, YES_NO },
	{ "nested", VM_WORD, "no", 0, 0, YES_NO },
	{ "jailer", VM_WORD, "no", 0, 0, YES_NO },
	{ "bootstrap", VM_WORD, "no", 0, 0, YES_NO },
	{ "ephemeral", VM_WORD, "no", 0, 0, YES_NO },
	{ "kernel", VM_NAME, NULL, 0, 0, NULL },
	{ "commits", VM_WORD, NULL, 0, 0, "yes" },
	{ "owner", VM_PROCESS, NULL, 0, 0, NULL },
	{ "workspace/guest_path", VM_PATH, NULL, 0, 0, NULL },
	{ "workspace/host_path", VM_PATH, NULL, 0, 0, NULL },
	{ "workspace/head", VM_LINE, NULL, 0, 0, NULL },
	{ "workspace/mode", VM_WORD, NULL, 0, 0, "shallow_overlay full_copy" },
	{ "workspace/readonly", VM_WORD, NULL, 0, 0, "yes" },
	{ "workspace/untracked", VM_WORD, NULL, 0, 0, "yes" },
	{ "workspace/branch", VM_LINE, NULL, 0, 0, NULL },
	{ "workspace/from", VM_LINE, NULL, 0, 0, NULL },
	{ "workspace/stamp", VM_LINE, NULL, 0, 0, NULL },
	{ NULL, VM_LINE, NULL, 0, 0, NULL },
};

const char *const vm_runtime_files[] = { "ready", "restored",
	"pid", "supervisor",
	"agent.sock", "qmp.sock", "api.sock", "vsock.sock", "vsock.sock_1024",
	NULL };

static const char *
number_error(const struct vm_key *k, const char *value)
{
	static char text[96];
	size_t len = strlen(value);
	long long n;

	snprintf(text, sizeof(text), "a whole number from %lld to %lld is"
	    " wanted", k->min, k->max);
	if (!len || len > 18 || strspn(value, "0123456789") != len ||
	    (value[0] == '0' && len > 1))
		return text;
	n = strtoll(value, NULL, 10);
	return n < k->min || n > k->max ? text : NULL;
}

static const char *
word_error(const struct vm_key *k, const char *value)
{
	static char text[96];
	size_t len = strlen(value);
	const char *w = k->words;

	while (*w) {
		size_t one = strcspn(w, " ");

		if (one == len && !memcmp(w, value, len))
			return NULL;
		w += one + (w[one] == ' ');
	}
	snprintf(text, sizeof(text), "one of '%s' is wanted", k->words);
	return text;
}

static const char *
line_error(const char *value)
{
	if (strlen(value) > 4000)
		return "it is longer than 4000 bytes";
	for (const unsigned char *p = (const unsigned char *)value; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return "it holds a control character";
	return NULL;
}

static const char *
form_error(const struct vm_key *k, const char *value)
{
	unsigned long long ticks;
	long pid;
	int end = 0;

	switch (k->form) {
	case VM_NUMBER:
		return number_error(k, value);
	case VM_WORD:
		return word_error(k, value);
	case VM_NAME:
		return name_ok(value) ? NULL : "it is not a good name";
	case VM_PATH:
		return value[0] == '/' ? line_error(value) :
		    "an absolute path is wanted";
	case VM_PROCESS:
		return sscanf(value, "%ld %llu%n", &pid, &ticks, &end) == 2 &&
		    !value[end] && pid > 0 && pid <= INT_MAX ? NULL :
		    "'PID STARTTICKS' is wanted";
	case VM_LINE:
		break;
	}
	return line_error(value);
}

const char *
vm_value_error(const char *key, const char *value)
{
	const struct vm_key *k;

	for (k = vm_keys; k->key; k++)
		if (!strcmp(k->key, key))
			return form_error(k, value);
	return "there is no such key";
}

bool
vm_key_ok(const char *key)
{
	const char *slash = strchr(key, '/');

	return name_ok(slash ? slash + 1 : key) &&
	    (!slash || !strncmp(key, "workspace/", strlen("workspace/")));
}

/* The directory that holds a key; *key becomes the name in it. */
static int
open_for(int vmfd, const char **key, bool make)
{
	int fd;

	if (!strchr(*key, '/'))
		return fcntl(vmfd, F_DUPFD_CLOEXEC, 0);
	*key += strlen("workspace/");
	if (make && mkdirat(vmfd, "workspace", 0700) && errno != EEXIST)
		return -1;
	fd = openat(vmfd, "workspace", O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	return fd;
}

ssize_t
vm_line(int vmfd, const char *key, char *buf, size_t size)
{
	autoclose int fd = -1;

	if (!strchr(key, '/'))
		return file_line(vmfd, key, buf, size);
	fd = open_for(vmfd, &key, false);
	return fd < 0 ? -errno : file_line(fd, key, buf, size);
}

int
vm_set(int vmfd, const char *key, const char *value)
{
	autoclose int fd = open_for(vmfd, &key, *value);

	if (fd < 0)
		return *value || errno != ENOENT ? -errno : 0;
	if (*value)
		return file_put_line(fd, key, "%s", value);
	return unlinkat(fd, key, 0) && errno != ENOENT ? -errno : 0;
}

int
vm_put_new(int vmfd, const char *key, const char *fmt, ...)
{
	autoclose int dir = open_for(vmfd, &key, true);
	autoclose int fd = -1;
	char line[4200];
	va_list ap;
	int n;

	if (dir < 0)
		return -errno;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) - 1)
		return -ENAMETOOLONG;
	line[n++] = '\n';
	fd = openat(dir, key, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : write_all(fd, line, (size_t)n);
}

int
vm_note(int vmfd, const char *key, const char *fmt, ...)
{
	char line[4096], now[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		return -ENAMETOOLONG;
	if (file_line(vmfd, key, now, sizeof(now)) >= 0 && !strcmp(now, line))
		return 0;
	return file_note_line(vmfd, key, "%s", line);
}

static bool
there(int vmfd, const char *name)
{
	return !faccessat(vmfd, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* Of one that has not run yet, nobody knows: it is said to. */
static bool
has_user_network(const char *vmm)
{
#define ROW(name, network) { name, network },
	static const struct {
		const char *name;
		bool network;
	} rows[] = { VMMS(ROW) };
#undef ROW

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, vmm))
			return rows[i].network;
	return true;
}

bool
vm_has_network(int vmfd)
{
	char net[16] = "", vmm[32] = "";

	file_line(vmfd, "net", net, sizeof(net));
	file_line(vmfd, "vmm", vmm, sizeof(vmm));
	return strcmp(net, "none") &&
	    (strcmp(net, "user") || has_user_network(vmm));
}

enum vm_state
vm_state(int vmfd)
{
	if (lock_held(vmfd, "run.lock") == 1)
		return there(vmfd, "ready") ? VM_RUNNING : VM_STARTING;
	if (there(vmfd, "error") || there(vmfd, "restoring"))
		return VM_ERROR;
	return there(vmfd, "started") ? VM_STOPPED : VM_CREATED;
}

const char *
vm_state_name(enum vm_state s)
{
	static const char *const names[] = {
		[VM_CREATED] = "created", [VM_STARTING] = "starting",
		[VM_RUNNING] = "running", [VM_STOPPED] = "stopped",
		[VM_ERROR] = "error",
	};

	return names[s];
}

const char *
vms_dir(void)
{
	static char *dir;

	if (!dir)
		dir = xasprintf("%s/vms", dir_state());
	return dir;
}

int
xvms_open(void)
{
	const char *dir = vms_dir();
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && !dir_make(dir))
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die_sys("cannot use the directory '%s'", dir);
	return fd;
}

static bool
good(const char *name)
{
	return !vm_name_error(name);
}

void
vm_every(struct names *n, const void *unused)
{
	(void)unused;
	names_read(n, vms_dir(), good);
	names_sort(n);
}

int
vm_peek(const char *name)
{
	static int vms = -1;
	int fd = -1;

	if (!good(name))
		return -1;
	if (vms < 0)
		vms = open(vms_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (vms >= 0)
		fd = openat(vms, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
	/* It may have gone; but none is left out for want of a descriptor. */
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		die_sys("cannot open machine '%s'", name);
	return fd;
}
