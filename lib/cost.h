/* cost.h - what a machine costs its host */
#ifndef BNG_COST_H
#define BNG_COST_H

#include <stdbool.h>
#include <stdint.h>

/* -1: not known, as of what does not run or is not ours to ask. */
struct cost {
	int64_t cpu_ms;		/* of the VMM and its supervisor, */
	int64_t up_ms;		/* since they were started */
	int64_t rss, pss;	/* bytes of both */
	int64_t disk;		/* bytes that its disks really take */
};

void cost_read(struct cost *c, int vmfd);

/* The last of these alone: the disks are sparse. */
int64_t cost_disk(int vmfd);

#endif
