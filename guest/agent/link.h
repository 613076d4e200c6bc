/* link.h - how clients reach the agent: the seam between it and the VMM
 *
 * link_mux serves any number of connections on one virtio-serial port (QEMU);
 * link_plain serves one connection on a socket of its own, as a vsock (in
 * Firecracker) would give. Both return when the wire has ended.
 */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include <stdbool.h>

int link_mux(int fd, bool port);
int link_plain(int fd);

/* Open the virtio-serial port of this name; -1: errno says why. */
int link_find_port(const char *name);

#endif
