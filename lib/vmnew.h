/* vmnew.h - make the directory of a new machine */
#ifndef BNG_VMNEW_H
#define BNG_VMNEW_H

#include <stddef.h>
#include <sys/types.h>

/* Exit statuses of their own, so that a shell need not read messages. */
enum { VM_NO_IMAGE = 2, VM_NO_KERNEL = 3 };

/* What is wanted. Everything was checked: names, and values by vm.h. */
struct vm_wish {
	const char *name;	/* NULL: a free one */
	const char *image;
	const char *kernel;	/* set by xvm_new: the image's, unless given */
	pid_t maker;		/* whose it is until it is committed */
	int count;
	struct {
		const char *key, *value;
	} given[32];
};

/*
 * Make .new.NAME.PID with all its values; its path, malloc'ed, and its entry
 * on the undo list. Dies: 1 when the name is taken, VM_NO_IMAGE, VM_NO_KERNEL.
 */
char *xvm_new(struct vm_wish *w, int *ret_undo);

/*
 * The same with the values of the machine whose directory is `from`, as for a
 * fork; w has a name and a maker. What is its own is new: id, created, owner,
 * and its key.
 */
char *xvm_clone(struct vm_wish *w, int from, int *ret_undo);

/* A name that no machine has and nobody is making. */
void vm_pick_name(int vms, char *buf, size_t size);

#endif
