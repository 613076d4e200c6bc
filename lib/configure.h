/* configure.h - what a machine's agent is configured with
 *
 * The request `configure` of doc/agent-protocol.md: everything that makes a
 * machine itself and no other, as its directory and its image say it. What
 * cannot be done is said in one line and ends the process.
 */
#ifndef BNG_CONFIGURE_H
#define BNG_CONFIGURE_H

#include <cjson/cJSON.h>

/* Tell it the agent of vm, a name or a directory, as soon as there is one. */
void configure(const char *vm);

/* The time of this moment, for a request of its own. */
void configure_time(cJSON *o);

#endif
