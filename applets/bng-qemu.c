/* bng-qemu - one machine under QEMU
 *
 * SPDX-License-Identifier: MIT
 *
 * https://www.qemu.org/docs/master/interop/qmp-spec.html
 *
 * usage: bng-qemu start VM
 *        bng-qemu stop [-t SECONDS] VM
 *        bng-qemu kill [-s SIGNAL] VM
 *        bng-qemu wait [-t SECONDS] VM
 *        bng-qemu status VM
 *        bng-qemu pause VM
 *        bng-qemu resume VM
 *        bng-qemu probe
 *        bng-qemu landlock
 *
 * VM is a machine's name, or its directory when it holds a '/'.
 *
 *   start   start it, and leave a supervisor beside it
 *   stop    let the guest power itself off; end it after SECONDS (15)
 *   kill    send SIGNAL (KILL) to QEMU, and wait for the end if it ends it
 *   wait    wait until it runs no more
 *   status  print its state and QEMU's pid, tab-separated
 *   pause   stop its processors; resume lets them go on
 *   probe   print "kvm", or "tcg" and why not kvm, tab-separated
 *   landlock
 *           print the ABI of the kernel's Landlock, which confines QEMU
 *
 * exit: 0 done or running, 1 not running (start: already running; wait: still
 * running; landlock: there is none), 100 wrong usage, 111 failed
 */
#include <sys/socket.h>

#include "bng.h"
#include "dirs.h"
#include "kvm.h"
#include "link.h"
#include "proc.h"
#include "qemucmd.h"
#include "qmp.h"
#include "supervise.h"
#include "vmctl.h"

enum { QMP_MS = 5000 };

struct qemu {
	struct sup *sup;
	struct qemucmd cmd;
	int monitor;		/* qmp.sock, listening */
	struct watch w;		/* the supervisor's own monitor */
	struct qmp qmp;
	struct link *link;
	bool greeted;
	enum vmm_end end;
};

/* --- in the supervisor ------------------------------------------------ */

static void
note_accel(struct sup *s, const struct qemu *q, const char *why)
{
	if (q->cmd.kvm)
		file_note_line(s->dir, "accel", "kvm");
	else
		file_note_line(s->dir, "accel", "tcg (%s)", why);
}

static void
on_event(struct qemu *q, const char *event, const cJSON *data)
{
	const char *reason = qmp_text(data, "reason");

	if (!strcmp(event, "GUEST_PANICKED"))
		q->end = VMM_PANIC;
	else if (!strcmp(event, "STOP"))
		/* Asked for, or has the accelerator failed? */
		qmp_send(&q->qmp, "query-status");
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

static int
number_of(const cJSON *m, const char *key)
{
	const cJSON *n = cJSON_GetObjectItem(m, key);

	return cJSON_IsNumber(n) ? n->valueint : 0;
}

static void
note_version(struct sup *s, const cJSON *v)
{
	const cJSON *n = cJSON_GetObjectItem(v, "qemu");

	file_note_line(s->dir, "vmm_version", "%d.%d.%d",
	    number_of(n, "major"), number_of(n, "minor"),
	    number_of(n, "micro"));
}

static void
on_message(void *ctx, const cJSON *m)
{
	struct sup *s = ctx;
	struct qemu *q = s->own;
	const char *event = qmp_text(m, "event");
	const cJSON *answer = cJSON_GetObjectItem(m, "return");
	const cJSON *hello = cJSON_GetObjectItem(m, "QMP");

	if (hello)
		note_version(s, cJSON_GetObjectItem(hello, "version"));
	if (event[0])
		on_event(q, event, cJSON_GetObjectItem(m, "data"));
	if (!answer)
		return;
	/* The first answer comes from a main loop that runs. */
	if (!q->greeted)
		sup_running(s);
	q->greeted = true;
	if (!strcmp(qmp_text(answer, "status"), "internal-error"))
		sup_fail(s, q->cmd.kvm ? "KVM cannot run the guest" :
		    "QEMU cannot run the guest");
}

static void
on_qmp(struct watch *w, uint32_t events)
{
	struct qemu *q = container_of(w, struct qemu, w);
	int r = qmp_read(&q->qmp, on_message, q->sup);

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
	memset(&q->qmp, 0, sizeof(q->qmp));
	q->qmp.fd = fd;
	q->greeted = false;
	q->end = VMM_SILENT;
	q->w.fd = fd;
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
confine_qemu(struct sup *s, struct launch *l)
{
	const struct qemucmd *cmd = &((struct qemu *)s->own)->cmd;
	int r = sup_confine(s, l, cmd->image, cmd->kernel,
	    cmd->online ? CONFINE_CONNECT : 0);

	if (!r && cmd->kvm)
		confine_file(&l->confine, AT_FDCWD, "/dev/kvm", CONFINE_DEVICE);
	return r;
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
	l->fds[l->nfds++] = q->cmd.image;
	l->fds[l->nfds++] = q->cmd.kernel;
	l->path = q->cmd.path;
	l->argv = q->cmd.argv;
	r = confine_qemu(s, l);
	if (r)
		return r;
	return qmp_send(&q->qmp, "qmp_capabilities");
}

static enum vmm_end
qemu_ended(struct sup *s, int status)
{
	struct qemu *q = s->own;

	(void)status;
	while (q->w.fd >= 0 && !qmp_read(&q->qmp, on_message, s))
		;
	loop_del(&q->w);
	link_free(steal(&q->link));
	return q->end;
}

static bool
qemu_retry(struct sup *s, const char *why)
{
	struct qemu *q = s->own;

	if (!q->cmd.kvm)
		return false;
	qemucmd_accelerate(&q->cmd, false);
	note_accel(s, q, why);
	sup_warn(s, "it failed with KVM (%s), trying software emulation", why);
	return true;
}

static void
qemu_resume(struct sup *s)
{
	struct qemu *q = s->own;

	if (q->w.fd >= 0)
		qmp_send(&q->qmp, "cont");
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

static const struct vmm qemu_vmm = { .name = "QEMU", .key = "qemu",
	.launch = qemu_launch, .ended = qemu_ended, .retry = qemu_retry,
	.resume = qemu_resume, .carry = qemu_carry, .carried = qemu_carried };

/* --- the verbs -------------------------------------------------------- */

static int
qemu_start(int argc, char *argv[])
{
	static struct sup s;
	static struct qemu q;
	char why[KVM_REASON];
	const char *none = NULL;

	sup_lock(&s, vmctl_operand(argc, argv, "", &none));
	qemucmd_make(&q.cmd, &s);
	qemucmd_accelerate(&q.cmd, kvm_usable(why));
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
qemu_landlock(int argc, char *argv[])
{
	int abi = confine_abi();

	(void)argv;
	if (argc > 1)
		die_usage("too many operands");
	if (abi < 0)
		return EXIT_NO;
	printf("%d\n", abi);
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
		{ "landlock", qemu_landlock },
		{ NULL, NULL },
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(qemu, PLAIN);
