/* spawn.h - start a child that lives no longer than we do
 *
 * The child has default signals, its own session, "/" for a directory, no
 * descriptor but those named here, no way to new privileges, no core dumps,
 * and gets SIGKILL when this process ends, however it ends. Call it from a
 * process with one thread: that thread is what the child dies with.
 */
#ifndef BNG_SPAWN_H
#define BNG_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct confine;
struct jail;

enum { SPAWN_FDS = 14 };

struct spawn {
	char *const *argv;		/* argv[0] is shown */
	const char *path;		/* what is executed */
	int fds[SPAWN_FDS];		/* become 0, 1, 2, ...; -1: /dev/null */
	unsigned nfds;			/* at least 3 */
	/* What it may touch, with few variables in its environment; or NULL. */
	const struct confine *confine;
	const struct jail *jail;	/* what to make for a jailer, or NULL */
	bool small_pages;		/* it gets no huge ones */
};

/* The path of the executable that PATH has under this name, or NULL. */
char *spawn_find(const char *name);

/*
 * The child's pid, or -errno. A failing exec, or a confinement that cannot be,
 * is a line on its fd 2, and 127.
 */
pid_t spawn(const struct spawn *sp);

#endif
