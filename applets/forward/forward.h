/* forward.h - what the files of bng-forward share
 *
 * listen.c   ports of this host, and who connects to them
 * conn.c     such a client and a port of the machine, passing bytes
 * silence.c  an agent that says nothing while connections wait for it
 *
 * One process, one loop (loop.h). What keeps it from going on at all is said
 * in one line and ends it.
 */
#ifndef BNG_FORWARD_H
#define BNG_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

enum { LISTENERS = 64 };

/* One of at most LISTENERS: [ADDRESS:]HOSTPORT:GUESTPORT. */
void listeners_add(const char *spec);

/* Begin to listen, and tell of each; a host's port 0 is a free one by then. */
void listeners_start(void (*each)(const char *address, uint16_t host,
    uint16_t guest));

/* Whether more clients are let in now. */
void listeners_want(bool more);

/* Once, with the machine's name as it was given. */
void conns_init(const char *vm);

/* Connect this client, whose socket it takes over, to a port of the machine. */
void conn_new(int fd, uint16_t guest);

/* Once, with the name that the machine has. */
void silence_init(const char *name);

/* A request is on its way to the agent; it has been answered, or is no more. */
void silence_begin(void);
void silence_end(bool answered);

#endif
