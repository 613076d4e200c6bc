/* power.h - the end of the machine */
#ifndef AGENT_POWER_H
#define AGENT_POWER_H

#include <stdbool.h>

#include "clean.h"

/* One line on the console: "banger: ...". */
printf_fn(1, 2) void console(const char *fmt, ...);

/* Write everything to the disks and switch off, or reset. */
noreturn_fn void power_off(bool reset);

enum { POWER_GRACE = 2 };	/* seconds from SIGTERM to SIGKILL */

/*
 * The same, after ending all others but PID 1: with SIGTERM, if there is a
 * grace, and with SIGKILL when that is over, or all have ended.
 */
noreturn_fn void power_down(bool reset, int grace);

/* Whether the machine can switch itself off; else it resets. */
bool power_can_off(void);

/* Say what could not be done, and switch off so that the host learns. */
noreturn_fn printf_fn(1, 2) void give_up(const char *fmt, ...);

#endif
