/* xwrap.h - calls that succeed or end the process with a message
 *
 * For applets. Code that must survive a failure uses the plain call.
 */
#ifndef BNG_XWRAP_H
#define BNG_XWRAP_H

#include <stdint.h>
#include <sys/types.h>

#include "clean.h"

must_check void *xmalloc(size_t size);
must_check void *xcalloc(size_t n, size_t size);
must_check void *xrealloc(void *p, size_t size);
must_check char *xstrdup(const char *s);
must_check printf_fn(1, 2) char *xasprintf(const char *fmt, ...);

/* open(2) with O_CLOEXEC; mode is used with O_CREAT. */
int xopen(const char *path, int flags, mode_t mode);

/* Write everything to fd; dies naming 'what', or standard output. */
void xwrite(int fd, const void *buf, size_t len, const char *what);

/*
 * Parse a decimal number in [min, max]; what ("port") names it in the usage
 * error that a bad one ends in.
 */
int64_t xnum(const char *text, int64_t min, int64_t max, const char *what);

/* The number of KILL, SIGKILL, kill or 9; wrong usage if it is no signal. */
int xsignal(const char *text);

/*
 * Parse a size: 4G, 512M, 4GiB, 64K, 4096B; a bare number counts units of
 * `unit` bytes. Returns bytes; a usage error on anything else or overflow.
 */
int64_t xsize(const char *text, int64_t unit, const char *what);

/* Cut KEY=VALUE in two, in place: the value. Wrong usage when it has no '='. */
char *xkey_value(char *arg);

/* Flush stdout; a full disk or closed pipe is an error, not silence. */
void xflush(void);

#endif
