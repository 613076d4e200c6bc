/* nearest.h - what somebody may have meant */
#ifndef BNG_NEAREST_H
#define BNG_NEAREST_H

#include <stddef.h>

/* Of count names, the one that takes the fewest changes to become the word;
 * NULL when a third of the name, or more, would have to change. */
const char *nearest(const char *word, const char *const names[], size_t count);

#endif
