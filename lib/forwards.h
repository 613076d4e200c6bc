/* forwards.h - which ports of a machine are forwarded now, and to where
 *
 * forwards/PID in its directory: "PID STARTTICKS", then a line "ADDRESS
 * HOSTPORT GUESTPORT" for each. It goes with the process; what kill -9 leaves
 * is removed by the next who looks.
 */
#ifndef BNG_FORWARDS_H
#define BNG_FORWARDS_H

#include <stddef.h>
#include <stdint.h>

/*
 * A record for this process, removed when it ends. Its path, malloc'ed; NULL
 * when it cannot be made: it is a convenience.
 */
char *forwards_begin(int vmfd);

void forwards_add(const char *record, const char *address, uint16_t host,
    uint16_t guest);

/*
 * Where this port of the machine can be reached, "127.0.0.1:8080" in buf, or
 * NULL.
 */
const char *forwards_find(int vmfd, uint16_t guest, char *buf, size_t size);

#endif
