/* oom.h - the agent outlives what takes the machine's memory
 *
 * Without it the machine would be out of reach: the OOM killer spares it, and
 * nothing that it starts.
 */
#ifndef AGENT_OOM_H
#define AGENT_OOM_H

#include <stdbool.h>
#include <sys/types.h>

/* Be spared from here on. False: errno says why not. */
bool oom_exempt(void);

/* fork(2), of a child that is not spared. */
pid_t oom_fork(void);

#endif
