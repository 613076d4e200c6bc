/* doubt.c - does the guest that was asked something still live? see doubt.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "agent.h"
#include "bng.h"
#include "clock.h"
#include "doubt.h"

enum {
	DOUBT_MS = 2000,	/* without an answer until we doubt */
	PROBE_MS = 3000,	/* for a guest in doubt to answer a ping */
	ANSWER_S = 300,		/* for one that does not, in the end */
};

void
doubt_begin(struct doubt *d, const char *vm, int dir)
{
	*d = (struct doubt){ .vm = vm, .dir = dir, .probe = -1,
		.asked = clock_ms(CLOCK_MONOTONIC) };
	if (vm)
		d->until = d->asked + DOUBT_MS;
}

void
doubt_renew(struct doubt *d)
{
	d->until = clock_ms(CLOCK_MONOTONIC) + DOUBT_MS;
}

int
doubt_ms(const struct doubt *d)
{
	int64_t left = d->until - clock_ms(CLOCK_MONOTONIC);

	if (!d->until)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* As long as a machine may take to boot. */
int
doubt_most(void)
{
	const char *text = getenv("BANGER_READY_TIMEOUT");
	long most = text ? strtol(text, NULL, 10) : 0;

	return most > 0 && most < 100000 ? (int)most : ANSWER_S;
}

bool
doubt_due(struct doubt *d)
{
	if (d->probe < 0) {
		d->probe = agent_probe(d->dir);
		d->until = d->probe < 0 ? 0 :
		    clock_ms(CLOCK_MONOTONIC) + PROBE_MS;
		return true;
	}
	if (d->silent)
		return false;
	warn("machine '%s' does not answer; try: banger vm kill %s", d->vm,
	    d->vm);
	d->silent = true;
	d->until = d->asked + (int64_t)doubt_most() * 1000;
	return true;
}

void
doubt_probed(struct doubt *d)
{
	if (agent_probed(d->probe))
		doubt_over(d);
}

void
doubt_over(struct doubt *d)
{
	if (d->probe >= 0)
		close(d->probe);
	d->probe = -1;
	d->silent = false;
	d->until = 0;
}
