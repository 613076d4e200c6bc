/* lock.h - locks that belong to an open file description
 *
 * fcntl(2) OFD locks: whoever inherits or receives the descriptor holds the
 * lock, it ends with the last copy, and anyone can ask without taking it.
 * The lock file is never unlinked while its directory lives.
 */
#ifndef BNG_LOCK_H
#define BNG_LOCK_H

#include <stdbool.h>

/*
 * Open (making it if need be, mode 0600) and lock name below dirfd for
 * writing. Not waiting: -EAGAIN when another holds it. Returns a descriptor
 * that is close-on-exec, or -errno.
 */
int lock_open(int dirfd, const char *name, bool wait);

/*
 * The same, not waiting for whoever has it for writing. Those who wait for its
 * end (lock_wait_free) have it for reading, for a moment: for them it waits.
 */
int lock_take(int dirfd, const char *name);

/* Lock an open descriptor. 0, -EAGAIN, or -errno. */
int lock_fd(int fd, bool wait);

/*
 * The same for reading, next to other readers; a writer's lock becomes a
 * reader's without a gap.
 */
int lock_fd_shared(int fd, bool wait);

void lock_drop(int fd);

/* Whether anyone has it for writing: 1, 0 (also without a file), -errno. */
int lock_held(int dirfd, const char *name);

/*
 * lock_open, waiting for so many milliseconds at most; it uses SIGALRM.
 * -ETIMEDOUT then.
 */
int lock_open_within(int dirfd, const char *name, int ms);

/*
 * Wait until nobody holds it, for so many milliseconds at most, or -1 for
 * ever; it uses SIGALRM. 0, -ETIMEDOUT, or -errno.
 */
int lock_wait_free(int dirfd, const char *name, int ms);

#endif
