/* qemucmd.h - QEMU's command line for a machine's directory
 *
 * QEMU is given directories and sockets as descriptors, so its command line
 * is the same for every start of a machine, and holds no path that a comma or
 * a rename could turn into another.
 */
#ifndef BNG_QEMUCMD_H
#define BNG_QEMUCMD_H

#include <stdbool.h>

struct sup;

/* What QEMU's descriptors are; the first as supervise.h says. */
enum {
	FD_LOCK = 3, FD_AGENT, FD_QMP, FD_MONITOR, FD_VM, FD_IMAGE, FD_KERNEL,
	FD_MEMORY,		/* of a snapshot */
	FD_FRAMES, FD_BACK,	/* of a network that reaches the outside */
};

enum { QEMUCMD_ARGS = 96 };

struct qemucmd {
	char *path;			/* of QEMU */
	char *argv[QEMUCMD_ARGS];
	unsigned argc;
	char **accel, **cpu, **line;	/* arguments that a retry changes */
	char *words;			/* of the kernel's line, at all times */
	bool kvm, nested, microvm;
	bool online;			/* it reaches the outside */
	unsigned slots;			/* of microvm's virtio bus, taken */
	int image, kernel;		/* directories */
};

/* All but the accelerator. What is missing or wrong is sup_refuse'd. */
void qemucmd_make(struct qemucmd *c, struct sup *s);

/* With KVM, or with emulation. */
void qemucmd_accelerate(struct qemucmd *c, bool kvm);

/* Whether it waits for a snapshot's memory instead of booting. */
void qemucmd_incoming(struct qemucmd *c, bool incoming);

#endif
