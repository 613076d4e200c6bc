/* fcconf.h - Firecracker's configuration for a machine's directory
 *
 * Firecracker is given directories as descriptors whose numbers are fixed,
 * so no absolute path is in its configuration, and none in a snapshot of it.
 */
#ifndef BNG_FCCONF_H
#define BNG_FCCONF_H

#include "fcfind.h"

struct sup;

/* What Firecracker's descriptors are; the first as supervise.h says. */
enum { FC_FD_LOCK = 3, FC_FD_VM, FC_FD_IMAGE, FC_FD_KERNEL, FC_FD_CONF,
	FC_FD_FROM,	/* the directory of a snapshot */
};

enum {
	FC_VCPUS = 32,
	FC_HELLO_PORT = 1024,	/* vsock.sock_1024: the agent is there */
};

struct fcconf {
	struct fcfind find;
	int image, kernel;	/* directories */
	int conf;		/* the configuration, without a name, or -1 */
	bool jailed;		/* paths are those of jail.h */
};

/* From `find` on, but for conf. What is missing or wrong is sup_refuse'd. */
void fcconf_open(struct fcconf *c, struct sup *s);

/* Then conf; likewise. Who goes on from a snapshot needs it to reboot. */
void fcconf_make(struct fcconf *c, struct sup *s);

#endif
