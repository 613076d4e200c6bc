/* bng.h - what every applet may use; each part's own header is its manual */
#ifndef BNG_H
#define BNG_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "clean.h"
#include "msg.h"
#include "xwrap.h"
#include "file.h"
#include "undo.h"

#define BNG_VERSION "0.1.0"

/* Exit statuses of every applet. */
enum {
	EXIT_YES = 0,		/* done, or the answer is yes */
	EXIT_NO = 1,		/* the answer is no: absent, stopped, busy */
	EXIT_USAGE = 100,	/* wrong usage */
	EXIT_FAILED = 111,	/* a system call or a peer failed */
};

/* Promises that the dispatcher keeps before it calls an applet's main. */
enum applet_flags {
	PLAIN = 0,
	NEED_ROOT = 1 << 0,	/* refuse to start unless the euid is 0 */
};

struct applet {
	const char *name;	/* "bng-net" */
	const char *usage;	/* the block of the opening comment */
	int (*main)(int argc, char *argv[]);
	enum applet_flags flags;
};

/* The last line of applets/bng-X.c: APPLET(X, flags); */
#define APPLET(n, fl) \
	const struct applet applet_##n = { "bng-" #n, USAGE_##n, n##_main, fl }

/*
 * The applet that runs, for messages and for the usage line. Set once by the
 * dispatcher.
 */
extern const struct applet *self;

/*
 * One verb of an applet such as "bng-state new". argv[0] is the verb, so a
 * verb parses its options with getopt as a main does.
 */
struct verb {
	const char *name;
	int (*main)(int argc, char *argv[]);
};

/*
 * Call the verb that argv[1] names; "-h" prints the usage block. An unknown
 * or missing verb is a usage error. Ends with NULL name. Returns the status.
 */
int verbs_run(const struct verb *verbs, int argc, char *argv[]);

/*
 * The last thing that an applet does for a command line that goes on with a
 * COMMAND: become that, as env(1) does, and mostly without executing anything,
 * for another applet of this executable runs as it is. Nothing of ours stays
 * open. EXIT_YES where there is no command; dies, 127, if it is not found.
 */
int become(char *command[]);

/* Print the whole usage block to stdout and exit 0. */
noreturn_fn void usage_help(void);

/* One line of what was wrong, the usage line(s) (of the verb), exit 100. */
noreturn_fn printf_fn(1, 2) void die_usage(const char *fmt, ...);

#include "banned.h"
#endif
