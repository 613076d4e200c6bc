/* fcagent.c - the agent behind Firecracker's vsock; see fcagent.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/firecracker-microvm/firecracker/blob/main/docs/vsock.md
 */
#include <poll.h>
#include <sys/socket.h>

#include "bng.h"
#include "dirs.h"
#include "fcagent.h"
#include "fcask.h"
#include "fcwritten.h"

enum {
	AGENTS = 8,		/* that appear within ... */
	AGENT_SECONDS = 60,	/* ... so long are a guest gone wrong */
	RESUMED_MS = 2000,	/* for one that was saved to come anew */
};

static void
drop_spare(struct fc *f)
{
	if (f->spare >= 0)
		close(steal_fd(&f->spare));
}

/*
 * The line that a client writes to agent.sock is Firecracker's own, and so is
 * the answer. One that does not take them is not waited for. -1 then.
 */
static int
dial(const struct sup *s, uint32_t port)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "CONNECT %u\n", (unsigned)port);
	autoclose int fd = sock_connect_within(s->dir, "vsock.sock", 0);

	return fd >= 0 && send(fd, line, (size_t)n, MSG_NOSIGNAL) == n ?
	    steal_fd(&fd) : -1;
}

/*
 * Somebody waits until the guest is ready. The guest can accept their
 * connection in the same moment as configure's, instead of a moment later.
 */
static void
dial_spare(struct fc *f)
{
	drop_spare(f);
	if (f->sup->door.waiting)
		f->spare = dial(f->sup, DOOR_READY_PORT);
}

/* That, unless the guest has closed it; -1. */
static int
take_spare(struct fc *f)
{
	struct pollfd p = { .fd = f->spare, .events = POLLRDHUP };

	if (f->spare >= 0 && poll(&p, 1, 0))
		drop_spare(f);
	return steal_fd(&f->spare);
}

static void
drop_next(struct fc *f)
{
	if (f->next >= 0)
		close(steal_fd(&f->next));
}

static void on_agent(struct watch *w, uint32_t events);

/* It takes fd over. 0 or -errno. */
static int
watch_agent(struct fc *f, int fd)
{
	int r;

	f->held = false;
	f->agent.fd = fd;
	f->agent.ready = on_agent;
	r = loop_add(&f->agent, EPOLLIN);
	if (r)
		close(steal_fd(&f->agent.fd));
	return r;
}

/* The guest has one, which knows nothing yet. fd is taken over. */
static void
welcome(struct fc *f, int fd)
{
	if (flood(&f->agents, AGENTS, AGENT_SECONDS)) {
		close(fd);
		loop_del(&f->hello);
		sup_broken(f->sup, "the agent in the guest keeps restarting");
		return;
	}
	if (watch_agent(f, fd))
		return;
	/* In this order: who started it can wait until it is ready. */
	sup_agent(f->sup, true);
	dial_spare(f);
	fcask_runs(f);
}

/* It has nothing to say there: a word is as good as its end. */
static void
on_agent(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, agent);
	int next = steal_fd(&f->next);

	(void)events;
	loop_del(w);
	/* The machine was saved, and its agent is what it was. */
	if (next >= 0 && f->held && f->sup->ready) {
		watch_agent(f, next);
		relays_drop_aged(&f->relays);
	} else {
		drop_spare(f);
		relays_drop(&f->relays);
		sup_agent(f->sup, false);
		if (next >= 0)
			welcome(f, next);
	}
	fcagent_moves(f);
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

/*
 * Anybody in the guest may connect: who comes second waits until the first has
 * ended. Perhaps it has, and only the guest knows: it is sent a byte, which
 * an agent that is there ignores.
 */
static void
on_hello(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, hello);
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (!agent_lives(f)) {
		welcome(f, fd);
		return;
	}
	drop_next(f);
	f->next = fd;
	(void)!send(f->agent.fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int
fcagent_listen(struct fc *f)
{
	f->hello.ready = on_hello;
	f->hello.fd = sock_listen_at(f->sockets, "vsock.sock_1024", 128);
	if (f->hello.fd < 0)
		return f->hello.fd;
	fcntl(f->hello.fd, F_SETFL, O_NONBLOCK);
	return loop_add(&f->hello, EPOLLIN);
}

/*
 * The first connection was configure's, the second is a command's. Who only
 * waited until the guest is ready said nothing.
 */
static void
on_relay_over(void *ctx, bool asked)
{
	struct sup *s = ctx;
	struct fc *f = s->own;

	if (f->snapshot >= 0 && asked && ++f->answered == 2) {
		fcwritten_note(f->snapshot, s->pid);
		close(steal_fd(&f->snapshot));
	}
	door_room(&s->door);
}

void
fcagent_carry(void *ctx, int client, uint32_t port)
{
	struct sup *s = ctx;
	struct fc *f = s->own;
	int server = port == DOOR_READY_PORT ? take_spare(f) : -1;

	if (server < 0)
		server = dial(s, port);
	if (server < 0)
		close(client);
	else
		relay_start(&f->relays, client, server);
}

unsigned
fcagent_carried(void *ctx)
{
	return ((struct fc *)((struct sup *)ctx)->own)->relays.count;
}

void
fcagent_init(struct fc *f)
{
	f->relays.over = on_relay_over;
	f->relays.ctx = f->sup;
	f->hello.fd = f->agent.fd = f->resumed.fd = -1;
	f->spare = f->next = -1;
}

/* One that is made while it stands still does not outlive that it is saved. */
void
fcagent_hold(struct fc *f)
{
	door_still(&f->sup->door, true);
}

void
fcagent_moves(struct fc *f)
{
	loop_del(&f->resumed);
	door_still(&f->sup->door, false);
}

/* It only stood still; or its agent comes late, and is one that is new then. */
static void
on_resumed(struct watch *w, uint32_t events)
{
	struct fc *f = container_of(w, struct fc, resumed);

	(void)events;
	f->held = false;
	fcagent_moves(f);
}

/* Nor does one that the guest hears of before it hears that it was saved. */
void
fcagent_held(struct fc *f)
{
	f->held = true;
	drop_spare(f);
	relays_age(&f->relays);
	loop_del(&f->resumed);
	f->resumed.ready = on_resumed;
	if (loop_timer(&f->resumed, RESUMED_MS))
		fcagent_moves(f);
}

void
fcagent_end(struct fc *f)
{
	loop_del(&f->agent);
	drop_next(f);
	drop_spare(f);
	relays_drop(&f->relays);
	fcagent_moves(f);
}
