/* undo.h - what must not outlive this process unless it was handed over
 *
 *	int u = undo_unlink("/path/to/tmp");	made it: put it on the list
 *	...
 *	undo_forget(u);				handed over: take it off
 *
 * The list runs once, newest first, at exit() and on SIGHUP, SIGINT, SIGPIPE
 * and SIGTERM (after which the process dies of that signal). kill -9 leaves
 * the rest to gc. A forked child owns none of it.
 */
#ifndef BNG_UNDO_H
#define BNG_UNDO_H

#include <sys/types.h>

/* Unlink this file. Returns a handle; dies when the list is full (64). */
int undo_unlink(const char *path);

/* Remove this directory and all below it. */
int undo_rm_tree(const char *path);

/* Kill this child of ours with SIGKILL. */
int undo_kill(pid_t pid);

/* It is somebody else's now. -1 is no handle. */
void undo_forget(int handle);

/* Run the list now (idempotent). */
void undo_run(void);

#endif
