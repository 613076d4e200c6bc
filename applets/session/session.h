/* session.h - what the files of bng-session share
 *
 * named.c    the session that a command line names
 * begin.c    start and acp: a command begins
 * show.c     what a machine says of its sessions, shown
 * serve.c    mux and serve: a session's frames for others
 *
 * What fails is said in one line and ends the process, as in ask.h.
 */
#ifndef BNG_SESSION_H
#define BNG_SESSION_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SESSION_LOST = 125 };	/* the status where no command has its own */

/* VM and SESSION, behind the options. */
char **session_operands(int argc, char *argv[]);

/* {"v":1,"op":OP,"name":NAME} */
cJSON *session_request(const char *op, const char *name);

/* The request to attach to it, for this process: its text, malloc'ed. */
char *session_attach(const char *name, pid_t who);

/* What the machine knows of one session; exit 1 when there is none. */
cJSON *session_look(const char *vm, const char *name);

/* The verbs that have a file of their own. */
int session_start(int argc, char *argv[]);
int session_acp(int argc, char *argv[]);
int session_mux(int argc, char *argv[]);
int session_serve(int argc, char *argv[]);

/*
 * A machine may say anything: what is not of its form is left out, and no
 * byte of it reaches a terminal as more than a character.
 */

/* A string, and a whole number of at least 0, of a session; "" and -1. */
const char *session_str(const cJSON *session, const char *key);
int64_t session_num(const cJSON *session, const char *key);

/* Of {"sessions":[...]}: a table, the names alone, or a JSON array. */
void session_table(const cJSON *all);
void session_names(const cJSON *all);
void session_json(const cJSON *all);

/* One of them: "key  value" lines, or a JSON object. */
void session_lines(const cJSON *session);
void session_object(const cJSON *session);

#endif
