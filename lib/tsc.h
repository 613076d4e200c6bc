/* tsc.h - how fast this host's time stamp counter runs
 *
 * An emulated processor's counter is the host's own.
 */
#ifndef BNG_TSC_H
#define BNG_TSC_H

#include <stdint.h>

/* Its kHz, to a few in a million; takes two milliseconds. 0: unknown. */
uint32_t tsc_khz(void);

#endif
