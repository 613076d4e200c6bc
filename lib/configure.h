/* configure.h - what a machine's agent is configured with
 *
 * The request `configure` of doc/agent-protocol.md: everything that makes a
 * machine itself and no other, as its directory and its image say it.
 */
#ifndef BNG_CONFIGURE_H
#define BNG_CONFIGURE_H

#include <cjson/cJSON.h>

enum { CONFIGURE_WHY = 256 };

/*
 * For the agent of the machine of this name and directory, with the time of
 * this moment and random bytes of its own. NULL, and why not, where a file of
 * the machine's or its image's cannot be read.
 */
cJSON *configure_request(int dir, const char *name,
    char ret_why[CONFIGURE_WHY]);

/* The time of this moment, for a request of its own. */
void configure_time(cJSON *o);

#endif
