/* fcconf.c - Firecracker's configuration; see fcconf.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/firecracker-microvm/firecracker (src/firecracker/swagger)
 */
#include <sys/mman.h>

#include "bng.h"
#include "fcconf.h"
#include "jail.h"
#include "store.h"
#include "supervise.h"
#include "supread.h"

enum { GUEST_CID = 3 };		/* seen in the guest alone: all have the same */

static cJSON *
part(cJSON *all, const char *key)
{
	return cJSON_AddObjectToObject(all, key);
}

enum place { AT_VM, AT_SOCKETS, AT_IMAGE, AT_KERNEL };

static void
path(const struct fcconf *c, cJSON *o, const char *key, enum place at,
    const char *file)
{
	static const struct { int fd; const char *jailed; } places[] = {
		[AT_VM] = { FC_FD_VM, JAIL_VM },
		[AT_SOCKETS] = { FC_FD_VM, JAIL_SOCKETS },
		[AT_IMAGE] = { FC_FD_IMAGE, JAIL_IMAGE },
		[AT_KERNEL] = { FC_FD_KERNEL, JAIL_KERNEL },
	};
	char text[64];

	if (c->jailed)
		snprintf(text, sizeof(text), "%s/%s", places[at].jailed, file);
	else
		snprintf(text, sizeof(text), "/proc/self/fd/%d/%s",
		    places[at].fd, file);
	cJSON_AddStringToObject(o, key, text);
}

/*
 * The guest's flushes reach the host's disk ("Writeback"), unless nobody will
 * want the disk after a crash.
 */
static void
drive(const struct fcconf *c, cJSON *drives, const char *id, enum place at,
    const char *file, bool ro, const char *cache)
{
	cJSON *d = cJSON_CreateObject();

	cJSON_AddItemToArray(drives, d);
	cJSON_AddStringToObject(d, "drive_id", id);
	path(c, d, "path_on_host", at, file);
	cJSON_AddBoolToObject(d, "is_root_device", false);
	cJSON_AddBoolToObject(d, "is_read_only", ro);
	cJSON_AddStringToObject(d, "cache_type", cache);
}

/* In the order that the guest knows them by: vda, vdb, ... */
static void
drives(const struct fcconf *c, struct sup *s, cJSON *all)
{
	cJSON *d = cJSON_AddArrayToObject(all, "drives");
	bool modules = sup_need_drives(s, c->image, c->kernel);
	const char *own = sup_yes(s, "ephemeral") ? "Unsafe" : "Writeback";

	drive(c, d, "image", AT_IMAGE, "rootfs.ext4", true, "Unsafe");
	drive(c, d, "overlay", AT_VM, "overlay.ext4", false, own);
	drive(c, d, "work", AT_VM, "work.ext4", false, own);
	if (modules)
		drive(c, d, "modules", AT_KERNEL, "modules.ext4", true,
		    "Unsafe");
}

/* Without ACPI it names devices on the command line, which few read. */
static void
need_acpi(const struct fcconf *c, struct sup *s, const cJSON *km)
{
	const char *by = cJSON_GetStringValue(cJSON_GetObjectItem(km,
	    "devices"));

	if (!fc_is(&c->find, FC_HAS_ACPI) && (!by || strcmp(by, "cmdline")))
		sup_refuse(s, "Firecracker %s has no ACPI, and its kernel does "
		    "not say that it finds its devices without: 1.8.0 is "
		    "needed", c->find.version);
}

/*
 * reboot=k is the one end that Firecracker notices. It has no PCI, and finding
 * that out takes a kernel a while.
 */
static void
boot(const struct fcconf *c, struct sup *s, cJSON *all)
{
	cJSON *b = part(all, "boot-source"), *km = sup_manifest(s, c->kernel);
	autofree char *line = sup_kernel_line(s, km, c->image, c->kernel);
	autofree char *args = xasprintf("%s reboot=k%s", line,
	    fc_is(&c->find, FC_ADDS_PCI_OFF) ? "" : " pci=off");

	need_acpi(c, s, km);
	path(c, b, "kernel_image_path", AT_KERNEL, "vmlinux");
	path(c, b, "initrd_path", AT_KERNEL, "initrd");
	cJSON_AddStringToObject(b, "boot_args", args);
	cJSON_Delete(km);
}

static void
machine(struct sup *s, cJSON *all)
{
	cJSON *m = part(all, "machine-config");

	cJSON_AddNumberToObject(m, "vcpu_count",
	    (double)sup_number(s, "vcpu", FC_VCPUS));
	cJSON_AddNumberToObject(m, "mem_size_mib",
	    (double)sup_number(s, "memory_mib", 1 << 24));
}

static void
devices(const struct fcconf *c, cJSON *all)
{
	cJSON *vsock = part(all, "vsock"), *balloon;

	cJSON_AddNumberToObject(vsock, "guest_cid", GUEST_CID);
	path(c, vsock, "uds_path", AT_SOCKETS, "vsock.sock");
	part(all, "entropy");
	if (!fc_is(&c->find, FC_REPORTING))
		return;
	/* Not to take memory from the guest, but to get back what it frees. */
	balloon = part(all, "balloon");
	cJSON_AddNumberToObject(balloon, "amount_mib", 0);
	cJSON_AddBoolToObject(balloon, "deflate_on_oom", true);
	cJSON_AddBoolToObject(balloon, "free_page_reporting", true);
}

static int
memory_file(struct sup *s, const char *text)
{
	int fd = memfd_create("firecracker.json", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : write_all(fd, text, strlen(text));

	if (r)
		sup_refuse(s, "cannot make a configuration: %s", strerror(-r));
	return fd;
}

void
fcconf_open(struct fcconf *c, struct sup *s)
{
	c->conf = -1;
	c->jailed = sup_yes(s, "jailer");
	c->image = sup_open_dir(s, &store_images);
	c->kernel = sup_open_dir(s, &store_kernels);
	if (sup_yes(s, "nested"))
		sup_refuse(s, "Firecracker's guests have no virtualisation of "
		    "their own (nested)");
}

void
fcconf_make(struct fcconf *c, struct sup *s)
{
	cJSON *all = cJSON_CreateObject();
	char *text;

	machine(s, all);
	drives(c, s, all);
	boot(c, s, all);
	devices(c, all);
	text = cJSON_PrintUnformatted(all);
	if (!text)
		sup_refuse(s, "cannot make a configuration: out of memory");
	c->conf = memory_file(s, text);
	cJSON_free(text);
	cJSON_Delete(all);
}
