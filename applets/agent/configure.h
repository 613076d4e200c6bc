/* configure.h - what a machine's agent is configured with
 *
 * The request `configure` of doc/agent-protocol.md: everything that makes a
 * machine itself and no other, as its directory and its image say it. What
 * cannot be read is said in one line and ends the process.
 */
#ifndef BNG_CONFIGURE_H
#define BNG_CONFIGURE_H

#include <cjson/cJSON.h>

/* All of it, with new random bytes and the time; vm: its name or directory. */
cJSON *configure_all(const char *vm);

/* The time alone. */
cJSON *configure_clock(void);

#endif
