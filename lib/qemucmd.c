/* qemucmd.c - QEMU's command line; see qemucmd.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>

#include "bng.h"
#include "dirs.h"
#include "ident.h"
#include "name.h"
#include "qemucmd.h"
#include "qmp.h"
#include "spawn.h"
#include "store.h"
#include "supervise.h"
#include "supread.h"

#define QEMU "qemu-system-x86_64"

static char *
find_qemu(struct sup *s)
{
	char *path = spawn_find(QEMU);

	if (path)
		return path;
	sup_refuse(s, "there is no " QEMU
	    " (install the package qemu-system-x86)");
}

/* --- the command line ------------------------------------------------- */

printf_fn(2, 3) static char **
add(struct qemucmd *c, const char *fmt, ...)
{
	char *arg = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&arg, fmt, ap) < 0 || c->argc + 3 >= QEMUCMD_ARGS)
		die("cannot make QEMU's command line: it is too long");
	va_end(ap);
	c->argv[c->argc] = arg;
	return &c->argv[c->argc++];
}

/*
 * microvm names its slots to the guest from the last to the first, and the
 * guest numbers disks as they come: the first drive takes the highest slot.
 */
static void
device(struct qemucmd *c, const char *type, const char *more)
{
	enum { SLOTS = 8 };

	add(c, "-device");
	if (c->microvm && c->slots == SLOTS)
		die("cannot make QEMU's command line: too many devices");
	if (c->microvm)
		add(c, "%s-device,bus=virtio-mmio-bus.%u%s", type,
		    SLOTS - 1 - c->slots++, more);
	else
		add(c, "%s-pci%s", type, more);
}

static void
drive(struct qemucmd *c, int dir, const char *file, const char *how)
{
	static const char names[] = "abcdefgh";
	static unsigned n;
	char more[64];

	add(c, "-drive");
	add(c, "if=none,id=vd%c,format=raw,file=/proc/self/fd/%d/%s,%s",
	    names[n], dir, file, how);
	snprintf(more, sizeof(more), ",drive=vd%c,rerror=report,werror=report",
	    names[n++]);
	device(c, "virtio-blk", more);
}

static void
drives(struct sup *s, struct qemucmd *c)
{
	/* Shared by many machines, on many hosts: no locks on it. */
	static const char shared[] = "readonly=on,file.locking=off";
	const char *own = sup_yes(s, "ephemeral") ?
	    "discard=unmap,detect-zeroes=unmap,cache=unsafe" :
	    "discard=unmap,detect-zeroes=unmap,cache=writeback";

	bool modules = sup_need_drives(s, c->image, c->kernel);

	drive(c, FD_IMAGE, "rootfs.ext4", shared);
	drive(c, FD_VM, "overlay.ext4", own);
	drive(c, FD_VM, "work.ext4", own);
	if (modules)
		drive(c, FD_KERNEL, "modules.ext4", shared);
}

/* What the guest sends goes by way of the supervisor: netguard.h. */
static void
guard(struct qemucmd *c)
{
	add(c, "-chardev");
	add(c, "socket,id=frames,fd=%d", FD_FRAMES);
	add(c, "-chardev");
	add(c, "socket,id=back,fd=%d", FD_BACK);
	add(c, "-object");
	add(c, "filter-redirector,id=guard,netdev=net,queue=rx,"
	    "outdev=frames,indev=back");
}

static void
network(struct sup *s, struct qemucmd *c)
{
	char id[64], net[16], mac[IDENT_MAC], more[64];

	sup_value(s, "net", net, sizeof(net));
	if (!strcmp(net, "none"))
		return;
	if (strcmp(net, "user"))
		sup_refuse(s, "its network '%s' is not one of QEMU's: user, "
		    "none", net);
	sup_value(s, "id", id, sizeof(id));
	if (!ident_ok(id))
		sup_refuse(s, "its 'id' is missing or not 32 hex digits");
	ident_mac(id, mac);
	add(c, "-netdev");
	c->online = sup_yes(s, "nat");
	add(c, "user,id=net,net=10.0.2.0/24,ipv6=off%s",
	    c->online ? "" : ",restrict=on");
	if (c->online)
		guard(c);
	snprintf(more, sizeof(more), ",netdev=net,mac=%s%s", mac,
	    c->microvm ? "" : ",romfile=");
	device(c, "virtio-net", more);
}

static void
kernel(struct sup *s, struct qemucmd *c, const cJSON *km)
{
	c->words = sup_kernel_line(s, km, c->image, c->kernel);
	add(c, "-kernel");
	add(c, "/proc/self/fd/%d/vmlinux", FD_KERNEL);
	add(c, "-initrd");
	add(c, "/proc/self/fd/%d/initrd", FD_KERNEL);
	add(c, "-append");
	c->line = add(c, "%s", "");
}

void
qemucmd_incoming(struct qemucmd *c, bool incoming)
{
	static char option[] = "-incoming", how[] = "defer";

	/* add() left room. */
	c->argv[c->argc] = incoming ? option : NULL;
	c->argv[c->argc + 1] = incoming ? how : NULL;
}

static void
machine(struct sup *s, struct qemucmd *c, const cJSON *km)
{
	const char *type = qmp_text(km, "machine");

	c->microvm = !strcmp(type, "microvm");
	if (!c->microvm && strcmp(type, "q35"))
		sup_refuse(s, "its kernel wants a machine '%s'; QEMU's are "
		    "q35 and microvm", type);
	add(c, "-machine");
	add(c, "%s", c->microvm ?
	    "microvm,acpi=on,pit=off,pic=off,rtc=on,usb=off,pcie=off" :
	    "q35,usb=off,vmport=off,smm=off,smbus=off,sata=off,hpet=off");
	if (c->microvm) {
		add(c, "-global");
		add(c, "virtio-mmio.force-legacy=false");
	}
	add(c, "-accel");
	c->accel = add(c, "%s", "");
	add(c, "-cpu");
	c->cpu = add(c, "%s", "");
	add(c, "-smp");
	add(c, "%d", (int)sup_number(s, "vcpu", 256));
	add(c, "-m");
	add(c, "%lldM", (long long)sup_number(s, "memory_mib", 1 << 24));
}

static void
plumbing(struct qemucmd *c)
{
	static const char *const args[] = { "-no-reboot", "-action",
		"panic=shutdown", "-sandbox", "on,obsolete=deny,"
		"elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		"-chardev", "stdio,id=console,signal=off",
		"-serial", "chardev:console" };

	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		add(c, "%s", args[i]);
	add(c, "-chardev");
	add(c, "socket,id=qmp,fd=%d", FD_QMP);
	add(c, "-mon");
	add(c, "chardev=qmp,mode=control");
	add(c, "-chardev");
	add(c, "socket,id=monitor,fd=%d,server=on,wait=off", FD_MONITOR);
	add(c, "-mon");
	add(c, "chardev=monitor,mode=control");
	device(c, "virtio-serial", "");
	add(c, "-chardev");
	add(c, "socket,id=agent,fd=%d", FD_AGENT);
	add(c, "-device");
	add(c, "virtserialport,chardev=agent,name=banger.agent");
	device(c, "virtio-rng", "");
	add(c, "-device");
	add(c, "%s", c->microvm ? "pvpanic" : "pvpanic-pci");
}

void
qemucmd_make(struct qemucmd *c, struct sup *s)
{
	cJSON *km;

	if (sup_yes(s, "jailer"))
		warn("jailer: none (QEMU has none)");
	c->image = sup_open_dir(s, &store_images);
	c->kernel = sup_open_dir(s, &store_kernels);
	c->nested = sup_yes(s, "nested");
	c->path = find_qemu(s);
	km = sup_manifest(s, c->kernel);
	add(c, "%s", QEMU);
	add(c, "-name");
	add(c, "%s", vm_name_error(s->name) ? "banger" : s->name);
	add(c, "-nodefaults");
	add(c, "-no-user-config");
	add(c, "-display");
	add(c, "none");
	machine(s, c, km);
	drives(s, c);
	network(s, c);
	plumbing(c);
	kernel(s, c, km);
	cJSON_Delete(km);
}
