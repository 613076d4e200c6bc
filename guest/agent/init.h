/* init.h - the image's init, and how to talk to it */
#ifndef AGENT_INIT_H
#define AGENT_INIT_H

#include <stdbool.h>

/* Which program becomes PID 1; NULL: none, the agent's own stays. */
void init_note(const char *path);

bool init_is_none(void);

#endif
