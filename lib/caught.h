/* caught.h - signals as something to poll for
 *
 * The handler only notes; a pipe wakes the poll, and a write that waits ends
 * with EINTR. One set of signals for the process.
 */
#ifndef BNG_CAUGHT_H
#define BNG_CAUGHT_H

/* Catch this one from now on. */
void caught_add(int sig);

/* Readable when a signal has come; -1 before the first caught_add. */
int caught_fd(void);

/* The next signal that has come since, each number once; 0 when none has. */
int caught_next(void);

/* End as if the signal had not been caught. */
noreturn_fn void caught_die(int sig);

#endif
