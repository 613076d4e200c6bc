/* qemuvmm.h - what supervise.h leaves to QEMU: start it, hear what it says
 *
 * The supervisor has a monitor of its own, whose events drive all of this;
 * qmp.sock is for others.
 */
#ifndef BNG_QEMUVMM_H
#define BNG_QEMUVMM_H

#include "netguard.h"
#include "qemucmd.h"
#include "qmp.h"
#include "supervise.h"

struct qemu {
	struct sup *sup;
	struct qemucmd cmd;
	int monitor;		/* qmp.sock, listening */
	struct watch w;		/* the supervisor's own monitor */
	struct qmp qmp;
	struct link *link;
	struct netguard guard;
	bool greeted;
	bool still;		/* its processors stand still, */
	bool still_before;	/* as they did when a pause was asked for */
	bool migrating;		/* it writes its memory, or reads it */
	bool cont_later;	/* and goes on when that has ended, */
	bool last_try;		/* or now: it has ended already */
	int memory;		/* of the snapshot to begin with, or -1 */
	const char *from;	/* its name */
	char why[256];		/* what QEMU said last on being refused */
	enum vmm_end end;
};

/* Ready for sup_start, but for the accelerator. */
void qemuvmm_init(struct qemu *q, struct sup *s);

/* Which one it has, and why not KVM: into the value `accel`. */
void qemuvmm_note_accel(const struct qemu *q, const char *why);

/* It begins with this memory, of the snapshot so called. */
void qemuvmm_from(struct qemu *q, int memory, const char *name);

#endif
