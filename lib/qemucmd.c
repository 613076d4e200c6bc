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
#include "supervise.h"

#define QEMU "qemu-system-x86_64"

enum { MANIFEST_MAX = 65536 };

/* --- what the directories say ----------------------------------------- */

static int64_t
number(struct sup *s, const char *key, int64_t max)
{
	int64_t n = 0;

	if (file_num(s->dir, key, 1, max, &n))
		sup_refuse(s, "its '%s' is missing or not a number in 1..%lld",
		    key, (long long)max);
	return n;
}

/* "" when there is none. */
static void
value(struct sup *s, const char *key, char *buf, size_t size)
{
	if (file_line(s->dir, key, buf, size) < 0)
		buf[0] = '\0';
}

static bool
yes(struct sup *s, const char *key)
{
	char buf[8];

	value(s, key, buf, sizeof(buf));
	return !strcmp(buf, "yes");
}

static int
open_dir(struct sup *s, const char *key)
{
	char path[4096];
	int fd;

	value(s, key, path, sizeof(path));
	if (path[0] != '/')
		sup_refuse(s, "its '%s' is missing", key);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		sup_refuse(s, "cannot open '%s': %s", path, strerror(errno));
	return fd;
}

static void
need_file(struct sup *s, int dir, const char *name, int mode)
{
	struct stat st;
	int err = 0;

	if (fstatat(dir, name, &st, 0) ||
	    faccessat(dir, name, mode, AT_EACCESS))
		err = errno;
	if (!err && S_ISREG(st.st_mode))
		return;
	sup_refuse(s, "cannot use '%s/%s': %s", xfd_path(dir), name,
	    err ? strerror(err) : "it is not a file");
}

static cJSON *
manifest(struct sup *s, int dir)
{
	char *text = NULL;
	cJSON *m = NULL;
	int r = file_slurp(dir, "manifest.json", MANIFEST_MAX, &text, NULL);

	if (r)
		sup_refuse(s, "cannot read '%s/manifest.json': %s",
		    xfd_path(dir), strerror(-r));
	m = cJSON_Parse(text);
	if (!cJSON_IsObject(m))
		sup_refuse(s, "cannot read '%s/manifest.json': it is not JSON",
		    xfd_path(dir));
	free(text);
	return m;
}

static char *
find_qemu(struct sup *s)
{
	const char *dirs = getenv("PATH");

	for (const char *p = dirs ? dirs : "/usr/bin:/bin"; *p; ) {
		size_t n = strcspn(p, ":");
		char *path = xasprintf("%.*s/" QEMU, (int)n, p);

		if (n && !access(path, X_OK))
			return path;
		free(path);
		p += n + (p[n] == ':');
	}
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
	if (vasprintf(&arg, fmt, ap) < 0 || c->argc + 1 >= QEMUCMD_ARGS)
		die("cannot make QEMU's command line: it is too long");
	va_end(ap);
	c->argv[c->argc] = arg;
	return &c->argv[c->argc++];
}

static void
device(struct qemucmd *c, const char *type, const char *more)
{
	add(c, "-device");
	add(c, "%s-%s%s", type, c->microvm ? "device" : "pci", more);
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
	const char *own = yes(s, "ephemeral") ?
	    "discard=unmap,detect-zeroes=unmap,cache=unsafe" :
	    "discard=unmap,detect-zeroes=unmap,cache=writeback";

	need_file(s, c->image, "rootfs.ext4", R_OK);
	need_file(s, s->dir, "overlay.ext4", R_OK | W_OK);
	need_file(s, s->dir, "work.ext4", R_OK | W_OK);
	drive(c, FD_IMAGE, "rootfs.ext4", shared);
	drive(c, FD_VM, "overlay.ext4", own);
	drive(c, FD_VM, "work.ext4", own);
	if (!faccessat(c->kernel, "modules.ext4", F_OK, 0)) {
		need_file(s, c->kernel, "modules.ext4", R_OK);
		drive(c, FD_KERNEL, "modules.ext4", shared);
	}
}

static void
network(struct sup *s, struct qemucmd *c)
{
	char id[64], net[16], mac[IDENT_MAC], more[64];

	value(s, "net", net, sizeof(net));
	if (!strcmp(net, "none"))
		return;
	if (strcmp(net, "user"))
		sup_refuse(s, "its network '%s' is not one of QEMU's: user, "
		    "none", net);
	value(s, "id", id, sizeof(id));
	if (!ident_ok(id))
		sup_refuse(s, "its 'id' is missing or not 32 hex digits");
	ident_mac(id, mac);
	add(c, "-netdev");
	add(c, "user,id=net,ipv6=off%s", yes(s, "nat") ? "" : ",restrict=on");
	snprintf(more, sizeof(more), ",netdev=net,mac=%s%s", mac,
	    c->microvm ? "" : ",romfile=");
	device(c, "virtio-net", more);
}

/* Text for the kernel's command line: no control characters, no surprises. */
static const char *
cmdline_text(struct sup *s, const cJSON *m, const char *key)
{
	const char *text = qmp_text(m, key);

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			sup_refuse(s, "'%s' of a manifest holds a control "
			    "character", key);
	return text;
}

static void
kernel(struct sup *s, struct qemucmd *c, const cJSON *km)
{
	cJSON *im = manifest(s, c->image);
	const char *init = cmdline_text(s, im, "init");
	const char *line = cmdline_text(s, km, "cmdline");

	if (strchr(init, ' ') || strchr(init, '"'))
		sup_refuse(s, "'init' of its image's manifest is not a path");
	need_file(s, c->kernel, "vmlinux", R_OK);
	need_file(s, c->kernel, "initrd", R_OK);
	add(c, "-kernel");
	add(c, "/proc/self/fd/%d/vmlinux", FD_KERNEL);
	add(c, "-initrd");
	add(c, "/proc/self/fd/%d/initrd", FD_KERNEL);
	add(c, "-append");
	/* Without these two nobody would see it fail, nor it end. */
	add(c, "%s%s%s%s%s", line,
	    strstr(line, "console=") ? "" : " console=ttyS0",
	    strstr(line, "panic=") ? "" : " panic=-1",
	    init[0] ? " init=" : "", init);
	cJSON_Delete(im);
}

void
qemucmd_accelerate(struct qemucmd *c, bool kvm)
{
	c->kvm = kvm;
	free(*c->accel);
	free(*c->cpu);
	/*
	 * One thread for all processors: with one each, QEMU 7.2 hung now
	 * and then at boot, both spinning on kernel text that had just
	 * been patched (a stale translation, it seems).
	 */
	*c->accel = xstrdup(kvm ? "kvm" : "tcg,thread=single");
	/*
	 * Without `nested` a guest sees no virtualisation of its own. Fast
	 * "rep movsb" is what emulation is slowest at, byte by byte: a guest
	 * that is not told of it copies thirty times as fast.
	 */
	if (c->nested)
		*c->cpu = xstrdup(kvm ? "host" : "EPYC-v3,erms=off");
	else
		*c->cpu = xstrdup(kvm ? "host,vmx=off,svm=off" :
		    "max,vmx=off,svm=off,erms=off,fsrm=off");
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
	    "microvm,acpi=off,auto-kernel-cmdline=on,rtc=on" :
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
	add(c, "%d", (int)number(s, "vcpu", 256));
	add(c, "-m");
	add(c, "%lldM", (long long)number(s, "memory_mib", 1 << 24));
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
	if (!c->microvm)
		device(c, "pvpanic", "");
}

void
qemucmd_make(struct qemucmd *c, struct sup *s)
{
	cJSON *km;

	c->image = open_dir(s, "image_dir");
	c->kernel = open_dir(s, "kernel_dir");
	c->nested = yes(s, "nested");
	c->path = find_qemu(s);
	km = manifest(s, c->kernel);
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
