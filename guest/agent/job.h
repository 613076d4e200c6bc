/* job.h - a process (or a socket) that does what a request asked for
 *
 * 1. Whatever may block or take memory runs in a child: a session of its own,
 *    default signals, no descriptor of the agent's.
 * 2. A child is not waited for before nobody needs its process group any
 *    more: until then its number cannot name another.
 */
#ifndef AGENT_JOB_H
#define AGENT_JOB_H

#include <stdbool.h>
#include <sys/types.h>

#include "loop.h"

struct job {
	struct job *next;
	pid_t pid;		/* 0: a socket */
	struct end proc;	/* readable when the child has ended */
	struct end in, out, err;
	struct end timer;	/* an abandoned job's last moment */
	bool tty, ended, killed;
	int status;		/* of a child that ended: 0-255, 128 + signal */
	int signal;		/* that ended it, or 0 */
};

/* What the child runs; what it returns is the exit status. */
typedef int (*job_fn)(const char *request);

struct job_want {
	job_fn fn;
	const char *request;
	bool input;		/* wants a stdin, else it is /dev/null */
	bool tty;
	unsigned short rows, cols;
};

/* NULL: errno says why. */
struct job *job_start(const struct job_want *want);

/* A job that is only a connected (or connecting) socket. */
struct job *job_socket(int fd);

/* True once: when the child was found to have ended; its status is noted. */
bool job_check(struct job *j);

void job_signal(const struct job *j, int sig);
void job_resize(const struct job *j, unsigned short rows, unsigned short cols);

/* The end of its input; on a terminal, the key for that. */
void job_input_end(struct job *j);

/* Kill all that is in its session. */
void job_kill(const struct job *j);

/* It is over and was read to the end. */
void job_free(struct job *j);

/* Its client is gone: hang up, and kill what is left a little later. */
void job_abandon(struct job *j);

/* Look after the abandoned ones. */
void jobs_tend(void);

#endif
