/* ask.h - one request to a machine's agent, or the end
 *
 * For applets: what fails is said in one line and ends the process. VM is a
 * machine's name or directory; `what` is what was to be done, as in "cannot
 * WHAT 'web'". A cJSON that is given is used up.
 */
#ifndef BNG_ASK_H
#define BNG_ASK_H

#include <cjson/cJSON.h>

#include "agent.h"

/* The directory of the machine that ask_connect went to; -1 before. */
extern int ask_dir;

/*
 * For how long ask_connect waits for a machine to be ready, in seconds; 0: as
 * long as it takes. One that is not in time is a no.
 */
extern int ask_seconds;

/* Connect, or end with the status `no` when the machine is not running. */
int ask_connect(const char *vm, enum agent_port port, int no);

/* The same for this talk: where nobody answers, it says who. */
void ask_open(struct talk *t, const char *vm, enum agent_port port, int no);

/* The same with a request, and talk_run. */
int ask_run(struct talk *t, const char *vm, enum agent_port port, int no,
    cJSON *request);

/* The name of a machine that is given by its path, malloc'ed. */
char *ask_name(const char *vm);

/* Why the connection was lost, malloc'ed; waits a moment for the reason. */
char *ask_lost_why(void);

/* {"v":1,"op":OP}, and the text of such an object, malloc'ed. */
cJSON *ask_request(const char *op);
char *ask_text(cJSON *o);

/* To a request's env: NAME=VALUE, or NAME to pass ours on. */
void ask_add_env(cJSON *env, const char *text);

/* That it is for a terminal such as ours. */
void ask_add_terminal(cJSON *o);

/* One line out of what came from the machine, cut in place; NULL is "". */
const char *ask_first_line(char *text);

/*
 * Ask for something short, whose status is then *ret_status (or TALK_LOST);
 * dies when it was refused. Its stdout, malloc'ed, or NULL.
 */
char *ask_status(const char *vm, enum agent_port port, cJSON *o,
    const char *what, int *ret_status);

/* The same as ask_status for what must succeed. */
char *ask(const char *vm, enum agent_port port, cJSON *o, const char *what);

/* An answer that is JSON; what a machine says is not to be trusted. */
cJSON *ask_json(const char *vm, cJSON *request, const char *what);

/*
 * Relay the streams in (-1: none) and out; the machine's words are on stderr
 * already. EXIT_YES or EXIT_NO.
 */
int ask_relay(const char *vm, cJSON *o, int in, int out, const char *what);

#endif
