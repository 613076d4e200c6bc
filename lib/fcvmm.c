/* fcvmm.c - Firecracker, beside its supervisor; see fcvmm.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/firecracker-microvm/firecracker/tree/main/docs
 */
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "bng.h"
#include "dirs.h"
#include "fcsnap.h"
#include "fcvmm.h"
#include "name.h"
#include "supread.h"
#include "vm.h"

enum {
	PATIENCE = 60,		/* seconds, to build a machine and run it */
	UNASKED_MS = 10000,	/* to fail, and say why; or be heard of */
	DEAF_MS = 5,		/* to listen at its socket */
	AGENTS = 8,		/* that appear within ... */
	AGENT_SECONDS = 60,	/* ... so long are a guest gone wrong */
};

#define PATH_OF_FD "/proc/self/fd/"

/* --- its API --------------------------------------------------------- */

static void
hang_up(struct fc *f)
{
	loop_del(&f->answer);
	f->api.fd = -1;
}

static void on_answer(struct watch *w, uint32_t events);

/* One question at a time; a new one takes the place of the old. 0 or -errno. */
static int
ask(struct fc *f, enum fc_question what, const char *body)
{
	static const struct { const char *method, *path; } how[] = {
		[ASK_STATE] = { "GET", "/" },
		[ASK_PAUSE] = { "PATCH", "/vm" },
		[ASK_RESUME] = { "PATCH", "/vm" },
		[ASK_LOAD] = { "PUT", "/snapshot/load" },
	};

	int r;

	hang_up(f);
	loop_del(&f->unasked);
	f->asked = what;
	r = api_ask(&f->api, f->sup->dir, "api.sock", how[what].method,
	    how[what].path, body);
	if (r)
		return r;
	f->answer.fd = f->api.fd;
	f->answer.ready = on_answer;
	r = loop_add(&f->answer, EPOLLIN);
	if (r)
		hang_up(f);
	return r;
}

/* It has proven to. */
static void
runs(struct fc *f)
{
	loop_del(&f->patience);
	sup_running(f->sup);
}

/* Its first answer comes when the machine has been built and runs. */
static void
on_state(struct fc *f, const char *state)
{
	struct sup *s = f->sup;
	bool pausing = s->hold.state == HOLD_PAUSING;
	bool ending = s->hold.state == HOLD_ENDING;

	if (!strcmp(state, "Running")) {
		runs(f);
		if (pausing)
			ask(f, ASK_PAUSE, FC_PAUSED);
		else if (ending)
			hold_over(&s->hold, true);
	} else if (!strcmp(state, "Paused")) {
		if (pausing)
			hold_paused(&s->hold, true);
		else if (ending || s->wanted)
			ask(f, ASK_RESUME, FC_RESUMED);
	}
}

/* It is what it was when the snapshot was made; its agent will be heard of. */
static void
restored(struct fc *f)
{
	close(steal_fd(&f->from));
	file_note_line(f->sup->dir, "restored", "%s", f->from_name);
	runs(f);
}

static void
on_done(struct fc *f, bool well)
{
	struct sup *s = f->sup;

	if (f->asked == ASK_LOAD && well)
		restored(f);
	else if (f->asked == ASK_LOAD)
		sup_fail(s, f->why);
	else if (f->asked == ASK_PAUSE && well)
		hold_paused(&s->hold, false);
	else
		hold_over(&s->hold, well);
}

static void
on_answer(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, answer);
	char state[16] = "";
	int r = api_read(&f->api);
	bool well = !r && f->api.status / 100 == 2;

	(void)events;
	if (r == -EAGAIN)
		return;
	if (f->asked == ASK_STATE && well)
		api_text(&f->api, "state", state, sizeof(state));
	else if (!r && !well)
		api_text(&f->api, "fault_message", f->why, sizeof(f->why));
	hang_up(f);
	if (f->asked == ASK_STATE)
		on_state(f, state);
	else if (!r)
		on_done(f, well);
}

static int
set_timer(struct watch *w, int ms)
{
	struct itimerspec when = { .it_value = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L } };

	w->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (w->fd < 0 || timerfd_settime(w->fd, 0, &when, NULL))
		return -errno;
	return loop_add(w, EPOLLIN);
}

/* Its socket has a name before it listens, and nothing tells when it does. */
static void
load(struct fc *f)
{
	char body[256];

	fcsnap_load(FC_FD_FROM, body, sizeof(body));
	if (ask(f, ASK_LOAD, body) == -ECONNREFUSED)
		set_timer(&f->unasked, DEAF_MS);
}

static void
on_unasked(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, unasked);

	(void)events;
	if (f->from >= 0)
		load(f);
	else
		ask(f, ASK_STATE, NULL);
}

/*
 * While it builds a machine it leaves a question unanswered, and when that
 * fails, it dies of the question, and not with the reason on its lips. So it
 * is asked a while later; mostly its agent has been heard of by then.
 */
static void
ask_later(struct fc *f)
{
	if (set_timer(&f->unasked, UNASKED_MS))
		ask(f, ASK_STATE, NULL);
}

static void
on_birth(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, births);
	char buf[4096]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(w->fd, buf, sizeof(buf));
	const struct inotify_event *e;
	bool there = false;

	(void)events;
	for (char *p = buf; n > 0 && p < buf + n; p += sizeof(*e) + e->len) {
		e = (const struct inotify_event *)p;
		there |= e->len && !strcmp(e->name, "api.sock");
	}
	if (!there)
		return;
	loop_del(w);
	if (f->from >= 0)
		load(f);
	else
		ask_later(f);
}

/* Hear of api.sock: it is there a moment after Firecracker is. */
static int
watch_births(struct fc *f)
{
	char path[32];

	snprintf(path, sizeof(path), PATH_OF_FD "%d", f->sockets);
	f->births.ready = on_birth;
	f->unasked.ready = on_unasked;
	f->births.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->births.fd < 0 ||
	    inotify_add_watch(f->births.fd, path, IN_CREATE) < 0)
		return -errno;
	return loop_add(&f->births, EPOLLIN);
}

static void
on_patience(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, patience);

	(void)events;
	loop_del(w);
	sup_fail(f->sup, "Firecracker does not answer");
}

/* Nobody waits for longer than a machine may take to become ready. */
static int
watch_patience(struct fc *f)
{
	const char *most = getenv("BANGER_READY_TIMEOUT");
	long seconds = most ? strtol(most, NULL, 10) : 0;

	if (seconds <= 0 || seconds > PATIENCE)
		seconds = PATIENCE;
	f->patience.ready = on_patience;
	return set_timer(&f->patience, (int)seconds * 1000);
}

/* --- the agent ---------------------------------------------------- */

/* It has nothing to say there: a word is as good as its end. */
static void
on_agent(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, agent);

	(void)events;
	loop_del(w);
	relays_drop(&f->relays);
	sup_agent(f->sup, false);
	door_room(&f->sup->door);
}

/* Is there one, whose end we have not heard of yet? */
static bool
agent_lives(struct fc *f)
{
	char c;

	if (f->agent.fd >= 0 &&
	    recv(f->agent.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		on_agent(&f->agent, 0);
	return f->agent.fd >= 0;
}

/* Only one at a time: anybody in the guest may connect. */
static void
on_hello(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, hello);
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (agent_lives(f)) {
		close(fd);
		return;
	}
	if (flood(&f->agents, AGENTS, AGENT_SECONDS)) {
		close(fd);
		loop_del(w);
		sup_broken(f->sup, "the agent in the guest keeps restarting");
		return;
	}
	f->agent.fd = fd;
	f->agent.ready = on_agent;
	if (loop_add(&f->agent, EPOLLIN)) {
		close(steal_fd(&f->agent.fd));
		return;
	}
	runs(f);
	sup_agent(f->sup, true);
}

static int
listen_hello(struct fc *f)
{
	f->hello.ready = on_hello;
	f->hello.fd = sock_listen_at(f->sockets, "vsock.sock_1024", 128);
	if (f->hello.fd < 0)
		return f->hello.fd;
	fcntl(f->hello.fd, F_SETFL, O_NONBLOCK);
	return loop_add(&f->hello, EPOLLIN);
}

static void
on_relay_over(void *ctx)
{
	door_room(&((struct sup *)ctx)->door);
}

/*
 * The line that a client writes to agent.sock is Firecracker's own, and so is
 * the answer. It must come in one piece.
 */
static void
fc_carry(void *ctx, int client, uint32_t port)
{
	struct sup *s = ctx;
	struct fc *f = s->own;
	char line[32];
	int n = snprintf(line, sizeof(line), "CONNECT %u\n", (unsigned)port);
	autoclose int server = sock_connect_at(s->dir, "vsock.sock");

	if (server < 0 || fcntl(server, F_SETFL, O_NONBLOCK) ||
	    send(server, line, (size_t)n, MSG_NOSIGNAL) != n)
		close(client);
	else
		relay_start(&f->relays, client, steal_fd(&server));
}

static unsigned
fc_carried(void *ctx)
{
	return ((struct fc *)((struct sup *)ctx)->own)->relays.count;
}

/* --- its life ----------------------------------------------------- */

static int
confine_fc(struct sup *s, struct launch *l)
{
	const struct fc *f = s->own;
	int r = sup_confine(s, l, f->conf.image, f->conf.kernel, 0);

	if (r)
		return r;
	confine_file(&l->confine, AT_FDCWD, "/dev/kvm", CONFINE_DEVICE);
	confine_file(&l->confine, s->dir, "", CONFINE_SOCKETS);
	file_rm_tree(s->dir, VM_DUMP);
	if (mkdirat(s->dir, VM_DUMP, 0700))
		return -errno;
	confine_file(&l->confine, s->dir, VM_DUMP, CONFINE_FILL);
	if (f->from >= 0) {
		confine_file(&l->confine, f->from, "state", CONFINE_READ);
		confine_file(&l->confine, f->from, "memory", CONFINE_READ);
	}
	return 0;
}

/* Its sockets, which it binds to and leaves behind, are at their place. */
static int
fc_sockets(struct fc *f)
{
	int r = 0;

	if (f->hello.fd < 0)
		r = listen_hello(f);
	if (!r && !f->sup->running)
		r = watch_births(f);
	if (!r && !f->sup->running)
		r = watch_patience(f);
	return r;
}

static int
fc_free(struct sup *s, struct launch *l)
{
	static char name[] = "firecracker", id[] = "--id", sock[] =
	    "--api-sock", conf[] = "--config-file", log[] = "--log-path",
	    api_path[] = PATH_OF_FD "4/api.sock", conf_path[] = PATH_OF_FD "7",
	    log_path[] = PATH_OF_FD "2";
	static char *argv[] = { name, id, NULL, sock, api_path, conf,
		conf_path, log, log_path, NULL };
	struct fc *f = s->own;
	int r;

	f->sockets = s->dir;
	r = fc_sockets(f);
	argv[2] = vm_name_error(s->name) ? name : s->name;
	/* A snapshot is loaded into one that has no configuration. */
	argv[5] = f->from < 0 ? conf : log;
	argv[6] = f->from < 0 ? conf_path : log_path;
	argv[7] = f->from < 0 ? log : NULL;
	if (f->from < 0)
		unlinkat(s->dir, "restored", 0);
	l->path = f->conf.find.path;
	l->argv = argv;
	l->fds[l->nfds++] = s->dir;
	l->fds[l->nfds++] = f->conf.image;
	l->fds[l->nfds++] = f->conf.kernel;
	l->fds[l->nfds++] = f->conf.conf;
	if (f->from >= 0)
		l->fds[l->nfds++] = f->from;
	return r ? r : confine_fc(s, l);
}

/* In a jail the sockets are elsewhere: their names here lead there. */
static int
fc_jailed(struct sup *s, struct launch *l)
{
	static char sock[] = "--api-sock", conf[] = "--config-file",
	    log[] = "--log-path", api_path[] = JAIL_SOCKETS "/api.sock",
	    conf_path[] = JAIL_CONF, log_path[] = JAIL_SOCKETS "/" JAIL_LOG;
	static char *const args[] = { sock, api_path, conf, conf_path, log,
		log_path, NULL };
	struct fc *f = s->own;
	struct jail *j = &f->jail;
	int r;

	l->why = f->why;
	if (!jail_make(j, f->why))
		return -ECANCELED;
	l->why = NULL;
	if (j->unlimited)
		sup_note(s, "this host has no cgroups to limit the VMM with");
	f->sockets = j->sockets;
	loop_del(&f->hello);
	r = fc_sockets(f);
	if (r || fchownat(j->sockets, "vsock.sock_1024", j->uid, j->gid, 0) ||
	    symlinkat("jail/sockets/api.sock", s->dir, "api.sock") ||
	    symlinkat("jail/sockets/vsock.sock", s->dir, "vsock.sock"))
		return r ? r : -errno;
	l->path = j->jailer;
	l->argv = jail_argv(j, args);
	l->jail = j;
	return 0;
}

static int
fc_launch(struct sup *s, struct launch *l)
{
	struct fc *f = s->own;

	unlinkat(s->dir, "api.sock", 0);
	unlinkat(s->dir, "vsock.sock", 0);
	file_note_line(s->dir, "accel", "kvm");
	file_note_line(s->dir, "vmm_version", "%s", f->conf.find.version);
	return f->conf.jailed ? fc_jailed(s, l) : fc_free(s, l);
}

static enum vmm_end
fc_ended(struct sup *s, int status)
{
	struct fc *f = s->own;

	loop_del(&f->births);
	loop_del(&f->unasked);
	loop_del(&f->patience);
	hang_up(f);
	loop_del(&f->agent);
	relays_drop(&f->relays);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? VMM_RESET :
	    VMM_SILENT;
}

/* Another VMM may be: that is for who started this one to know. */
static bool
fc_retry(struct sup *s, const char *why)
{
	(void)s;
	(void)why;
	return false;
}

static bool
fc_hold(struct sup *s)
{
	const struct fc *f = s->own;

	if (f->from >= 0)
		return false;
	ask(s->own, ASK_STATE, NULL);
	return true;
}

static void
fc_resume(struct sup *s)
{
	ask(s->own, ASK_STATE, NULL);
}

static const struct vmm fc_vmm = { .name = "Firecracker",
	.key = "firecracker", .reason_mark = "ApiError error: ",
	.halts = true, .launch = fc_launch, .ended = fc_ended,
	.retry = fc_retry, .pause = fc_hold, .resume = fc_resume,
	.carry = fc_carry, .carried = fc_carried };

/* --- the beginning ------------------------------------------------ */

static void
say_network(struct sup *s)
{
	char net[16] = "";

	if (file_line(s->dir, "net", net, sizeof(net)) < 0 ||
	    strcmp(net, "none"))
		warn("net: none (Firecracker has no user-mode network)");
}

static void
prepare_jail(struct sup *s, struct fc *f)
{
	struct jail *j = &f->jail;
	int64_t mib = sup_number(s, "memory_mib", 1 << 24);
	int cpus = (int)sup_number(s, "vcpu", FC_VCPUS);

	j->vm = s->dir;
	j->image = f->conf.image;
	j->kernel = f->conf.kernel;
	j->conf = f->conf.conf;
	/* Beyond the guest's: its own, page tables, and buffers of disks. */
	j->limits = (struct cgroup_limits){ (mib + mib / 16 + 256) << 20,
		cpus + 16, cpus + 1 };
	if (!jail_find(j, f->conf.find.path, f->why))
		sup_refuse(s, "%s", f->why);
}

void
fcvmm_init(struct fc *f, struct sup *s)
{
	fcconf_make(&f->conf, s);
	if (fc_is(&f->conf.find, FC_UNTRIED))
		warn("Firecracker %s is newer than what was tried (1.14)",
		    f->conf.find.version);
	say_network(s);
	if (f->conf.jailed)
		prepare_jail(s, f);
	f->sup = s;
	f->relays.over = on_relay_over;
	f->relays.ctx = s;
	f->hello.fd = f->agent.fd = f->births.fd = -1;
	f->unasked.fd = f->patience.fd = -1;
	f->answer.fd = f->api.fd = f->from = -1;
	s->vmm = &fc_vmm;
	s->own = f;
}
