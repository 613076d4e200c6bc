/* jail.h - Firecracker's own jailer around it
 *
 * The jailer changes into a root directory of the VMM's own, mounts nothing
 * and lets it keep three descriptors: so what the VMM needs is brought in
 * before. A jail is
 *
 * 1. a root on a tmpfs, in a mount namespace that begins with the jailer's
 *    process: files are bound into it, and when that process ends, however it
 *    does, nothing of it is left;
 * 2. a user of its own: whoever owns the machine's directory, or, where root
 *    does, a number made of the machine's id;
 * 3. a cgroup, named by that id, and the directory `jail` of the machine: its
 *    sockets/, the one thing that both sides see. That is there before the
 *    cgroup, and goes last, so that gc can finish.
 *
 * No network, no other's processes, no new privileges; Landlock is not for it,
 * as it forbids what the jailer has to do.
 */
#ifndef BNG_JAIL_H
#define BNG_JAIL_H

#include <stdbool.h>
#include <sys/types.h>

#include "cgroup.h"
#include "ident.h"

/* Where in the jail its files are, and what of them is named. */
#define JAIL_VM "/vm"
#define JAIL_IMAGE "/image"
#define JAIL_KERNEL "/kernel"
#define JAIL_SOCKETS "/sockets"
#define JAIL_CONF "/firecracker.json"
#define JAIL_LOG "log"			/* a fifo among the sockets */

enum { JAIL_WHY = 256, JAIL_ARGS = 32 };

struct jail {
	int vm, image, kernel, conf;	/* not its own */
	struct cgroup_limits limits;

	/* the rest is jail.c's */
	char *jailer, *vmm;		/* absolute paths */
	char *base;			/* where it is mounted */
	char id[IDENT_ID];
	uid_t uid;
	gid_t gid;
	int sockets;			/* a descriptor */
	int cgroup;			/* likewise, or -1: no limits */
	bool unlimited;			/* the host cannot */
};

/*
 * Find out who runs the program vmm, and as whom; then, before each start of
 * it, make its jail. vm to limits are set. False, and why.
 */
bool jail_find(struct jail *j, const char *vmm, char why[JAIL_WHY]);
bool jail_make(struct jail *j, char why[JAIL_WHY]);

/* The jailer's command line for the VMM's own args, ending with NULL. */
char *const *jail_argv(const struct jail *j, char *const *args);

/* In the child that will execute the jailer: the inside. 0 or -errno. */
int jail_enter(const struct jail *j);

/*
 * The jailer's change of user makes the kernel forget that its child is to die
 * with us: leave a process that sees to it. 0 or -errno.
 */
int jail_guard(pid_t vmm);

/* Take away what is left of a machine's jail; none is 0. 0 or -errno. */
int jail_clean(int vmfd);

#endif
