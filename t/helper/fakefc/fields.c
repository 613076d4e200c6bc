/* fields.c - what each version understands; see fakefc.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "fakefc.h"

struct field {
	const char *section, *name;
	bool required;
	int since, until;	/* 0: ever */
};

/* The sections that refuse what they do not know. */
static const struct field fields[] = {
	{ "boot-source", "kernel_image_path", true, 0, 0 },
	{ "boot-source", "initrd_path", false, 0, 0 },
	{ "boot-source", "boot_args", false, 0, 0 },
	{ "machine-config", "vcpu_count", true, 0, 0 },
	{ "machine-config", "mem_size_mib", true, 0, 0 },
	{ "machine-config", "smt", false, 0, 0 },
	{ "machine-config", "track_dirty_pages", false, 0, 0 },
	{ "machine-config", "huge_pages", false, 1007000, 0 },
	{ "drives", "drive_id", true, 0, 0 },
	{ "drives", "is_root_device", true, 0, 0 },
	{ "drives", "path_on_host", true, 0, 0 },
	{ "drives", "is_read_only", true, 0, 0 },
	{ "drives", "cache_type", false, 0, 0 },
	{ "drives", "io_engine", false, 0, 0 },
	{ "drives", "socket", false, 1006000, 0 },
	{ "vsock", "guest_cid", true, 0, 0 },
	{ "vsock", "uds_path", true, 0, 0 },
	{ "vsock", "vsock_id", false, 0, 0 },
	{ "entropy", "rate_limiter", false, 0, 0 },
	{ "balloon", "amount_mib", true, 0, 0 },
	{ "balloon", "deflate_on_oom", true, 0, 0 },
	{ "balloon", "stats_polling_interval_s", false, 0, 0 },
	{ "balloon", "free_page_hinting", false, 1014000, 0 },
	{ "balloon", "free_page_reporting", false, 1014000, 0 },
	{ "vm", "state", true, 0, 0 },
	{ "actions", "action_type", true, 0, 0 },
	{ "snapshot/create", "snapshot_type", false, 0, 0 },
	{ "snapshot/create", "snapshot_path", true, 0, 0 },
	{ "snapshot/create", "mem_file_path", true, 0, 0 },
	{ "snapshot/create", "version", false, 0, 1006000 },
	{ "snapshot/load", "snapshot_path", true, 0, 0 },
	{ "snapshot/load", "mem_backend", false, 0, 0 },
	{ "snapshot/load", "mem_file_path", false, 0, 0 },
	{ "snapshot/load", "resume_vm", false, 0, 0 },
	{ "snapshot/load", "enable_diff_snapshots", false, 0, 0 },
	{ "snapshot/load", "network_overrides", false, 1012000, 0 },
	{ "snapshot/load", "track_dirty_pages", false, 1013000, 0 },
	{ "snapshot/load", "clock_realtime", false, 1014004, 1015000 },
	{ "snapshot/load", "clock_realtime", false, 1015001, 0 },
	{ "snapshot/load", "vsock_override", false, 1016000, 0 },
	{ "mem_backend", "backend_type", true, 0, 0 },
	{ "mem_backend", "backend_path", true, 0, 0 },
};

static const struct field *
field(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].section, section) &&
		    !strcmp(fields[i].name, name) &&
		    fields[i].since <= fake.number &&
		    (!fields[i].until || fake.number < fields[i].until))
			return &fields[i];
	return NULL;
}

bool
known(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].section, section))
			return true;
	return false;
}

const char *
strict(const char *section, const cJSON *o)
{
	static char why[128];

	for (const cJSON *f = o ? o->child : NULL; f; f = f->next)
		if (!field(section, f->string)) {
			snprintf(why, sizeof(why), "unknown field `%s`",
			    f->string);
			return why;
		}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].section, section) &&
		    fields[i].required &&
		    !cJSON_GetObjectItem(o, fields[i].name)) {
			snprintf(why, sizeof(why), "missing field `%s`",
			    fields[i].name);
			return why;
		}
	return NULL;
}
