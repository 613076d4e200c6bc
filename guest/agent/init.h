/* init.h - the image's init, and how to talk to it */
#ifndef AGENT_INIT_H
#define AGENT_INIT_H

#include <stdbool.h>

enum init {
	INIT_NONE,		/* the agent's PID 1 stays */
	INIT_SYSTEMD,
	INIT_BUSYBOX,
	INIT_OPENRC,		/* as PID 1, not below another */
	INIT_RUNIT,
	INIT_SYSV,
	INIT_S6,
	INIT_OTHER,
};

/* Which program becomes PID 1; NULL: none. */
void init_note(const char *path);
extern char init_path[256];

/* What PID 1 is by now. */
enum init init_now(void);

bool init_is_none(void);

/*
 * Whether what lies there boots anything: images that have busybox for its
 * commands have its init, too, and perhaps an inittab for services that they
 * do not have.
 */
bool init_boots(const char *path);

/* Until there is a file of this name in dir; in is an inotify. */
bool init_await(int in, const char *dir, const char *path);

/* Until systemd listens, to signals as well. */
bool init_await_systemd(void);

#endif
