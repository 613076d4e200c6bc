/* qemuvmm.c - QEMU, beside its supervisor; see qemuvmm.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/socket.h>

#include "bng.h"
#include "dirs.h"
#include "link.h"
#include "qemusnap.h"
#include "qemuvmm.h"
#include "vm.h"

void
qemuvmm_note_accel(const struct qemu *q, const char *why)
{
	if (q->cmd.kvm)
		vm_note(q->sup->dir, "accel", "kvm");
	else
		vm_note(q->sup->dir, "accel", "tcg (%s)", why);
}

static void
go_on(struct qemu *q)
{
	static const char cont[] = "{\"execute\":\"cont\",\"id\":\"cont\"}";

	qmp_say(&q->qmp, cont, -1);
}

/* It is what it was when the snapshot was made, but for its agent's link. */
static void
restored(struct sup *s)
{
	struct qemu *q = s->own;

	close(q->memory);
	q->memory = -1;
	qemucmd_incoming(&q->cmd, false);
	file_mark_line(s->dir, "restored", "%s", q->from);
	link_anew(q->link);
	sup_running(s);
}

static void
on_running(struct sup *s)
{
	struct qemu *q = s->own;

	q->still = q->last_try = false;
	if (q->memory >= 0)
		restored(s);
	else
		hold_over(&s->hold, NULL);
}

static void
on_migration(struct qemu *q, const char *status)
{
	q->migrating = strcmp(status, "completed") &&
	    strcmp(status, "failed") && strcmp(status, "cancelled");
	if (q->migrating)
		return;
	if (q->cont_later || (q->memory >= 0 && !strcmp(status, "completed")))
		go_on(q);
	q->cont_later = false;
}

static void
on_event(struct qemu *q, const char *event, const cJSON *data)
{
	const char *reason = qmp_text(data, "reason");

	if (!strcmp(event, "GUEST_PANICKED")) {
		q->end = VMM_PANIC;
	} else if (!strcmp(event, "STOP")) {
		q->still = true;
		/* Asked for, or has the accelerator failed? */
		qmp_send(&q->qmp, "query-status");
	} else if (!strcmp(event, "RESUME")) {
		on_running(q->sup);
	} else if (!strcmp(event, "MIGRATION")) {
		on_migration(q, qmp_text(data, "status"));
	}
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

	vm_note(s->dir, "vmm_version", "%d.%d.%d", number_of(n, "major"),
	    number_of(n, "minor"), number_of(n, "micro"));
}

/*
 * A migration that has said it is completed is not quite so for a moment, the
 * end of which no event tells.
 */
static void
on_cont_refused(struct sup *s, const char *status)
{
	struct qemu *q = s->own;

	if (!q->last_try) {
		q->last_try = strcmp(status, "finish-migrate");
		go_on(q);
		return;
	}
	q->last_try = false;
	sup_warn(s, "cannot resume it: %s", q->why);
	hold_over(&s->hold, q->why);
}

static void
on_answer(struct sup *s, const char *id, const cJSON *answer)
{
	struct qemu *q = s->own;

	/* The first answer comes from a main loop that runs. */
	if (!q->greeted && q->memory < 0)
		sup_running(s);
	q->greeted = true;
	if (!strcmp(id, "pause"))
		hold_paused(&s->hold, q->still_before);
	else if (!strcmp(id, "refused"))
		on_cont_refused(s, qmp_text(answer, "status"));
	if (!strcmp(qmp_text(answer, "status"), "internal-error"))
		sup_fail(s, q->cmd.kvm ? "KVM cannot run the guest" :
		    "QEMU cannot run the guest");
}

static void
on_refusal(struct sup *s, const char *id, const char *why)
{
	struct qemu *q = s->own;

	snprintf(q->why, sizeof(q->why), "%s", why);
	if (q->memory >= 0) {
		sup_fail(s, q->why);
	} else if (strcmp(id, "cont")) {
		hold_over(&s->hold, q->why);
	} else if (q->migrating) {
		/* It is about to end, and refuses to go on until then. */
		q->cont_later = true;
	} else {
		qmp_say(&q->qmp, "{\"execute\":\"query-status\","
		    "\"id\":\"refused\"}", -1);
	}
}

static void
on_message(void *ctx, const cJSON *m)
{
	struct sup *s = ctx;
	struct qemu *q = s->own;
	const char *event = qmp_text(m, "event"), *id = qmp_text(m, "id");
	const cJSON *greeting = cJSON_GetObjectItem(m, "QMP");
	const cJSON *answer = cJSON_GetObjectItem(m, "return");
	const cJSON *refusal = cJSON_GetObjectItem(m, "error");

	if (event[0])
		on_event(q, event, cJSON_GetObjectItem(m, "data"));
	else if (greeting)
		note_version(s, cJSON_GetObjectItem(greeting, "version"));
	else if (refusal)
		on_refusal(s, id, qmp_text(refusal, "desc"));
	else if (answer)
		on_answer(s, id, answer);
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

static void
on_no_frames(void *ctx)
{
	sup_fail(ctx, "QEMU's network sends what is not frames");
}

static int
watch_network(struct qemu *q, struct launch *l)
{
	int from = -1, back = -1, r;

	r = pair(l, &from);
	if (!r)
		r = pair(l, &back);
	return r ? r : netguard_init(&q->guard, from, back, on_no_frames,
	    q->sup);
}

static int
watch_qmp(struct qemu *q, int fd)
{
	memset(&q->qmp, 0, sizeof(q->qmp));
	q->qmp.fd = fd;
	q->greeted = q->still = q->migrating = false;
	q->cont_later = q->last_try = false;
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

/* What is said before QEMU listens; it answers one after the other. */
static int
first_words(const struct qemu *q)
{
	int r = qmp_send(&q->qmp, "qmp_capabilities");

	/* An event tells of a migration's end. */
	if (!r)
		r = qmp_say(&q->qmp, "{\"execute\":"
		    "\"migrate-set-capabilities\",\"arguments\":"
		    "{\"capabilities\":[{\"capability\":\"events\","
		    "\"state\":true}]}}", -1);
	return r || q->memory < 0 ? r : qemusnap_load(&q->qmp);
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
	if (q->memory >= 0 || q->cmd.online)
		l->fds[l->nfds++] = q->memory;
	if (q->memory < 0)
		unlinkat(s->dir, "restored", 0);
	l->path = q->cmd.path;
	l->argv = q->cmd.argv;
	/*
	 * QEMU asks for huge pages. A guest that is emulated touches few bytes
	 * of most of them while it boots, and to clear them all takes a tenth
	 * of the boot; what it then gains is lost in the emulation.
	 */
	l->small_pages = !q->cmd.kvm;
	r = q->cmd.online ? watch_network(q, l) : 0;
	if (!r)
		r = confine_qemu(s, l);
	return r ? r : first_words(q);
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
	netguard_free(&q->guard);
	return q->end;
}

static bool
qemu_retry(struct sup *s, const char *why)
{
	struct qemu *q = s->own;

	if (!q->cmd.kvm || q->memory >= 0)
		return false;
	qemucmd_accelerate(&q->cmd, false);
	qemuvmm_note_accel(q, why);
	sup_warn(s, "it failed with KVM (%s), trying software emulation", why);
	return true;
}

static const char *
qemu_pause(struct sup *s)
{
	struct qemu *q = s->own;
	int r;

	q->still_before = q->still;
	if (q->migrating)
		return "its memory is being saved or restored";
	r = q->w.fd < 0 ? -EPIPE : qmp_say(&q->qmp,
	    "{\"execute\":\"stop\",\"id\":\"pause\"}", -1);
	return r ? "QEMU does not take requests" : NULL;
}

static void
qemu_resume(struct sup *s)
{
	struct qemu *q = s->own;

	if (q->w.fd < 0)
		return;
	if (q->migrating)
		qmp_send(&q->qmp, "migrate_cancel");
	go_on(q);
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
	.pause = qemu_pause, .resume = qemu_resume, .carry = qemu_carry,
	.carried = qemu_carried };

void
qemuvmm_init(struct qemu *q, struct sup *s)
{
	qemucmd_make(&q->cmd, s);
	q->monitor = q->memory = -1;
	q->sup = s;
	s->vmm = &qemu_vmm;
	s->own = q;
}

void
qemuvmm_from(struct qemu *q, int memory, const char *name)
{
	qemucmd_incoming(&q->cmd, true);
	q->memory = memory;
	q->from = name;
}
