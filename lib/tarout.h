/* tarout.h - write a tar stream (ustar, with GNU's long names)
 *
 * Everything in it is root's. A failure ends the process.
 */
#ifndef BNG_TAROUT_H
#define BNG_TAROUT_H

#include <stdint.h>
#include <sys/types.h>

/* The beginning of one: type '0' a file, of which size bytes have to follow,
 * or '5' a directory. Only the permissions of mode count. */
void xtar_entry(int fd, const char *path, char type, mode_t mode,
    int64_t size, int64_t mtime);

/* What fills the last block of a file of so many bytes. */
void xtar_pad(int fd, int64_t size);

/* The end of the stream. */
void xtar_end(int fd);

#endif
