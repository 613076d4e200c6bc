/* door.h - agent.sock: who comes in, and when
 *
 * A client writes "CONNECT PORT\n". On port 1 it is let in once the machine
 * is ready (connecting is waiting for readiness), on any other as soon as
 * there is an agent. Letting in is handing its socket to who carries it; that
 * one writes "OK NUMBER\n". Whoever cannot be let in any more is hung up on.
 * A client that writes "PAUSE\n" instead is for hold.h. While a machine stands
 * still for one of those, whose VMM would lose new connections, all wait.
 */
#ifndef BNG_DOOR_H
#define BNG_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

enum {
	DOOR_READY_PORT = 1,
	DOOR_AGENT_PORT = 2,
	DOOR_CLIENTS = 256,	/* the rest stays in the backlog */
};

enum door_state {
	DOOR_WAIT,	/* port 1 waits */
	DOOR_READY,
	DOOR_SHUT,	/* it will not get ready: port 1 is hung up on */
};

struct caller;

struct door {
	struct watch w;
	enum door_state state;
	bool agent;			/* is there an agent to carry to? */
	bool paused;			/* no room: nobody is accepted */
	bool still;			/* nobody is let in, or hung up on */
	struct caller *callers;
	unsigned waiting;		/* how many callers */
	/* Take fd over, whether it works or not. */
	void (*carry)(void *ctx, int fd, uint32_t port);
	unsigned (*carried)(void *ctx);	/* how many clients it carries now */
	void (*hold)(void *ctx, int fd);	/* take it over likewise */
	void *ctx;
};

/* Start listening as `name` below dirfd; the functions and ctx are set. */
int door_open(struct door *d, int dirfd, const char *name);

/* The state has changed, or there is room: let in or hang up on who waits. */
void door_set(struct door *d, enum door_state state);
void door_room(struct door *d);
void door_still(struct door *d, bool still);

/* Hang up on all who wait and stop listening. */
void door_close(struct door *d);

#endif
