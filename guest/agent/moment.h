/* moment.h - what of a machine is of the moment: its clock and entropy
 *
 * The rest of what `configure` says is who the machine is. One that is
 * restored as itself is that already: its memory says so, and only the moment
 * is another.
 */
#ifndef AGENT_MOMENT_H
#define AGENT_MOMENT_H

#include <stdbool.h>

/* Set the clock and seed the random numbers, as the request says. */
bool moment_set(const char *request);

/* Whether it says nothing else, but for what the machine is since the last
 * moment_known(). */
bool moment_alone(const char *request);

/* It is about to be made what the request says; and that is done. */
void moment_asked(const char *request);
void moment_known(void);

#endif
