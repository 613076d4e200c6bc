/* flood.h - does something happen too often? */
#ifndef BNG_FLOOD_H
#define BNG_FLOOD_H

#include <stdbool.h>
#include <time.h>

struct flood {
	time_t since;
	int count;
};

/* It happens now: is that more than `most` times within so many seconds? */
static inline bool
flood(struct flood *f, int most, int seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (t.tv_sec - f->since > seconds) {
		f->since = t.tv_sec;
		f->count = 0;
	}
	return ++f->count > most;
}

#endif
