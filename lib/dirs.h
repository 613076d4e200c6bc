/* dirs.h - where banger keeps things, and the machines in it
 *
 * User scope: $XDG_STATE_HOME/banger and so on; BANGER_STATE, BANGER_CACHE and
 * BANGER_RUN name other places (the front end exports all three).
 */
#ifndef BNG_DIRS_H
#define BNG_DIRS_H

/* Absolute paths, static, no slash at the end. Die where HOME is no path. */
const char *dir_state(void);	/* vms/ images/ kernels/ ssh/ */
const char *dir_cache(void);	/* blobs/ downloads */
const char *dir_run(void);	/* sockets whose path must be short */

/* Make such a directory, and those above it, for us alone. -1 and errno. */
int dir_make(const char *path);

/*
 * Open a machine's directory: a path when it holds a '/', else a name below
 * the state directory's vms/. Dies with the reason: a bad name, or no such
 * machine (exit 1). Returns an O_DIRECTORY descriptor.
 */
int xvm_open(const char *name_or_path);

/* The absolute path behind such a descriptor, malloc'ed. */
char *xfd_path(int fd);

/*
 * Connect to a socket in a directory by its descriptor, whatever the length
 * of the path (a sockaddr_un holds 108 bytes). A descriptor or -errno.
 */
int sock_connect_at(int dirfd, const char *name);

/*
 * The same, waiting for so many milliseconds at most for whoever listens and
 * does not take those before us: -EAGAIN then. 0: not at all, and the socket
 * is non-blocking.
 */
int sock_connect_within(int dirfd, const char *name, int ms);

/* Bind and listen likewise, mode 0600 from birth. A descriptor or -errno. */
int sock_listen_at(int dirfd, const char *name, int backlog);

#endif
