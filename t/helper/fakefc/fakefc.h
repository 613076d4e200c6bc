/* fakefc.h - what the files of fakefc share
 *
 * fields.c   what each version understands
 * guest.c    an agent that configures nothing
 * api.c      its API socket
 */
#ifndef FAKEFC_H
#define FAKEFC_H

#include <cjson/cJSON.h>

#include "bng.h"
#include "frame.h"

enum { REQUEST = 65536 };

/* Of a connection; STALE: its guest has forgotten it, but not its VMM. */
enum kind { FREE, API, LINE, AGENT, STALE };

struct peer {
	enum kind kind;
	int fd;
	size_t have;
	char buf[REQUEST + 1];
	struct frame_in in;
};

extern struct fake {
	char version[32], mode[32];
	int number;		/* the version, 1012001 being 1.12.1 */
	const char *id;
	char uds[108];		/* of the vsock */
	int vsock;		/* listens there; or -1 */
	bool started, paused;
	bool restored;		/* and has not gone on since */
	bool saved;		/* likewise */
	bool fickle;		/* hangs up on one who waits, before it talks */
} fake;

/* A line for its log. */
printf_fn(2, 3) void say(const char *thread, const char *fmt, ...);

/*
 * Its end, before the guest has begun; and any other. Nothing is freed: that is
 * not for a leak checker to have a say in.
 */
noreturn_fn printf_fn(1, 2) void fail(const char *fmt, ...);
noreturn_fn void end(int status);

/* A string of an object; "" when there is none. */
const char *text(const cJSON *o, const char *key);

/* Its sockets: a descriptor, or -1 and errno. */
int bind_to(const char *path);
int connect_to(const char *path);

void hang_up(struct peer *p);

/* Its guest's connections are gone, without a word to the other ends. */
void forget(void);

/* Make it one of the peers. */
void take_in(int fd, enum kind kind);

/* Does it have such a section? NULL, or what is wrong with one of those. */
bool known(const char *section);
const char *strict(const char *section, const cJSON *o);

/* The agent tells the host that it is there; or forgets that it did. */
void announce(void);
void forget_host(void);

/* Whole control frames; all else is skipped. */
void on_agent(struct peer *p);

/* CONNECT in one piece, as the real one wants it. */
void on_line(struct peer *p);

void on_api(struct peer *p);

#endif
