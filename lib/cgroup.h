/* cgroup.h - a control group for one machine, with limits
 *
 * Of the unified hierarchy (version 2), below its group `banger`; the name is
 * the machine's id, so whoever knows that can clean up.
 */
#ifndef BNG_CGROUP_H
#define BNG_CGROUP_H

#include <stdint.h>

struct cgroup_limits {
	int64_t memory;		/* bytes */
	int tasks;
	int cpus;
};

/*
 * Make it. A descriptor of its directory; -EOPNOTSUPP when there is no
 * hierarchy whose controllers limit all three: the group may be there then,
 * and has to be removed; or another -errno.
 */
int cgroup_make(const char *id, const struct cgroup_limits *l);

/* This process and all that it will start belong to it now. 0 or -errno. */
int cgroup_enter(int fd);

/* Kill what is in it and remove it; none is 0. */
int cgroup_remove(const char *id);

#endif
