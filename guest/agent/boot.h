/* boot.h - from /init to a machine with its own root */
#ifndef AGENT_BOOT_H
#define AGENT_BOOT_H

#include "clean.h"

/*
 * Be PID 1: load the modules, make the root, leave the agent running, and
 * once the machine is configured become the image's init. Without one, stay
 * and reap.
 */
noreturn_fn void boot(void);

#endif
