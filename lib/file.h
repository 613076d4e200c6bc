/* file.h - whole small files, written so that nobody reads half of one
 *
 * Functions return 0 or a count, or -errno, and print nothing.
 */
#ifndef BNG_FILE_H
#define BNG_FILE_H

#include <sys/types.h>

#include "clean.h"

/* Write everything, through short writes and EINTR. 0 or -errno. */
int write_all(int fd, const void *buf, size_t len);

/* The same from byte at of a file on. */
int pwrite_all(int fd, const void *buf, size_t len, off_t at);

/*
 * Read until len bytes or the end, through EINTR. The count (below len only
 * at the end of the file) or -errno.
 */
ssize_t read_full(int fd, void *buf, size_t len);

/*
 * The first line of the file name below dirfd, without its newline, cut at
 * size - 1 bytes. The length, or -errno; buf is set only on success. A file
 * that holds a NUL byte in its first line is -EINVAL; a symbolic link is
 * -ELOOP, and a fifo nobody writes to is empty rather than for ever.
 */
ssize_t file_line(int dirfd, const char *name, char *buf, size_t size);

/* The first line as a whole number in [min, max]; -EINVAL if it is not. */
int file_num(int dirfd, const char *name, int64_t min, int64_t max,
    int64_t *ret_n);

/*
 * Replace the file name below dirfd by these bytes: a temporary beside it,
 * written, synced, renamed. On failure the old file is untouched and no
 * temporary stays. 0 or -errno.
 */
int file_put(int dirfd, const char *name, const void *buf, size_t len,
    mode_t mode);

/*
 * The same, but not synced: for what is void once the host has crashed (pids,
 * readiness), where waiting for the disk would only cost time.
 */
int file_note(int dirfd, const char *name, const void *buf, size_t len,
    mode_t mode);
printf_fn(3, 4) int file_note_line(int dirfd, const char *name,
    const char *fmt, ...);

/*
 * One line into a file that only tells of what runs now: as file_note_line,
 * where it is, for a third of what that costs. Who reads it meanwhile finds
 * nothing, or what was there. A file that is not there is one that is empty:
 * who is killed here may leave it so.
 */
printf_fn(3, 4) int file_mark_line(int dirfd, const char *name,
    const char *fmt, ...);

/* file_put of one line: the formatted text and a newline, mode 0600. */
printf_fn(3, 4) int file_put_line(int dirfd, const char *name, const char *fmt,
    ...);

/*
 * Everything in a file of at most max bytes, NUL-terminated, malloc'ed.
 * 0, -EFBIG, or -errno.
 */
int file_slurp(int dirfd, const char *name, size_t max, char **ret_buf,
    size_t *ret_len);

/* Remove name and, if it is a directory, all below it; absent is 0. */
int file_rm_tree(int dirfd, const char *name);

#endif
