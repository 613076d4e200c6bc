/* bng-qemu - one machine under QEMU
 *
 * SPDX-License-Identifier: MIT
 *
 * https://www.qemu.org/docs/master/interop/qmp-spec.html
 *
 * QEMU is given directories and sockets as descriptors, so its command line
 * is the same for every start of a machine and holds no path that a comma or
 * a rename could turn into another.
 *
 * usage: bng-qemu start VM
 *        bng-qemu stop [-t SECONDS] VM
 *        bng-qemu kill [-s SIGNAL] VM
 *        bng-qemu wait [-t SECONDS] VM
 *        bng-qemu status|pause|resume VM
 *        bng-qemu probe
 *
 * VM is a machine's name, or its directory when it holds a '/'.
 *
 *   start   start it, and leave a supervisor beside it
 *   stop    let the guest power itself off; end it after SECONDS (15)
 *   kill    send SIGNAL (KILL) to QEMU, and wait for the end if it ends it
 *   wait    wait until it runs no more
 *   status  print its state and QEMU's pid, tab-separated
 *   pause   stop its processors, and resume them
 *   probe   print "kvm", or "tcg" and why not kvm, tab-separated
 *
 * exit: 0 done or running, 1 not running (start: already running; wait: still
 * running), 100 wrong usage, 111 failed
 */
#include <stdarg.h>
#include <sys/socket.h>

#include "bng.h"
#include "dirs.h"
#include "ident.h"
#include "kvm.h"
#include "link.h"
#include "name.h"
#include "proc.h"
#include "qmp.h"
#include "supervise.h"
#include "vmctl.h"

#define QEMU "qemu-system-x86_64"

enum {
	FD_LOCK = 3, FD_AGENT, FD_QMP, FD_MONITOR, FD_VM, FD_IMAGE, FD_KERNEL,
	MANIFEST_MAX = 65536, ARGS = 96, QMP_MS = 5000,
};

struct qemu {
	struct sup *sup;
	char *path;
	char *argv[ARGS];
	unsigned argc;
	char **accel, **cpu;		/* the arguments that a retry changes */
	bool kvm, nested, microvm;
	int image, kernel;		/* directories */
	int monitor;			/* qmp.sock, listening */
	struct watch w;			/* the supervisor's own monitor */
	struct qmp *qmp;
	struct link *link;
	bool greeted;
	enum vmm_end end;
};

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

	if (fstatat(dir, name, &st, 0) || faccessat(dir, name, mode, AT_EACCESS))
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
add(struct qemu *q, const char *fmt, ...)
{
	char *arg = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&arg, fmt, ap) < 0 || q->argc + 1 >= ARGS)
		die("cannot make QEMU's command line: it is too long");
	va_end(ap);
	q->argv[q->argc] = arg;
	return &q->argv[q->argc++];
}

static void
device(struct qemu *q, const char *type, const char *more)
{
	add(q, "-device");
	add(q, "%s-%s%s", type, q->microvm ? "device" : "pci", more);
}

static void
drive(struct qemu *q, int dir, const char *file, const char *how)
{
	static const char names[] = "abcdefgh";
	static unsigned n;
	char more[64];

	add(q, "-drive");
	add(q, "if=none,id=vd%c,format=raw,file=/proc/self/fd/%d/%s,%s",
	    names[n], dir, file, how);
	snprintf(more, sizeof(more), ",drive=vd%c,rerror=report,werror=report",
	    names[n++]);
	device(q, "virtio-blk", more);
}

static void
drives(struct sup *s, struct qemu *q)
{
	/* Shared by many machines, on many hosts: no locks on it. */
	static const char shared[] = "readonly=on,file.locking=off";
	const char *own = yes(s, "ephemeral") ?
	    "discard=unmap,detect-zeroes=unmap,cache=unsafe" :
	    "discard=unmap,detect-zeroes=unmap,cache=writeback";

	need_file(s, q->image, "rootfs.ext4", R_OK);
	need_file(s, s->dir, "overlay.ext4", R_OK | W_OK);
	need_file(s, s->dir, "work.ext4", R_OK | W_OK);
	drive(q, FD_IMAGE, "rootfs.ext4", shared);
	drive(q, FD_VM, "overlay.ext4", own);
	drive(q, FD_VM, "work.ext4", own);
	if (!faccessat(q->kernel, "modules.ext4", F_OK, 0)) {
		need_file(s, q->kernel, "modules.ext4", R_OK);
		drive(q, FD_KERNEL, "modules.ext4", shared);
	}
}

static void
network(struct sup *s, struct qemu *q)
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
	add(q, "-netdev");
	add(q, "user,id=net,ipv6=off%s", yes(s, "nat") ? "" : ",restrict=on");
	snprintf(more, sizeof(more), ",netdev=net,mac=%s%s", mac,
	    q->microvm ? "" : ",romfile=");
	device(q, "virtio-net", more);
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
kernel(struct sup *s, struct qemu *q, const cJSON *km)
{
	cJSON *im = manifest(s, q->image);
	const char *init = cmdline_text(s, im, "init");

	if (strchr(init, ' ') || strchr(init, '"'))
		sup_refuse(s, "'init' of its image's manifest is not a path");
	need_file(s, q->kernel, "vmlinux", R_OK);
	need_file(s, q->kernel, "initrd", R_OK);
	add(q, "-kernel");
	add(q, "/proc/self/fd/%d/vmlinux", FD_KERNEL);
	add(q, "-initrd");
	add(q, "/proc/self/fd/%d/initrd", FD_KERNEL);
	add(q, "-append");
	add(q, "%s console=ttyS0 panic=-1%s%s", cmdline_text(s, km, "cmdline"),
	    init[0] ? " init=" : "", init);
	cJSON_Delete(im);
}

static void
accelerate(struct qemu *q, bool kvm)
{
	q->kvm = kvm;
	free(*q->accel);
	free(*q->cpu);
	*q->accel = xstrdup(kvm ? "kvm" : "tcg,thread=multi");
	/*
	 * Without `nested` a guest sees no virtualisation of its own. Fast
	 * "rep movsb" is what emulation is slowest at, byte by byte: a guest
	 * that is not told of it copies thirty times as fast.
	 */
	if (q->nested)
		*q->cpu = xstrdup(kvm ? "host" : "EPYC-v3,erms=off");
	else
		*q->cpu = xstrdup(kvm ? "host,vmx=off,svm=off" :
		    "max,vmx=off,svm=off,erms=off,fsrm=off");
}

static void
machine(struct sup *s, struct qemu *q, const cJSON *km)
{
	const char *type = qmp_text(km, "machine");

	q->microvm = !strcmp(type, "microvm");
	if (!q->microvm && strcmp(type, "q35"))
		sup_refuse(s, "its kernel wants a machine '%s'; QEMU's are "
		    "q35 and microvm", type);
	add(q, "-machine");
	add(q, "%s", q->microvm ?
	    "microvm,acpi=off,auto-kernel-cmdline=on,rtc=on" :
	    "q35,usb=off,vmport=off,smm=off,smbus=off,sata=off,hpet=off");
	add(q, "-accel");
	q->accel = add(q, "%s", "");
	add(q, "-cpu");
	q->cpu = add(q, "%s", "");
	add(q, "-smp");
	add(q, "%d", (int)number(s, "vcpu", 256));
	add(q, "-m");
	add(q, "%lldM", (long long)number(s, "memory_mib", 1 << 24));
}

static void
plumbing(struct qemu *q)
{
	static const char *const args[] = { "-no-reboot", "-action",
		"panic=shutdown", "-sandbox", "on,obsolete=deny,"
		"elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		"-chardev", "stdio,id=console,signal=off",
		"-serial", "chardev:console" };

	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		add(q, "%s", args[i]);
	add(q, "-chardev");
	add(q, "socket,id=qmp,fd=%d", FD_QMP);
	add(q, "-mon");
	add(q, "chardev=qmp,mode=control");
	add(q, "-chardev");
	add(q, "socket,id=monitor,fd=%d,server=on,wait=off", FD_MONITOR);
	add(q, "-mon");
	add(q, "chardev=monitor,mode=control");
	device(q, "virtio-serial", "");
	add(q, "-chardev");
	add(q, "socket,id=agent,fd=%d", FD_AGENT);
	add(q, "-device");
	add(q, "virtserialport,chardev=agent,name=banger.agent");
	device(q, "virtio-rng", "");
	if (!q->microvm)
		device(q, "pvpanic", "");
}

static void
command_line(struct sup *s, struct qemu *q)
{
	cJSON *km;

	q->image = open_dir(s, "image_dir");
	q->kernel = open_dir(s, "kernel_dir");
	q->nested = yes(s, "nested");
	q->path = find_qemu(s);
	km = manifest(s, q->kernel);
	add(q, "%s", QEMU);
	add(q, "-name");
	add(q, "%s", vm_name_error(s->name) ? "banger" : s->name);
	add(q, "-nodefaults");
	add(q, "-no-user-config");
	add(q, "-display");
	add(q, "none");
	machine(s, q, km);
	drives(s, q);
	network(s, q);
	plumbing(q);
	kernel(s, q, km);
	cJSON_Delete(km);
}

/* --- in the supervisor ------------------------------------------------ */

static void
note_accel(struct sup *s, const struct qemu *q, const char *why)
{
	if (q->kvm)
		file_note_line(s->dir, "accel", "kvm");
	else
		file_note_line(s->dir, "accel", "tcg (%s)", why);
}

static void
on_event(struct sup *s, struct qemu *q, const char *event, const cJSON *data)
{
	const char *reason = qmp_text(data, "reason");

	(void)s;
	if (!strcmp(event, "GUEST_PANICKED"))
		q->end = VMM_PANIC;
	else if (!strcmp(event, "STOP"))
		/* Asked for, or has the accelerator failed? */
		qmp_send(q->qmp, "query-status");
	if (strcmp(event, "SHUTDOWN") || q->end == VMM_PANIC)
		return;
	if (!strcmp(reason, "guest-shutdown"))
		q->end = VMM_POWEROFF;
	else if (!strcmp(reason, "guest-reset"))
		q->end = VMM_RESET;
	else if (!strcmp(reason, "guest-panic"))
		q->end = VMM_PANIC;
	else
		q->end = VMM_QUIT;
}

static void
on_message(void *ctx, const cJSON *m)
{
	struct sup *s = ctx;
	struct qemu *q = s->own;
	const char *event = qmp_text(m, "event");
	const cJSON *answer = cJSON_GetObjectItem(m, "return");

	if (event[0])
		on_event(s, q, event, cJSON_GetObjectItem(m, "data"));
	if (!answer)
		return;
	/* The first answer comes from a main loop that runs. */
	if (!q->greeted)
		sup_running(s);
	q->greeted = true;
	if (!strcmp(qmp_text(answer, "status"), "internal-error"))
		sup_fail(s, q->kvm ? "KVM cannot run the guest" :
		    "QEMU cannot run the guest");
}

static void
on_qmp(struct watch *w, uint32_t events)
{
	struct qemu *q = container_of(w, struct qemu, w);
	int r = qmp_read(q->qmp, on_message, q->sup);

	(void)events;
	if (r && r != -EAGAIN)
		loop_del(w);
}

static void
on_link_up(void *ctx)
{
	sup_agent(ctx, true);
}

static void
on_link_down(void *ctx)
{
	sup_agent(ctx, false);
}

static void
on_link_broken(void *ctx, const char *why)
{
	sup_agent(ctx, false);
	sup_broken(ctx, why);
}

static void
on_link_room(void *ctx)
{
	door_room(&((struct sup *)ctx)->door);
}

/* A connected pair: ours, watched for nothing yet, and the VMM's. */
static int
pair(struct launch *l, int *ret_ours)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	*ret_ours = fds[0];
	l->given[l->nfds] = true;
	l->fds[l->nfds++] = fds[1];
	return 0;
}

static int
watch_qmp(struct qemu *q, int fd)
{
	q->greeted = false;
	q->end = VMM_SILENT;
	q->qmp = calloc(1, sizeof(*q->qmp));
	if (!q->qmp)
		return -ENOMEM;
	q->qmp->fd = q->w.fd = fd;
	q->w.ready = on_qmp;
	return loop_add(&q->w, EPOLLIN);
}

/*
 * QEMU unlinks, at its end, the path that the socket was bound to. It must
 * not find it: a guest that reboots needs it again. The path goes through a
 * descriptor that QEMU does not have.
 */
static int
monitor_socket(int vm)
{
	autoclose int dir = fcntl(vm, F_DUPFD_CLOEXEC, 900);

	return dir < 0 ? -errno : sock_listen_at(dir, "qmp.sock", 8);
}

static int
qemu_launch(struct sup *s, struct launch *l)
{
	static const struct link_events events = { on_link_up, on_link_down,
		on_link_broken, on_link_room };
	struct qemu *q = s->own;
	int agent = -1, qmp = -1;
	int r = pair(l, &agent);

	if (!r && q->monitor < 0)
		q->monitor = r = monitor_socket(s->dir);
	if (r > 0)
		r = 0;
	if (!r)
		r = pair(l, &qmp);
	if (!r)
		r = watch_qmp(q, qmp);
	if (r)
		return r;
	q->link = link_new(agent, &events, s);
	if (!q->link)
		return -errno;
	l->fds[l->nfds++] = q->monitor;
	l->fds[l->nfds++] = s->dir;
	l->fds[l->nfds++] = q->image;
	l->fds[l->nfds++] = q->kernel;
	l->path = q->path;
	l->argv = q->argv;
	return qmp_send(q->qmp, "qmp_capabilities");
}

static enum vmm_end
qemu_ended(struct sup *s)
{
	struct qemu *q = s->own;

	while (q->w.fd >= 0 && !qmp_read(q->qmp, on_message, s))
		;
	loop_del(&q->w);
	free(steal(&q->qmp));
	link_free(steal(&q->link));
	return q->end;
}

static bool
qemu_retry(struct sup *s, const char *why)
{
	struct qemu *q = s->own;

	if (!q->kvm)
		return false;
	accelerate(q, false);
	note_accel(s, q, why);
	sup_warn(s, "it failed with KVM (%s), trying software emulation", why);
	return true;
}

static void
qemu_resume(struct sup *s)
{
	struct qemu *q = s->own;

	if (q->qmp)
		qmp_send(q->qmp, "cont");
}

static void
qemu_carry(void *ctx, int fd, uint32_t port)
{
	struct qemu *q = ((struct sup *)ctx)->own;

	if (q->link)
		link_open(q->link, fd, port);
	else
		close(fd);
}

static unsigned
qemu_carried(void *ctx)
{
	struct qemu *q = ((struct sup *)ctx)->own;

	return q->link ? link_used(q->link) : 0;
}

static const struct vmm qemu_vmm = { "QEMU", qemu_launch, qemu_ended,
	qemu_retry, qemu_resume, qemu_carry, qemu_carried };

/* --- the verbs -------------------------------------------------------- */

static int
qemu_start(int argc, char *argv[])
{
	static struct sup s;
	static struct qemu q;
	char why[KVM_REASON];
	const char *none = NULL;

	sup_lock(&s, vmctl_operand(argc, argv, "", &none));
	command_line(&s, &q);
	accelerate(&q, kvm_usable(why));
	note_accel(&s, &q, why);
	q.monitor = -1;
	q.sup = &s;
	s.vmm = &qemu_vmm;
	s.own = &q;
	return sup_start(&s);
}

static int
qemu_status(int argc, char *argv[])
{
	const char *none = NULL;
	int dir = vmctl_open(vmctl_operand(argc, argv, "", &none), false);
	const char *state = vmctl_state(dir);
	cJSON *answer = NULL;
	bool runs = !strcmp(state, "running") || !strcmp(state, "starting");
	pid_t pid = runs ? proc_load(dir, "pid") : 0;

	if (pid > 0 && !qmp_command(dir, "query-status", QMP_MS, &answer) &&
	    !strcmp(qmp_text(answer, "status"), "paused"))
		state = "paused";
	printf("%s\t%d\n", state, pid > 0 ? (int)pid : 0);
	return runs ? EXIT_YES : EXIT_NO;
}

static int
command(int argc, char *argv[], const char *what, const char *done)
{
	const char *none = NULL;
	const char *vm = vmctl_operand(argc, argv, "", &none);
	int r = qmp_command(vmctl_open(vm, true), what, QMP_MS, NULL);

	if (r) {
		errno = -r;
		die_sys("cannot %s '%s'", done, vm);
	}
	return EXIT_YES;
}

static int
qemu_pause(int argc, char *argv[])
{
	return command(argc, argv, "stop", "pause");
}

static int
qemu_resume_verb(int argc, char *argv[])
{
	return command(argc, argv, "cont", "resume");
}

static int
qemu_probe(int argc, char *argv[])
{
	char why[KVM_REASON];

	(void)argv;
	if (argc > 1)
		die_usage("too many operands");
	if (kvm_usable(why))
		puts("kvm");
	else
		printf("tcg\t%s\n", why);
	return EXIT_YES;
}

static int
qemu_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "start", qemu_start },
		{ "stop", vmctl_stop },
		{ "kill", vmctl_kill },
		{ "wait", vmctl_wait },
		{ "status", qemu_status },
		{ "pause", qemu_pause },
		{ "resume", qemu_resume_verb },
		{ "probe", qemu_probe },
		{ NULL, NULL },
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(qemu, PLAIN);
