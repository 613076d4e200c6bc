/* link.h - how clients reach the agent: the seam between it and the VMM
 *
 * link_mux serves any number of connections on one virtio-serial port (QEMU);
 * link_vsock serves each on a socket of its own (Firecracker), and link_plain
 * one such socket that is there already. They return when the wire has ended.
 */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include <stdbool.h>

int link_mux(int fd, bool port);
int link_plain(int fd);
int link_vsock(void);

/* Open the virtio-serial port of this name; -1: errno says why. */
int link_find_port(const char *name);

/* Whether there is a vsock that leads to a host. */
bool link_has_vsock(void);

#endif
