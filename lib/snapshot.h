/* snapshot.h - a machine at one moment, as a directory
 *
 * It holds copies of the disks and of the values that the VMM's command line
 * is made of; `created`; `base`, which says of what size and age the shared
 * disks were; and `memory` when the machine ran, in a form that is its VMM's.
 * It is made as .new.NAME.PID and renamed when it is whole.
 *
 * 1. A machine that runs stands still from before the first byte is copied
 *    until after the last (hold.h), or the snapshot is thrown away.
 * 2. One that does not run is locked meanwhile, and has no `memory`.
 * 3. While a restore writes the disks the machine has the file `restoring`,
 *    and nobody starts it: half of it would be from another time.
 */
#ifndef BNG_SNAPSHOT_H
#define BNG_SNAPSHOT_H

#include <stdbool.h>

struct sup;

struct snapshot {
	int vm;			/* the machine's directory, */
	char *vm_name;		/* and its name */
	int dir;		/* the snapshot's, */
	char *path;		/* where that is, */
	const char *name;	/* and its last component */
	int memory;		/* open, for reading or writing; -1: none */
	int disks[2];		/* its disks, for a restore */
	char **command;		/* what a restore becomes in the end */
	bool move, lasting, only_look;
};

/* What a VMM adds. All die when they cannot. */
struct snapshot_vmm {
	const char *name;	/* as in the value `vmm` */
	const char *title;	/* for messages */
	/* The machine stands still: begin to write its memory, and end. */
	void (*begin)(struct snapshot *sn);
	void (*finish)(struct snapshot *sn);
	/* It runs on, and the snapshot is ours; or NULL. */
	void (*tidy)(struct snapshot *sn);
};

/* The verb snapshot [-t] VM DIR. Its exit status. */
int snapshot_make(int argc, char *argv[], const struct snapshot_vmm *v);

/*
 * The verb restore [-gmn] VM DIR [COMMAND ...], up to where something changes:
 * sup_lock the machine and open what there is. With only_look, which -n is, the
 * machine may run, and that it could be restored is all that is asked.
 */
void snapshot_open(struct snapshot *sn, int argc, char *argv[],
    struct sup *s, const struct snapshot_vmm *v);

/* Dies unless a VMM of version `here` can read its memory. */
void snapshot_check_version(const struct snapshot *sn, const char *vmm,
    const char *here);

/*
 * Make the machine's disks and values what they were. Dies; without `restoring`
 * nothing is changed then.
 */
void snapshot_apply(struct snapshot *sn);

/* What was moved is no snapshot any more. */
void snapshot_used(const struct snapshot *sn);

/* Whether a value of the snapshot is this. */
bool snapshot_says(const struct snapshot *sn, const char *key,
    const char *value);

/* For start: sup_refuse a machine whose restore was interrupted. */
void snapshot_refuse_half(struct sup *s);

#endif
