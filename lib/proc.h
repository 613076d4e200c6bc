/* proc.h - a process named so that a reused pid is not taken for it */
#ifndef BNG_PROC_H
#define BNG_PROC_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * When a process started, in clock ticks since boot (field 22 of
 * /proc/PID/stat). 0 or -errno (-ESRCH when there is none).
 */
int proc_start(pid_t pid, unsigned long long *ret_ticks);

/* Write "PID TICKS" as the value file name below dirfd. 0 or -errno. */
int proc_save(int dirfd, const char *name, pid_t pid);

/*
 * The pid in that file if the very process it names is alive and no zombie,
 * else 0. -errno when the file cannot be read or is not of that form.
 */
pid_t proc_load(int dirfd, const char *name);

/* Signal that very process. 0, -ESRCH when it is gone, or -errno. */
int proc_signal(int dirfd, const char *name, int sig);

#endif
