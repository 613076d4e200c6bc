/* vmlist.c - what machines there are, for people and for programs; see vmlist.h
 *
 * SPDX-License-Identifier: MIT
 *
 * Everything that is read here may be torn, missing or somebody's joke: a
 * value that is not of its form is shown as "-" and is null in JSON.
 */
#include <time.h>

#include "bng.h"
#include "cost.h"
#include "dirs.h"
#include "gc.h"
#include "human.h"
#include "json.h"
#include "name.h"
#include "names.h"
#include "proc.h"
#include "snaplist.h"
#include "table.h"
#include "vm.h"
#include "vmlist.h"

#define MIB (INT64_C(1) << 20)

/* A value, or "". */
static const char *
value(int fd, const char *key, char *buf, size_t size)
{
	if (vm_line(fd, key, buf, size) < 0)
		*buf = '\0';
	return buf;
}

/* A whole number of at least 0, or -1. */
static int64_t
number(int fd, const char *key)
{
	int64_t n;

	return file_num(fd, key, 0, INT64_MAX, &n) ? -1 : n;
}

static const char *
size_text(int64_t n, int64_t unit, char buf[HUMAN_LEN])
{
	if (n < 0 || n > INT64_MAX / unit)
		return "";
	return human_size(n * unit, buf);
}

static void
vm_row(struct table *t, int fd, const char *name, enum vm_state state)
{
	char image[160], ip[64], vcpu[24], workspace[1024];
	char memory[HUMAN_LEN], disk[HUMAN_LEN], age[HUMAN_LEN];
	int64_t n = number(fd, "vcpu");

	vcpu[0] = '\0';
	if (n >= 0)
		snprintf(vcpu, sizeof(vcpu), "%lld", (long long)n);
	ip[0] = '\0';
	if (vm_has_network(fd))
		value(fd, "ip", ip, sizeof(ip));
	ip[strcspn(ip, "/")] = '\0';
	table_row(t, (const char *[]){ name, vm_state_name(state),
	    value(fd, "image", image, sizeof(image)), ip, vcpu,
	    size_text(number(fd, "memory_mib"), MIB, memory),
	    size_text(number(fd, "disk_bytes"), 1, disk),
	    human_age(number(fd, "created"), age),
	    value(fd, "workspace/host_path", workspace, sizeof(workspace)),
	    NULL });
}

static void
json_value(struct json *j, int fd, const char *key, const char *as)
{
	char buf[4096];

	json_str(j, as, vm_line(fd, key, buf, sizeof(buf)) < 0 ? NULL : buf);
}

static void
json_number(struct json *j, const char *as, int64_t n)
{
	if (n < 0)
		json_str(j, as, NULL);
	else
		json_num(j, as, n);
}

/* How many seconds it has been up, or -1. */
static int64_t
uptime(int fd, enum vm_state state)
{
	int64_t started = number(fd, "started");
	int64_t now = (int64_t)time(NULL) * 1000;

	if ((state != VM_RUNNING && state != VM_STARTING) || started < 0)
		return -1;
	return now < started ? 0 : (now - started) / 1000;
}

static void
json_pid(struct json *j, int fd, const char *key, const char *as)
{
	pid_t pid = proc_load(fd, key);

	json_number(j, as, pid > 0 ? pid : -1);
}

/* The object of list -j and show -j; bng-state(1) documents it. */
static void
vm_json(struct json *j, int fd, const char *name, enum vm_state state)
{
	static const char *const texts[] = { "id", "image", "kernel", "vmm",
		"accel", "net", "ip", "gateway", "dns", "nat", "nested",
		"jailer", "ephemeral", "exit", "error", "restoring" };
	static const char *const numbers[] = { "vcpu", "memory_mib",
		"disk_bytes", "created" };

	json_open(j, NULL, '{');
	json_str(j, "name", name);
	json_str(j, "state", vm_state_name(state));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_value(j, fd, texts[i], texts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		json_number(j, numbers[i], number(fd, numbers[i]));
	json_number(j, "started_ms", number(fd, "started"));
	json_number(j, "ready_ms", number(fd, "ready"));
	json_number(j, "uptime_seconds", uptime(fd, state));
	json_pid(j, fd, "pid", "pid");
	json_pid(j, fd, "supervisor", "supervisor_pid");
	json_num(j, "allocated_bytes", cost_disk(fd));
	snaplist_json(j, fd, "snapshots");
	json_open(j, "workspace", '{');
	json_value(j, fd, "workspace/guest_path", "guest_path");
	json_value(j, fd, "workspace/host_path", "host_path");
	json_value(j, fd, "workspace/head", "head");
	json_value(j, fd, "workspace/mode", "mode");
	json_value(j, fd, "workspace/readonly", "readonly");
	json_close(j, '}');
	json_close(j, '}');
}

static bool
list_one(struct listing *l, const char *name)
{
	const struct list_how *how = l->how;
	autoclose int fd = vm_peek(name);
	enum vm_state state = VM_CREATED;

	if (fd < 0 || faccessat(fd, "id", F_OK, 0))
		return false;
	if (!how->quiet || how->running)
		state = vm_state(fd);
	if (how->running && state != VM_RUNNING && state != VM_STARTING)
		return true;
	if (how->json)
		vm_json(&l->json, fd, name, state);
	else if (how->quiet)
		puts(name);
	else
		vm_row(&l->table, fd, name, state);
	return true;
}

int
vmlist(const struct list_how *how)
{
	static const char *const heads[] = { "NAME", "STATE", "IMAGE", "IP",
		"VCPU", "MEMORY", "DISK", "CREATED", "WORKSPACE", NULL };
	struct listing l = { .how = how, .noun = "machine", .heads = heads,
		.every = vm_every, .one = list_one };

	return listing_run(&l);
}

static void
line_value(int fd, const char *key)
{
	char buf[4096];
	const char *slash = strchr(key, '/');

	table_line(slash ? slash + 1 : key, value(fd, key, buf, sizeof(buf)));
}

static void
line_pid(int fd, const char *key)
{
	pid_t pid = proc_load(fd, key);
	char buf[24];

	if (pid <= 0)
		return;
	snprintf(buf, sizeof(buf), "%ld", (long)pid);
	table_line(key, buf);
}

static void
vm_lines(int fd, const char *name, enum vm_state state)
{
	static const char *const first[] = { "error", "restoring", "exit",
		"image", "kernel", "vmm", "accel", "vcpu" };
	static const char *const then[] = { "net", "ip", "gateway", "dns",
		"nat", "nested", "jailer", "ephemeral", "workspace/host_path",
		"workspace/guest_path", "workspace/head", "workspace/mode",
		"workspace/readonly", "id" };
	autofree char *path = NULL, *snapshots = snaplist_names(fd);
	char a[HUMAN_LEN], b[HUMAN_LEN], both[3 * HUMAN_LEN];
	int64_t up = uptime(fd, state);

	table_line("name", name);
	table_line("state", vm_state_name(state));
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		line_value(fd, first[i]);
	table_line("memory", size_text(number(fd, "memory_mib"), MIB, a));
	snprintf(both, sizeof(both), "%s, %s allocated",
	    size_text(number(fd, "disk_bytes"), 1, a),
	    human_size(cost_disk(fd), b));
	table_line("disk", both);
	for (size_t i = 0; i < ARRAY_SIZE(then); i++)
		line_value(fd, then[i]);
	table_line("snapshots", snapshots);
	table_line("created", human_age(number(fd, "created"), a));
	if (up >= 0)
		table_line("up", human_span(up, a));
	line_pid(fd, "pid");
	line_pid(fd, "supervisor");
	path = xfd_path(fd);
	table_line("directory", path);
}

int
vmshow(const char *name, bool as_json)
{
	int fd = xvm_open(name);
	enum vm_state state = vm_state(fd);
	autofree char *path = xfd_path(fd);
	struct json j = { 0 };

	/* A path names the machine by its last component. */
	name = strrchr(path, '/') + 1;
	if (!gc_is_machine(fd))
		die_status(EXIT_NO, "there is no machine '%s'", name);
	if (as_json)
		vm_json(&j, fd, name, state);
	else
		vm_lines(fd, name, state);
	return EXIT_YES;
}
