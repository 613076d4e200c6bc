/* doubt.h - does the guest that was asked something still live?
 *
 *	doubt_begin(&d, "web", dir);	it was asked
 *	wait for doubt_ms(&d) at most, for its answer and for d.probe
 *	doubt_due(&d)			that time has passed
 *	doubt_probed(&d)		d.probe is readable
 *	doubt_over(&d)			it has answered
 *
 * One that gives no answer is asked for a sign of life, on a connection of its
 * own. Without that the person is told, once, and may wait on: an emulated
 * guest may just be busy.
 */
#ifndef BNG_DOUBT_H
#define BNG_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

struct doubt {
	const char *vm;		/* its name for people; NULL: wait silently */
	int dir;		/* the machine's */
	int probe;		/* where a sign of life comes from, or -1 */
	bool silent;		/* it was said that it does not answer */
	int64_t asked;		/* when, in ms of the monotonic clock */
	int64_t until;		/* when something is due, or 0: never */
};

void doubt_begin(struct doubt *d, const char *vm, int dir);

/* As from the beginning, but for how long was waited; without vm, too. */
void doubt_renew(struct doubt *d);

/* For poll(2): until something is due, -1 for ever. */
int doubt_ms(const struct doubt *d);

/*
 * It is: look for a sign of life or, when there was none, say so. False when
 * the most that one waits has passed since.
 */
bool doubt_due(struct doubt *d);

/* What BANGER_READY_TIMEOUT says, or 300: the most, in seconds. */
int doubt_most(void);

void doubt_probed(struct doubt *d);
void doubt_over(struct doubt *d);

#endif
