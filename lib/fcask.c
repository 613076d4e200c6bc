/* fcask.c - what Firecracker's API is asked; see fcask.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/firecracker-microvm/firecracker/tree/main/docs
 */
#include <sys/inotify.h>

#include "bng.h"
#include "fcagent.h"
#include "fcask.h"
#include "fcsnap.h"
#include "fcwritten.h"

enum {
	PATIENCE = 60,		/* seconds, to build a machine and run it */
	UNASKED_MS = 10000,	/* to fail, and say why; or be heard of */
	DEAF_MS = 1,		/* to listen at its socket */
};

static void
hang_up(struct fc *f)
{
	loop_del(&f->answer);
	f->api.fd = -1;
}

static void on_answer(struct watch *w, uint32_t events);

/* A new question takes the place of an old one. 0 or -errno. */
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

void
fcask_runs(struct fc *f)
{
	loop_del(&f->patience);
	sup_running(f->sup);
}

/* It will not do what the hold on it wants, or what stop does. */
static void
refused(struct fc *f, const char *why)
{
	if (f->asked == ASK_RESUME)
		sup_warn(f->sup, "cannot resume it: %s", why);
	fcagent_moves(f);
	hold_over(&f->sup->hold, why);
}

static void
ask_to(struct fc *f, enum fc_question what, const char *body)
{
	int r = ask(f, what, body);

	if (r)
		refused(f, strerror(-r));
}

/* Whoever made it pause lets it go on, and does not tell us. */
static void
still_before(struct fc *f)
{
	fcagent_moves(f);
	hold_paused(&f->sup->hold, true);
}

/* Somebody else wanted that. */
static void
gone_on(struct fc *f)
{
	fcagent_moves(f);
	hold_over(&f->sup->hold, NULL);
}

static void
go_on(struct fc *f)
{
	fcagent_held(f);
	ask_to(f, ASK_RESUME, FC_RESUMED);
}

/* Its first answer comes when the machine has been built and runs. */
static void
on_state(struct fc *f, const char *state)
{
	struct sup *s = f->sup;
	bool pausing = s->hold.state == HOLD_PAUSING;
	bool ending = s->hold.state == HOLD_ENDING;

	if (!strcmp(state, "Running")) {
		fcask_runs(f);
		if (pausing)
			ask_to(f, ASK_PAUSE, FC_PAUSED);
		else if (ending)
			gone_on(f);
	} else if (!strcmp(state, "Paused")) {
		if (pausing)
			still_before(f);
		else if (ending || s->wanted)
			go_on(f);
	}
}

/* Nothing is awaited that a file would tell. To close it takes a moment. */
static void
watch_no_files(struct fc *f)
{
	if (f->files.fd >= 0)
		f->watched = loop_take(&f->files);
}

/* It runs, and its agent will be heard of. */
static void
restored(struct fc *f)
{
	watch_no_files(f);
	f->snapshot = steal_fd(&f->from);
	fcask_runs(f);
}

static void
on_done(struct fc *f)
{
	struct sup *s = f->sup;

	if (f->asked == ASK_LOAD)
		restored(f);
	else if (f->asked == ASK_PAUSE)
		hold_paused(&s->hold, false);
	else
		hold_over(&s->hold, NULL);
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
	else if (!well)
		snprintf(f->why, sizeof(f->why), "%s", strerror(-r));
	hang_up(f);
	if (r == -ECONNRESET)
		return;
	if (!well && f->from >= 0 && f->asked != ASK_STATE)
		sup_fail(f->sup, f->why);
	else if (!well)
		refused(f, f->why);
	else if (f->asked == ASK_STATE)
		on_state(f, state);
	else
		on_done(f);
}

/* Its socket has a name before it listens, and nothing tells when it does. */
static void
load(struct fc *f)
{
	char body[256];
	int r;

	fcsnap_load(FC_FD_FROM, body, sizeof(body));
	r = ask(f, ASK_LOAD, body);
	if (r == -ECONNREFUSED || r == -EAGAIN || r == -ENOENT)
		r = loop_timer(&f->unasked, DEAF_MS);
	if (r)
		sup_fail(f->sup, "its API cannot be reached");
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
	if (loop_timer(&f->unasked, UNASKED_MS))
		ask(f, ASK_STATE, NULL);
}

/* It opens the machine's own disks when it has mapped the memory. */
static bool
watch_mapping(struct fc *f)
{
	char path[64];

	if (f->from < 0 || !fcwritten_known(f->from))
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/overlay.ext4",
	    f->sup->dir);
	f->mapping = inotify_add_watch(f->files.fd, path, IN_OPEN |
	    IN_ONESHOT);
	return f->mapping >= 0;
}

static void
socket_there(struct fc *f)
{
	inotify_rm_watch(f->files.fd, f->birth);
	if (!watch_mapping(f))
		watch_no_files(f);
	if (f->from >= 0)
		load(f);
	else
		ask_later(f);
}

static void
on_files(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, files);
	char buf[4096]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(w->fd, buf, sizeof(buf));
	const struct inotify_event *e;
	bool there = false, mapped = false;

	(void)events;
	for (char *p = buf; n > 0 && p < buf + n; p += sizeof(*e) + e->len) {
		e = (const struct inotify_event *)p;
		there |= e->wd == f->birth && e->len &&
		    !strcmp(e->name, "api.sock");
		mapped |= e->wd == f->mapping && e->mask & IN_OPEN;
	}
	if (there)
		socket_there(f);
	if (!mapped)
		return;
	fcwritten_copy(f->from, f->sup->pid);
	watch_no_files(f);
}

/* Hear of api.sock: it is there a moment after Firecracker is. */
static int
watch_files(struct fc *f)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->sockets);
	f->files.ready = on_files;
	f->unasked.ready = on_unasked;
	f->files.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	f->birth = f->files.fd < 0 ? -1 :
	    inotify_add_watch(f->files.fd, path, IN_CREATE);
	if (f->birth >= 0)
		return loop_add(&f->files, EPOLLIN);
	/* A user has few of them: without one it is looked for. */
	loop_del(&f->files);
	return loop_timer(&f->unasked, f->from >= 0 ? DEAF_MS : UNASKED_MS);
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
	return loop_timer(&f->patience, (int)seconds * 1000);
}

int
fcask_state(struct fc *f)
{
	return ask(f, ASK_STATE, NULL);
}

int
fcask_begin(struct fc *f)
{
	int r = watch_files(f);

	return r ? r : watch_patience(f);
}

void
fcask_ready(struct fc *f)
{
	if (f->watched >= 0)
		close(steal_fd(&f->watched));
}

void
fcask_end(struct fc *f)
{
	loop_del(&f->files);
	fcask_ready(f);
	loop_del(&f->unasked);
	loop_del(&f->patience);
	hang_up(f);
}
