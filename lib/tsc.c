/* tsc.c - how fast this host's time stamp counter runs; see tsc.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "bng.h"
#include "tsc.h"

#if defined(__x86_64__)

enum { SPAN_NS = 2000000, TRIES = 32 };

struct sample {
	uint64_t ticks;
	int64_t ns;
};

/*
 * The clock, between two readings: of several, the pair that is closest, in
 * whose midst nothing else has run.
 */
static struct sample
sample(void)
{
	uint64_t closest = UINT64_MAX;
	struct sample best = { 0 };

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = __rdtsc(), after;
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC, &t);
		after = __rdtsc();
		if (after - before >= closest)
			continue;
		closest = after - before;
		best = (struct sample){ before + closest / 2,
		    t.tv_sec * INT64_C(1000000000) + t.tv_nsec };
	}
	return best;
}

uint32_t
tsc_khz(void)
{
	struct sample a = sample(), b;

	do
		b = sample();
	while (b.ns - a.ns < SPAN_NS);
	return (uint32_t)((double)(b.ticks - a.ticks) * 1e6 /
	    (double)(b.ns - a.ns));
}

#else

uint32_t
tsc_khz(void)
{
	return 0;
}

#endif
