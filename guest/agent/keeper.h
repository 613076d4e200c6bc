/* keeper.h - the process that keeps one session
 *
 * 1. Each session has one; it outlives the agent, and everybody on the host.
 * 2. The command's output always goes into the rings. Who is attached reads
 *    from these at its own pace; while somebody is, nothing is overwritten
 *    that was not sent: the command waits instead. Who attaches anew goes on
 *    where the last one was.
 * 3. Clients speak the agent's protocol: the agent passes their bytes on, and
 *    these are stdio_mux_v1. Input is taken by whole frames, one client's at
 *    a time.
 */
#ifndef AGENT_KEEPER_H
#define AGENT_KEEPER_H

#include "clean.h"

/*
 * Become the keeper of session `name`, whose empty directory is below home, in
 * a process of its own. A string on the descriptor told: "" once the command
 * runs, else why it cannot.
 */
noreturn_fn void keeper_run(const char *home, const char *name,
    const char *request, int told);

#endif
