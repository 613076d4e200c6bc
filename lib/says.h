/* says.h - what a program says of itself, asked once
 *
 * The first line of `PROGRAM --version` is kept in the cache directory with
 * what tells the executable from another (device, inode, size, time), so that
 * a start costs no process for it.
 */
#ifndef BNG_SAYS_H
#define BNG_SAYS_H

#include <stddef.h>

/*
 * The line in buf, cut at size - 1, without control characters. 0; -errno
 * when it cannot be run; -ENODATA when it says nothing within 5 s.
 */
int says_version(const char *path, char *buf, size_t size);

#endif
