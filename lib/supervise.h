/* supervise.h - the small process that stays beside a VMM
 *
 * It is the VMM's parent, holds run.lock with it, keeps the logs bounded,
 * serves agent.sock, has the guest configured whenever an agent appears, and
 * writes down how it all ended. doc/architecture.md names the files. What one
 * VMM does unlike another is behind struct vmm.
 *
 * 1. One process, one thread, one loop; nothing wakes it but an event.
 * 2. The VMM dies with it (PR_SET_PDEATHSIG); it ends when the VMM has.
 * 3. SIGUSR1: an end that comes now is wanted. SIGTERM: end it at once.
 * 4. A guest that resets after it was ready reboots: the VMM is started anew.
 */
#ifndef BNG_SUPERVISE_H
#define BNG_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "clean.h"
#include "confine.h"
#include "door.h"
#include "ending.h"
#include "hold.h"
#include "jail.h"
#include "logpipe.h"
#include "tell.h"
#include "turn.h"

struct sup;

/*
 * One start of the VMM. fds become descriptors 3, 4, ... of the VMM; the first
 * is run.lock. Those that are `given` are closed here then. Its stdout is the
 * guest's console, its stderr the VMM's own log. What it may touch is said by
 * confine.h's functions after sup_confine(). In a jail, it gets none of fds,
 * and run.lock for its stdin.
 */
enum { LAUNCH_FDS = 10 };

struct launch {
	const char *path;	/* the executable */
	char *const *argv;
	int fds[LAUNCH_FDS];
	bool given[LAUNCH_FDS];
	unsigned nfds;
	struct confine confine;
	bool small_pages;		/* as in spawn.h */
	bool log_waits;			/* in its pipe, until the VMM runs */
	const struct jail *jail;	/* what `path`, a jailer, goes into */
	const char *why;		/* it cannot be started; or errno's */
};

struct vmm {
	const char *name;	/* "QEMU", for messages */
	const char *key;	/* "qemu", as the value `vmm` has it */
	/* What stands before the reason of a failure in its log, or NULL. */
	const char *reason_mark;
	/* A guest that switches itself off only halts; see ending_halted. */
	bool halts;
	/* Fill in l; watch what has to be watched. 0 or -errno. */
	int (*launch)(struct sup *s, struct launch *l);
	/* It is gone: release what launch made, and say how it ended. */
	enum vmm_end (*ended)(struct sup *s, int status);
	/* It failed before the guest was ready: is there another way? */
	bool (*retry)(struct sup *s, const char *why);
	/* The guest is ready, and whoever waited knows; or NULL. */
	void (*ready)(struct sup *s);
	/*
	 * Begin to pause it (NULL, or why not), and tell hold_paused when it
	 * is; let it go on, also to hear that it should end, and tell
	 * hold_over whenever it has, or why it does not.
	 */
	const char *(*pause)(struct sup *s);
	void (*resume)(struct sup *s);
	/* As in door.h, with the sup for ctx. */
	void (*carry)(void *ctx, int fd, uint32_t port);
	unsigned (*carried)(void *ctx);
};

struct sup {
	int dir;		/* the machine's directory */
	char *name;
	const struct vmm *vmm;
	void *own;		/* whatever the VMM's part needs */
	const char *doing;	/* for "cannot START 'web'" */
	/* Who started it waits a moment longer, until the guest is ready. */
	bool until_ready;
	/* What is the starter's alone: a lock, or -1, and words of argv. */
	int starters;
	char **words;

	/* the rest is the supervisor's own */
	int lock, run_lock;
	bool supervising;	/* in the process that stays */
	int report;		/* to who started us, until the VMM runs */
	struct watch signals;
	struct logpipe console, err;
	struct door door;
	struct hold hold;
	struct turn turn;	/* to boot, which others wait for */
	pid_t pid;
	struct tell configure;
	struct watch lost;	/* its connection was: is the guest, too? */
	bool told;		/* vmm.log says that it is not confined */
	bool known, running, ready, wanted, term;
	bool broken;		/* and `error` says why */
	bool proven;		/* the guest has been ready since its start */
	bool halted;		/* it has switched itself off */
	const char *failed;	/* why we kill it, or NULL */
	int64_t began;
};

/* The machine of this name or directory, and nothing more of it. Dies. */
void sup_open(struct sup *s, const char *vmdir);

/*
 * Take the locks of the machine that a command line names, for starting it;
 * sets dir and name. turn is a place of turn.h, or -1: the supervisor has it
 * until the guest is ready. Dies, with exit 1, when it runs already.
 */
void sup_lock(struct sup *s, const char *vmdir, int turn);

/*
 * This machine cannot be started: say why, in its `error` too, and exit. In a
 * supervisor, whose guest reboots, that is sup_end().
 */
noreturn_fn printf_fn(2, 3) void sup_refuse(struct sup *s, const char *fmt,
    ...);

/* Start it and leave a supervisor behind. Dies, saying why, when it fails. */
void sup_start(struct sup *s);

/* From here on: for the VMM's part, in the supervisor. */

/* The end of it and of its VMM, for a reason that is no end of the guest's. */
noreturn_fn void sup_end(struct sup *s, const char *why);

/* Note which VMM it is that runs. */
void sup_known(struct sup *s);

/* The VMM has proven to run: who started it need not wait any more. */
void sup_running(struct sup *s);

/*
 * Confine what l will start, its path being set: to that program, the
 * machine's disks and what else its drives and its kernel are; if it may
 * connect, the host's resolver. More can be granted then; flags are
 * confine_init's. 0 or -errno.
 */
int sup_confine(struct sup *s, struct launch *l, int image, int kernel,
    int flags);

/* A line for vmm.log alone. */
void sup_note(struct sup *s, const char *line);

/* A line for who started it, or, when that one is gone, for vmm.log. */
printf_fn(2, 3) void sup_warn(struct sup *s, const char *fmt, ...);

/* An agent is there to be configured; or it is gone. */
void sup_agent(struct sup *s, bool there);

/* The guest will not get ready, or is so no more. */
void sup_broken(struct sup *s, const char *why);

/* End the VMM at once; why, a static string, is what went wrong. */
void sup_fail(struct sup *s, const char *why);

/*
 * The supervisor itself, which is in several files:
 *
 * supstart.c	from a command line to here
 * supervise.c	the VMM's beginning and end, and the loop between them
 * supsay.c	what it says, and to whom
 * supagent.c	a guest's agent, told who its machine is
 */
noreturn_fn void sup_supervise(struct sup *s);

/* Why the machine does not run, or not well: a line for its `error`. */
void sup_error(struct sup *s, const char *why);

/*
 * One line to who started us: w(arning), o(k) or e(rror), the last two once.
 * After an ok it hears r(eady), if it waits for that or if, as the text says,
 * the agent has been heard of, so that it is as good as there.
 */
void sup_report(struct sup *s, char kind, const char *text);
/* Whatever is being told to the agent, nobody waits for it any more. */
void sup_not_configuring(struct sup *s);

#endif
