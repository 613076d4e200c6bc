/* scratch.h - directories that are being made or deleted
 *
 * They are called .new.NAME.PID and .del.NAME.PID, beside what they are
 * renamed to or from, so nobody takes one for the finished thing. The file
 * `maker` in it ("PID STARTTICKS") says who is at work; without it, the PID
 * of the name does.
 */
#ifndef BNG_SCRATCH_H
#define BNG_SCRATCH_H

#include <stdbool.h>
#include <sys/types.h>

enum { SCRATCH_NAME = 129 };

/*
 * Whether a directory entry has that form; name is set to its NAME, which
 * name_ok() accepts. kind is "new" or "del", or NULL for either.
 */
bool scratch_parse(const char *entry, const char *kind,
    char name[SCRATCH_NAME], pid_t *ret_pid);

/* Whether somebody is still at work on it. */
bool scratch_alive(int parentfd, const char *entry);

/*
 * Remove it, whose maker is dead, with all that is in it. Out of the way at
 * once: a part of that maker which still lives, and gives it its name now,
 * would give a name to what is being removed. 0 or -errno.
 */
int scratch_remove(int parentfd, const char *entry, const char *name);

/*
 * Make .new.NAME.PID below parentfd, PID being ours, with `maker` naming
 * the process maker, and put its path below `parent` on the undo list. The
 * path is malloc'ed; dies on failure.
 */
char *xscratch_new(int parentfd, const char *parent, const char *name,
    pid_t maker, int *ret_undo);

/*
 * Make it last: every file in it, then the directory. What is on its way to
 * the disk already is cheap to wait for, so all are started before any is
 * awaited. 0 or -errno.
 */
int scratch_sync(int dirfd);

/*
 * Give it its name, if that is free, for good; its `maker` goes when it is
 * whole. 0 or -errno.
 */
int scratch_commit(int parentfd, const char *entry, const char *name,
    bool whole);

#endif
