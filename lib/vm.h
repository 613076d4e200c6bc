/* vm.h - a machine's directory: its values, their forms, its state
 *
 * bng-state(5) lists every file. Functions print nothing unless they die.
 */
#ifndef BNG_VM_H
#define BNG_VM_H

#include <stdbool.h>
#include <stddef.h>

#include "clean.h"
#include "names.h"

enum vm_form { VM_NUMBER, VM_WORD, VM_NAME, VM_PATH, VM_LINE, VM_PROCESS };

/* A value that a person or the front end may set, and what it may hold. */
struct vm_key {
	const char *key;
	enum vm_form form;
	const char *initial;	/* what a new machine has; NULL: nothing */
	long long min, max;	/* of a VM_NUMBER */
	const char *words;	/* of a VM_WORD: "yes no" */
};

extern const struct vm_key vm_keys[];	/* ends with a NULL key */

/* What is wrong with KEY=VALUE: NULL, or a sentence in a static buffer. */
const char *vm_value_error(const char *key, const char *value);

/* Whether a name may be that of a value: NAME, or workspace/NAME. */
bool vm_key_ok(const char *key);

/* file_line() of a value, with its directory for a key such as workspace/head,
 * never through a symbolic link. */
ssize_t vm_line(int vmfd, const char *key, char *buf, size_t size);

/* Set a value, or remove it when value is "". 0 or -errno. */
int vm_set(int vmfd, const char *key, const char *value);

/*
 * Write a value that is not there yet, into a directory that nobody knows yet:
 * in place, not synced (committing syncs once). 0 or -errno.
 */
printf_fn(3, 4) int vm_put_new(int vmfd, const char *key, const char *fmt, ...);

/*
 * file_note_line() of a value that is mostly what it was at the last start:
 * where it says so already, nothing is written. A file system may begin to
 * write a file to its disk when that takes the place of another.
 */
printf_fn(3, 4) int vm_note(int vmfd, const char *key, const char *fmt, ...);

/*
 * Whether it has one, as it is: not every VMM has one for users (vmms.h), so
 * what was asked for is not all.
 */
bool vm_has_network(int vmfd);

/* Files that are there only while it runs; ends with NULL. */
extern const char *const vm_runtime_files[];

/* As is this directory, where Firecracker writes a snapshot. */
#define VM_DUMP "dump"

enum vm_state { VM_CREATED, VM_STARTING, VM_RUNNING, VM_STOPPED, VM_ERROR };

/* Computed from what is there now; nothing has to notice a crash. */
enum vm_state vm_state(int vmfd);

const char *vm_state_name(enum vm_state s);

/* The vms directory, made if it is not there. Dies when it cannot be. */
int xvms_open(void);

/* Its path, static. */
const char *vms_dir(void);

/* All machines, sorted; the pointer is not used. */
void vm_every(struct names *n, const void *unused);

/* The directory of a machine, O_PATH, or -1 when no machine can be there. */
int vm_peek(const char *name);

#endif
