/* meter.c - how far bng-pull fetch has come
 *
 * SPDX-License-Identifier: MIT
 */
#include <time.h>

#include "bng.h"
#include "human.h"
#include "part.h"
#include "pull.h"

static double
seconds_since(const struct timespec *then, struct timespec *ret_now)
{
	clock_gettime(CLOCK_MONOTONIC, ret_now);
	return (double)(ret_now->tv_sec - then->tv_sec) +
	    (double)(ret_now->tv_nsec - then->tv_nsec) / 1e9;
}

void
fetch_show(struct fetch *f, int64_t total, bool end)
{
	static int terminal = -1;
	char have[HUMAN_LEN], all[HUMAN_LEN + 8] = "", rate[HUMAN_LEN];
	char size[HUMAN_LEN], left[32] = "";
	struct timespec now;
	double elapsed, speed, rest;

	if (terminal < 0)
		terminal = isatty(STDERR_FILENO);
	if (!end && seconds_since(&f->last, &now) < (terminal ? 0.1 : 5))
		return;
	elapsed = seconds_since(&f->since, &now);
	f->last = now;
	if (total > 0)
		snprintf(all, sizeof(all), " of %s", human_size(total, size));
	speed = (double)(f->part.have - f->first) /
	    (elapsed > 0.001 ? elapsed : 0.001);
	rest = (double)(total - f->part.have);
	if (!end && rest > 0 && speed > 0 && rest / speed < 360000)
		snprintf(left, sizeof(left), ", %d:%02d left",
		    (int)(rest / speed / 60), (int)(rest / speed) % 60);
	human_size((int64_t)speed, rate);
	human_size(f->part.have, have);
	if (terminal)
		fprintf(stderr, "\r%s%s, %s/s%s\033[K%s", have, all, rate,
		    left, end ? "\n" : "");
	else
		fprintf(stderr, "%s: %s%s, %s/s%s\n", msg_name, have, all,
		    rate, left);
}

int
fetch_on_progress(void *ctx, int64_t total, int64_t now, int64_t utotal,
    int64_t unow)
{
	struct fetch *f = ctx;

	(void)now;
	(void)utotal;
	(void)unow;
	if (f->begun && f->part.have)
		fetch_show(f, total > 0 ? total + f->from : 0, false);
	return 0;
}
