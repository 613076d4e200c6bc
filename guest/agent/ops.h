/* ops.h - what a client may ask for; see doc/agent-protocol.md */
#ifndef AGENT_OPS_H
#define AGENT_OPS_H

#include <stdbool.h>

#include "conn.h"

/* Where commands are looked for, unless somebody says something else. */
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:" \
	"/sbin:/bin"

/* Serving a host's own test: it must not be configured or shut down. */
extern bool ops_harmless;

/* Called once the machine was configured. */
extern void (*ops_configured)(void);

/* Start what a request (an object that json_ok likes) asks for. */
void op_start(struct conn *c, const char *request);

/* The children that do the work; the result is the exit status. */
int exec_run(const char *request);
int session_start_run(const char *request);
int session_list_run(const char *request);
int session_logs_run(const char *request);
int put_run(const char *request);
int get_run(const char *request);
int stats_run(const char *request);
int ports_run(const char *request);
int configure_run(const char *request);
int boot_run(const char *request);
int shutdown_run(const char *request);

/*
 * Whether its cwd, its command and those that it requires are there, seen from
 * a child. 0, or 1 after a complaint.
 */
int exec_check(const char *request);

/* The directory that its command begins in; after exec_check. */
void exec_cwd(const char *request, char *out, size_t size);

/*
 * One line for the client, on the child's stderr; returns 1. What a terminal
 * would act on is shown as '?'.
 */
printf_fn(1, 2) int complain(const char *fmt, ...);

/*
 * From now on this child's stderr is what a person reads, not what the client
 * makes a sentence of: its complaints say whose they are.
 */
void complain_aloud(void);

#endif
