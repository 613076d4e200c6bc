/* mount.h - mounting, and the directories it needs */
#ifndef AGENT_MOUNT_H
#define AGENT_MOUNT_H

#include <stdbool.h>
#include <sys/types.h>

/* Make a directory and those above it; there already is fine. */
bool make_dirs(const char *path, mode_t mode);

/*
 * Mount, making the directory first. False (errno says why) and a line on the
 * console when it did not work.
 */
bool mount_on(const char *what, const char *dir, const char *type,
    unsigned long flags, const char *data);

/* /proc, /sys, /dev and the like, below the root that is ours now. */
bool mount_kernel(void);

/*
 * Wait, at most 10 seconds, for the kernel to show something (a device, a
 * port): until found() is true. Driven by its announcements.
 */
bool wait_found(bool (*found)(const void *arg), const void *arg);

/* The same for a path. */
bool wait_path(const char *path);

#endif
