/* net.h - the machine's one network interface */
#ifndef AGENT_NET_H
#define AGENT_NET_H

#include <stdbool.h>

/*
 * Bring an interface up; name NULL is the first virtio one. ip is an address
 * with a prefix ("10.0.2.15/24") or NULL; gateway and mac may be NULL or "".
 * False: a line for the client was written.
 */
bool net_up(const char *name, const char *ip, const char *gateway,
    const char *mac);

#endif
