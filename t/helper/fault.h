/* fault.h - what is to go wrong, and when; shared by fault.c and faults.c */
#ifndef FAULT_H
#define FAULT_H

/*
 * none     count only
 * kill     SIGKILL for the process
 * group    SIGKILL for its process group: the front end and its applets
 * full     from then on nothing can be written to a file, or made: ENOSPC
 * eio      the call fails with EIO, or what is like it
 * emfile   ... EMFILE
 * eintr    ... EINTR
 * short    from then on no more than half is read or written at once
 */
#define F_NAMES "none", "kill", "group", "full", "eio", "emfile", "eintr", \
	"short"
enum { F_NONE, F_KILL, F_GROUP, F_FULL, F_EIO, F_EMFILE, F_EINTR, F_SHORT };

struct plan {
	unsigned calls;		/* so far */
	unsigned at;		/* the call that goes wrong, from 1 on */
	int how;
	int hit;		/* it has, */
	char what[64];		/* which was that */
};

#endif
