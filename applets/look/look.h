/* look.h - what the files of bng-look share
 *
 * stats.c    what machines cost this host, and what they use
 * ports.c    what listens in a machine, and the way there
 */
#ifndef BNG_LOOK_H
#define BNG_LOOK_H

#include <stdbool.h>
#include <stddef.h>

/* Of these machines, of all when there is no name: the exit status. */
int look_stats(char *name[], size_t count, bool as_json);

/* Of a machine that runs; dies when it does not say. */
int look_ports(const char *vm, bool as_json);

#endif
