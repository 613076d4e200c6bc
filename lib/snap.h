/* snap.h - what the two verbs of a snapshot share: lib/snapshot.c, restore.c
 */
#ifndef BNG_SNAP_H
#define BNG_SNAP_H

#include "clean.h"
#include "snapshot.h"

enum {
	SNAP_LINE = 4096,	/* room for a value */
	SNAP_DISKS = 2,
	SNAP_VALUES = 13,
	SNAP_OF_MEMORY = 10,
};

extern const char *const snap_disks[SNAP_DISKS];

/*
 * What a VMM's command line is made of, the name aside; and from
 * SNAP_OF_MEMORY on what only memory depends on.
 */
extern const char *const snap_values[SNAP_VALUES];

/* Dies: it cannot VERB the machine, as of -errno r of WHAT. */
noreturn_fn void snap_fail(const struct snapshot *sn, int r, const char *verb,
    const char *what);

/* The sizes of its big files, as its value `sizes` says them: malloc'ed. */
char *snap_sizes(int dir);

/* A value of a directory, in buf; or "". */
const char *snap_value(int dir, const char *key, char *buf, size_t size);

/* Need a machine's disks not survive a crash of this host? */
bool snap_ephemeral(int vm);

/* What a machine's memory relies on, and somebody may replace: malloc'ed. */
char *snap_base(int dir);

/*
 * The options and the two operands that both verbs have, and before what may
 * follow if letters begin with a '+'. Bit i of the result is whether letters[i]
 * was given; *ret_dir is malloc'ed.
 */
unsigned snap_options(int argc, char *argv[], const char *letters,
    char **ret_dir);

#endif
